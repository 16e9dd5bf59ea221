"""Replays as jobs: the state of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """A run's state."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"  # by a signal, or killed
    CANCELLED = "cancelled"  # for good
    COMPLETED = "completed"  # every event is done
    FAILED = "failed"


class Cursor(NamedTuple):
    """A place before which all is done: a source's number, a line, the number of events before.

    `time` is when the event there was received.
    """

    source: int
    line: int
    before: int
    time: str


@dataclass(frozen=True, slots=True)
class Run:
    """A replay, read from its journal.

    `counts` has its events by outcome, of all its attempts; `events` is their total, None if
    unknown. `started` is that of its first attempt, `ended` that of its last.
    """

    name: str
    state: State
    reason: str
    started: str
    ended: str | None
    pid: int | None
    sources: tuple[str, ...]
    target: Mapping[str, str]
    options: Mapping[str, Any]
    can_be_resumed: bool
    events: int | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    cursor: Cursor | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_unfinished(self) -> bool:
        """Whether something is left to be done, and no process does it."""
        return self.can_be_resumed and self.state in {State.INTERRUPTED, State.FAILED}
