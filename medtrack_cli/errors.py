"""Every way medtrack can fail, each with its exit code.

MedtrackError
├── DemoFailed             1   a failed step of the demo
├── NothingKnown           1   an id that no event was about
├── EventsGone             1   a part of a stream that was dropped before it was read
├── UsageError             2   the command line asks for something impossible
│   └── WrongExpression    2   --where can't be read; it shows its place
├── NotARecording         65   not a recording, or not a journal
├── BrokenSchema          65   a schema that can't be used
├── NotDefinitions        65   not a file of broker definitions
├── NotExpectations       65   a file of expectations that can't be used
├── InputMissing          66   a file that is not there or can't be read
│   ├── EmptyInput        66   an input without events
│   └── HoldsNoEvents     65   a report or a checkpoint, named as an input
├── BrokerUnreachable     69   no connection, or one lost and not regained in time
├── Bug                   70   a mistake in medtrack itself
├── WorkerLost            70   a process of ours that was killed
├── CannotCreate          73   an output file that can't be made
├── CannotWrite           74   an output that stopped taking data (disk full)
├── TimedOut              75   a deadline or a broker alarm ran out
├── TopologyError         76   exchange, queue or vhost missing or declared differently
├── AccessRefused         77   authentication, permission, certificate
│   └── Untrusted         77   a certificate that no trusted authority has signed
└── ConfigError           78   a configuration that can't be used
    └── UnknownProfile    78   an unknown profile
"""

import re
from enum import IntEnum
from typing import ClassVar, Self

_PASSWORD = re.compile(r"(amqps?:/+[^\s:@/]*:)\S*@", re.IGNORECASE)


class ExitCode(IntEnum):
    """The exit codes. Where several apply, the first cause wins."""

    DONE = 0
    VERDICT_NO = 1
    USAGE = 2
    DATA_ERROR = 65
    INPUT_MISSING = 66
    UNREACHABLE = 69
    BUG = 70
    CANNOT_CREATE = 73
    CANNOT_WRITE = 74
    TIMED_OUT = 75
    TOPOLOGY = 76
    REFUSED = 77
    CONFIG = 78
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


def without_password(text: str) -> str:
    """Hide the password of an AMQP URL, well-formed or not, typed in the wrong place."""
    return _PASSWORD.sub(r"\1***@", text)


class MedtrackError(Exception):
    """A failure a person can act on: what failed, on what, and the next step.

    `what` and `subject` are sentences without a full stop and may contain untrusted text: printers
    escape them. None of the three may ever contain a secret.
    """

    code: ClassVar[str]
    exit_code: ClassVar[ExitCode]

    def __init__(self, what: str, subject: str = "", *, hint: str = "") -> None:
        self.what = without_password(what)
        self.subject = without_password(subject)
        self.hint = without_password(hint)
        super().__init__(self.what, self.subject)

    def with_hint(self, hint: str) -> Self:
        """Give the same error with another next step."""
        return type(self)(self.what, self.subject, hint=hint)

    @property
    def message(self) -> str:
        """What failed and its subject, on one line."""
        return f"{self.what}: {self.subject}" if self.subject else self.what

    def __str__(self) -> str:
        return self.message


class DemoFailed(MedtrackError):
    code = "demo_failed"
    exit_code = ExitCode.VERDICT_NO


class NothingKnown(MedtrackError):
    code = "nothing_known"
    exit_code = ExitCode.VERDICT_NO


class EventsGone(MedtrackError):
    """A part of a stream that its bounds took; `count` is its number of offsets."""

    code = "events_gone"
    exit_code = ExitCode.VERDICT_NO

    def __init__(self, what: str, subject: str, *, count: int, hint: str = "") -> None:
        super().__init__(what, subject, hint=hint)
        self.count = count


class UsageError(MedtrackError):
    code = "usage"
    exit_code = ExitCode.USAGE


class WrongExpression(UsageError):
    """An expression with the place of its mistake: line and column in it, 1-based."""

    def __init__(self, what: str, expression: str, line: int, column: int, *, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.expression, self.line, self.column = expression, line, column


class NotARecording(MedtrackError):
    code = "not_a_recording"
    exit_code = ExitCode.DATA_ERROR


class BrokenSchema(MedtrackError):
    code = "broken_schema"
    exit_code = ExitCode.DATA_ERROR


class NotDefinitions(MedtrackError):
    code = "not_definitions"
    exit_code = ExitCode.DATA_ERROR


class NotExpectations(MedtrackError):
    code = "not_expectations"
    exit_code = ExitCode.DATA_ERROR


class InputMissing(MedtrackError):
    code = "input_missing"
    exit_code = ExitCode.INPUT_MISSING


class EmptyInput(InputMissing):
    code = "empty_input"


class HoldsNoEvents(InputMissing):
    code = "holds_no_events"
    exit_code = ExitCode.DATA_ERROR


class BrokerUnreachable(MedtrackError):
    code = "broker_unreachable"
    exit_code = ExitCode.UNREACHABLE


class Bug(MedtrackError):
    code = "bug"
    exit_code = ExitCode.BUG


class WorkerLost(MedtrackError):
    code = "worker_lost"
    exit_code = ExitCode.BUG


class CannotCreate(MedtrackError):
    code = "cannot_create"
    exit_code = ExitCode.CANNOT_CREATE


class CannotWrite(MedtrackError):
    code = "cannot_write"
    exit_code = ExitCode.CANNOT_WRITE


class TimedOut(MedtrackError):
    code = "timed_out"
    exit_code = ExitCode.TIMED_OUT


class TopologyError(MedtrackError):
    code = "topology"
    exit_code = ExitCode.TOPOLOGY


class AccessRefused(MedtrackError):
    code = "access_refused"
    exit_code = ExitCode.REFUSED


class Untrusted(AccessRefused):
    """There is no chain from the host's certificate to a trusted authority."""


class ConfigError(MedtrackError):
    code = "config"
    exit_code = ExitCode.CONFIG


class UnknownProfile(ConfigError):
    """The profile was named elsewhere, so no file is at fault."""
