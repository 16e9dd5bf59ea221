"""What each service does about an event: the guide's "What Happens" lists, and nothing beyond.

stage.completed, student.updated and student.deleted have no list there, and so no reaction.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from medtrack_cli.core.checked import CheckedDelivery

SERVICES = ("COMM", "AUTH", "CORE", "PROFILE", "EVAL")


class Keep(StrEnum):
    """What becomes of a row whose key is there already."""

    FIRST = "first"  # it stays, and nothing is done
    LAST = "last"  # the new one takes its place


class Table(NamedTuple):
    """A table of what services have done; the columns beside who did it, when and why."""

    key: str
    columns: tuple[str, ...]
    keep: Keep = Keep.FIRST


TABLES: Mapping[str, Table] = {
    "notifications": Table(
        "id", ("id", "sort", "channel", "student_id", "stage_id", "evaluation_id", "email")
    ),
    "accounts": Table("user_id", ("user_id", "email", "first_name", "last_name")),
    "profiles": Table("user_id", ("user_id", "email", "role", "first_name", "last_name")),
    "tracking": Table("student_id", ("student_id", "user_id")),
    "templates": Table("stage_id", ("stage_id", "student_id", "offer_id", "start_date")),
    "scores": Table(
        "evaluation_id", ("evaluation_id", "stage_id", "student_id", "score"), Keep.LAST
    ),
    "log": Table("id", ("id", "user_id", "role")),
}
"""By their names."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """One thing that a service does about an event.

    `text` says it, `to` names the payload's field that says to whom. The row goes into `table`;
    its columns are the payload's fields of these names, and `also`.
    """

    id: str
    event_type: str
    text: str
    table: str
    to: str = "student_id"
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.id.partition(".")[0]

    def row(self, payload: Mapping[str, Any], cause: str) -> dict[str, Any]:
        """Give the row to store for an event with this payload and id."""
        made: dict[str, Any] = {"id": f"{cause} {self.id}", **self.also}
        columns = TABLES[self.table].columns
        return {name: made.get(name, payload.get(name)) for name in columns}


def _told(
    name: str, event_type: str, text: str, to: str = "student_id", channel: str = "notification"
) -> Reaction:
    also = {"sort": name.partition(".")[2], "channel": channel}
    return Reaction(name, event_type, text, "notifications", to, also)


REACTIONS = (
    _told("COMM.welcome", "student.created", "welcome notification to {}", to="email"),
    Reaction("AUTH.account", "student.created", "user account of {}", "accounts", to="email"),
    Reaction("CORE.tracking", "student.created", "stage tracking of student {}", "tracking"),
    Reaction("PROFILE.profile", "user.created", "profile of {}", "profiles", to="email"),
    Reaction("COMM.log", "user.created", "log entry: user {} created", "log", to="user_id"),
    _told("COMM.stage", "stage.created", "stage notification to student {}"),
    Reaction(
        "EVAL.template",
        "stage.created",
        "evaluation template of stage {}",
        "templates",
        to="stage_id",
    ),
    _told("COMM.congratulations", "stage.accepted", "congratulations notification to student {}"),
    # The guide names no service that sends the e-mail, nor one that saves the score.
    _told("COMM.email", "stage.accepted", "e-mail notification to student {}", channel="e-mail"),
    _told("COMM.evaluation", "evaluation.created", "evaluation notification to student {}"),
    Reaction(
        "CORE.score", "evaluation.created", "score saved to the record of student {}", "scores"
    ),
)
"""All that happens, in the guide's order."""


def reactions_of(service: str, event_type: str | None) -> tuple[Reaction, ...]:
    """Give what a service does about events of a type."""
    return tuple(
        each for each in REACTIONS if each.service == service and each.event_type == event_type
    )


class Result(StrEnum):
    """What came of an event at a service."""

    DONE = "done"
    EXISTS = "exists"  # what it would make is there already
    REPEATED = "repeated"  # that service has handled an event of this id before
    FAILED = "failed"  # on purpose, --fail-rate: it is given back, and comes again
    REFUSED = "refused"  # invalid: it is a dead letter now


class Handled(NamedTuple):
    """An event as a service had it, and what came of one of its reactions.

    `reaction` is None where there is none: of what failed, is invalid or came again. `cause` is
    the event's id, or what stands for it.
    """

    service: str
    event: CheckedDelivery
    result: Result
    cause: str
    reaction: Reaction | None = None
    to: str = ""  # whom, exact


@dataclass
class Summary:
    """What a run has come to."""

    counts: Counter[Result] = field(default_factory=Counter)
    reactions: Counter[str] = field(default_factory=Counter)
    emitted: int = 0
    interruptions: int = 0
    seconds: float = 0.0
    ended: str = "stopped"
    exit_code: int = 0

    def add(self, handled: Handled) -> None:
        """Count what came of an event."""
        self.counts[handled.result] += 1
        if handled.reaction and handled.result is Result.DONE:
            self.reactions[handled.reaction.id] += 1
