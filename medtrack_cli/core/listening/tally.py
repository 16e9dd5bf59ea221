"""What has been received so far, whether that is enough, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from medtrack_cli.core.bounded import BoundedCounts, named
from medtrack_cli.core.ports import Clock, Stop
from medtrack_cli.errors import ExitCode

if TYPE_CHECKING:
    from medtrack_cli.core.checked import CheckedDelivery
    from medtrack_cli.core.delivery import Delivery

MOST_NAMES = 100
"""The most event types counted by name; the rest, which may be anybody's text, are counted
together.
"""


class Ended(StrEnum):
    """Why listening ended."""

    COUNT = "count"  # --count reached
    EXPECTED = "expected"  # all that --expect asked for came
    TIMEOUT = "timeout"  # --timeout ran out
    IDLE = "idle_timeout"  # nothing came for --idle-timeout
    END = "end"  # of the stream, as it was at the start
    STOPPED = "stopped"  # by a signal


@dataclass(frozen=True, slots=True)
class Limits:
    """When to end by itself. Seconds run from the ready line; None: never.

    `count` is of deliveries, `expect` of valid events of each type; with both, both end it.
    """

    count: int | None = None
    timeout: float | None = None
    idle_timeout: float | None = None
    expect: Mapping[str, int] = field(default_factory=dict)
    last_offset: int | None = None  # of a stream; -1: nothing of it is wanted


@dataclass(slots=True)
class Count:
    """How many events of one type came."""

    valid: int = 0
    invalid: int = 0
    left_out: int = 0  # by --where and --exclude-key


class Missing(NamedTuple):
    """A type of which too few valid events came, and what came instead."""

    event_type: str
    expected: int
    came: Count


@dataclass(frozen=True, slots=True)
class ListenSummary:
    """What was received, and why listening ended.

    `left_out` is what --where and --exclude-key rejected, of which `unevaluable` could not be
    evaluated. The types are in the order of their first event; an event of no known type counts by
    its routing key.
    """

    received: int
    valid: int
    invalid: int
    left_out: int
    unevaluable: int
    types: Mapping[str, Count]
    missing: tuple[Missing, ...]
    interruptions: int
    seconds: float
    ended: Ended
    exit_code: int


class ListenTally:
    """Counts what is received from the ready line on."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._ready_at: float | None = None
        self._moved_at = 0.0
        self._received = self._valid = self._unevaluable = 0
        self._wanting = dict(limits.expect)
        self._offset = -1
        self._types: BoundedCounts[str, Count] = BoundedCounts(MOST_NAMES, Count)
        self.left_out = 0  # by --where and --exclude-key
        self.interruptions = 0
        self.is_whole = True  # except for what a stream lost before it was read

    def ready(self) -> None:
        """Start the time limits."""
        self._ready_at = self._moved_at = self._clock.monotonic()

    def add(self, seen: "CheckedDelivery") -> None:
        self._received += 1
        self._moved_at = self._clock.monotonic()
        count = self._count(seen)
        if seen.is_valid:
            self._valid += 1
            count.valid += 1
            if self._wanting and seen.event_type in self._wanting:
                self._wanting[seen.event_type] -= 1
                if not self._wanting[seen.event_type]:
                    del self._wanting[seen.event_type]
        else:
            count.invalid += 1

    def leave_out(self, seen: "CheckedDelivery", *, unevaluable: bool) -> None:
        self.left_out += 1
        self._unevaluable += unevaluable
        self._count(seen).left_out += 1

    @property
    def is_enough(self) -> bool:
        """Whether all that was asked for has come; never when nothing was."""
        limits = self._limits
        if self._wanting:
            return False
        return bool(limits.expect) if limits.count is None else self._received >= limits.count

    def is_beyond(self, delivery: "Delivery") -> bool:
        """Note an offset of a stream; return whether it is after the last wanted one."""
        last = self._limits.last_offset
        if last is None:
            return False
        self._offset = delivery.offset
        return self._offset > last

    @property
    def is_at_end(self) -> bool:
        """Whether all the wanted part of a stream has come."""
        last = self._limits.last_offset
        return last is not None and self._offset >= last

    def out_of_time(self) -> Ended | None:
        """Return which time limit is over, if one is."""
        if self._ready_at is None:
            return None
        now, limits = self._clock.monotonic(), self._limits
        if limits.timeout is not None and now - self._ready_at >= limits.timeout:
            return Ended.TIMEOUT
        if limits.idle_timeout is not None and now - self._moved_at >= limits.idle_timeout:
            return Ended.IDLE
        return None

    def result(self, stop: Stop) -> ListenSummary:
        ended = self._ended(stop)
        since = self._clock.monotonic() if self._ready_at is None else self._ready_at
        return ListenSummary(
            received=self._received,
            valid=self._valid,
            invalid=self._received - self._valid,
            left_out=self.left_out,
            unevaluable=self._unevaluable,
            types=named(self._types),
            missing=tuple(
                Missing(name, self._limits.expect[name], self._types.apart.get(name, Count()))
                for name in self._wanting
            ),
            interruptions=self.interruptions,
            seconds=self._clock.monotonic() - since,
            ended=ended,
            exit_code=self._exit_code(ended, stop),
        )

    def _ended(self, stop: Stop) -> Ended:
        if self.is_enough:
            return Ended.EXPECTED if self._limits.count is None else Ended.COUNT
        if stop.exit_code is not None:
            return Ended.STOPPED
        if self.is_at_end:
            return Ended.END
        return self.out_of_time() or Ended.STOPPED

    def _exit_code(self, ended: Ended, stop: Stop) -> int:
        if self.is_enough:
            return ExitCode.DONE
        if ended is Ended.STOPPED and stop.exit_code:
            return stop.exit_code
        is_asked = self._limits.count is not None or self._limits.expect
        return ExitCode.VERDICT_NO if is_asked or not self.is_whole else ExitCode.DONE

    def _count(self, seen: "CheckedDelivery") -> Count:
        name = seen.event_type or seen.delivery.routing_key
        return self._types.of(name, is_wanted=name in self._limits.expect)
