"""The names of the checks, their results, and the verdict on all of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from medtrack_cli.errors import ExitCode
from medtrack_cli.plural import counted


class Check(StrEnum):
    """The checks, in order. Their names are stable within a version."""

    CONFIG = "config"
    PROFILE = "profile"
    PASSWORD_SOURCE = "password_source"  # noqa: S105 -- a name
    DNS = "dns"
    TCP = "tcp"
    PROTOCOL = "protocol"
    TLS_CHAIN = "tls_chain"
    TLS_NAME = "tls_name"
    TLS_EXPIRY = "tls_expiry"
    AMQP = "amqp"
    LOGIN = "login"
    VHOST = "vhost"
    EXCHANGE = "exchange"
    PUBLISH_RIGHT = "publish_right"
    TAP_RIGHT = "tap_right"
    READ_RIGHT = "read_right"
    ROUND_TRIP = "round_trip"
    MANAGEMENT = "management"
    ALARMS = "alarms"
    BROKER_VERSION = "broker_version"
    QUEUES_UNCONSUMED = "queues_unconsumed"
    BACKLOG = "backlog"
    UNROUTABLE_TYPES = "unroutable_types"
    DEPRECATED_FEATURES = "deprecated_features"
    CLOCK = "clock"
    PAYLOAD = "payload"


class Status(StrEnum):
    """A check's result. Skipped: nothing is known, and `seen` says why."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


OF_THIS_MACHINE = (Check.CONFIG, Check.PROFILE, Check.PASSWORD_SOURCE)
"""The checks that need no network; for the last, a person may be asked."""

# What the guide asks when publishing fails, and the checks that answer it.
QUESTIONS = {
    "connection": (
        *(Check.CONFIG, Check.PROFILE, Check.DNS, Check.TCP, Check.PROTOCOL),
        *(Check.TLS_CHAIN, Check.TLS_NAME, Check.TLS_EXPIRY, Check.AMQP),
    ),
    "credentials": (Check.PASSWORD_SOURCE, Check.LOGIN, Check.VHOST),
    "exchange": (Check.EXCHANGE, Check.PUBLISH_RIGHT, Check.ALARMS),
    "payload": (Check.PAYLOAD,),
}


class Seen(NamedTuple):
    """What a check saw: a sentence, the lines of a table if there is one, and the fix.

    Without a fix of its own a check has the one that `explain` gives.
    """

    status: Status
    text: str
    fix: str = ""
    exit_code: int = ExitCode.DONE
    table: tuple[str, ...] = ()


def ok(text: str) -> Seen:
    """Report that all is well."""
    return Seen(Status.OK, text)


def warning(text: str, fix: str = "") -> Seen:
    """Report what doesn't block events, but should be fixed."""
    return Seen(Status.WARNING, text, fix)


def failed(text: str, fix: str = "", exit_code: int = ExitCode.VERDICT_NO) -> Seen:
    """Report what is wrong, and the error a command would end with."""
    return Seen(Status.FAILED, text, fix, exit_code)


def unknown(why: str, fix: str = "") -> Seen:
    """Report why the result is unknown."""
    return Seen(Status.SKIPPED, why, fix)


class Result(NamedTuple):
    """The result of one check, and how long it took.

    `cause` is the failed check for which this one was skipped.
    """

    id: Check
    status: Status
    seen: str
    fix: str = ""
    ms: int = 0
    exit_code: int = ExitCode.DONE
    cause: Check | None = None


@dataclass
class Diagnosis:
    """All results so far, and their verdict. `stopped` is the exit code of a signal."""

    strict: bool = False
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0
    stopped: int | None = None

    @property
    def counts(self) -> dict[Status, int]:
        """Count the results by status."""
        found = Counter(each.status for each in self.results)
        return {status: found[status] for status in Status}

    @property
    def cause(self) -> Result | None:
        """Find the first failure; with `strict`, the first warning if nothing failed."""
        wanted = [Status.FAILED, *([Status.WARNING] if self.strict else [])]
        found = (each for s in wanted for each in self.results if each.status is s)
        return next(found, None)

    @property
    def exit_code(self) -> int:
        """Give the exit code that a command would have had at the first failure."""
        if self.stopped is not None:
            return self.stopped
        cause = self.cause
        return ExitCode.DONE if cause is None else cause.exit_code or ExitCode.VERDICT_NO

    @property
    def answers(self) -> dict[str, Status]:
        """Answer the guide's questions, each by the worst result of its checks."""
        return {
            question: _worst([each for each in self.results if each.id in ids])
            for question, ids in QUESTIONS.items()
        }

    @property
    def sentence(self) -> str:
        """Sum up: counts, the cause and the next step."""
        counts = self.counts
        said = [f"{counts[Status.OK]} ok"]
        if counts[Status.WARNING]:
            said.append(counted(counts[Status.WARNING], "warning"))
        said += [f"{counts[s]} {s}" for s in (Status.FAILED, Status.SKIPPED) if counts[s]]
        text = ", ".join(said)
        if self.stopped is not None:
            return f"stopped: {text} so far"
        if cause := self.cause:
            text += f": {cause.seen.partition(chr(10))[0]}. Next: {cause.fix}"
        return text


def _worst(results: Sequence[Result]) -> Status:
    """Return the worst of some results; a check skipped for another's failure is unknown."""
    found = {each.status for each in results}
    if Status.FAILED not in found and any(each.cause for each in results):
        return Status.SKIPPED
    order = (Status.FAILED, Status.WARNING, Status.OK)
    return next((each for each in order if each in found), Status.SKIPPED)
