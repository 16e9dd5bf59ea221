"""What the live view knows: totals, rates of the last minute, the connection's story."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from medtrack_cli.core.bounded import OTHERS, BoundedCounts, named
from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.core.record import body_value

SECONDS = 60
"""How far a rate looks back."""

NOW_SECONDS = 5
"""The seconds over which the current rate is taken."""

MAX_TYPES = 40
"""The most types counted apart; further ones are counted together, so that memory is bounded."""

MAX_SEARCHED = 16 * 1024
"""Bytes of the largest body that is looked into: a thousand of them must take no time."""


class Minute:
    """Events in each second of the last minute. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._newest = int(now)
        self._counts = [0] * SECONDS

    def add(self, now: float) -> None:
        self._advance(int(now))
        self._counts[self._newest % SECONDS] += 1

    def history(self, now: float) -> list[int]:
        """List the counts of the last 60 seconds, the current one last."""
        self._advance(int(now))
        first = self._newest + 1
        return [self._counts[second % SECONDS] for second in range(first, first + SECONDS)]

    def rate(self, now: float) -> float:
        """Give events a second, over the last few seconds."""
        span = min(NOW_SECONDS - 1 + now % 1, max(now - self._since, 1))
        return sum(self.history(now)[-NOW_SECONDS:]) / span

    def _advance(self, second: int) -> None:
        for passed in range(max(self._newest, second - SECONDS) + 1, second + 1):
            self._counts[passed % SECONDS] = 0
        self._newest = max(self._newest, second)


@dataclass(slots=True)
class Tally:
    """One type's total, its invalid events, and its last minute."""

    minute: Minute
    total: int = 0
    invalid: int = 0


@dataclass(slots=True)
class Statistics:
    """The numbers of one run of listen, in constant memory."""

    since: float
    received: int = 0
    invalid: int = 0
    redelivered: int = 0
    filtered: int = 0
    found: int = 0  # by the search
    not_drawn: int = 0
    invalid_not_drawn: int = 0  # of these
    invalid_by_service: Counter[str] = field(default_factory=Counter)
    last_invalid: CheckedDelivery | None = None
    by_type: BoundedCounts[str, Tally] = field(init=False)
    minute: Minute = field(init=False)

    def __post_init__(self) -> None:
        self.minute = Minute(self.since)
        self.by_type = BoundedCounts(MAX_TYPES, lambda: Tally(Minute(self.since)))

    def add(self, seen: CheckedDelivery, now: float) -> None:
        """Count a delivery under its event type, or its routing key if it has none."""
        self.received += 1
        self.invalid += not seen.is_valid
        if not seen.is_valid:
            self._add_invalid(seen)
        self.redelivered += seen.delivery.redelivered
        self.minute.add(now)
        tally = self.by_type.of(type_of(seen))
        tally.total += 1
        tally.invalid += not seen.is_valid
        tally.minute.add(now)

    def _add_invalid(self, seen: CheckedDelivery) -> None:
        self.last_invalid = seen
        service = service_of(event_of(seen))
        if service not in self.invalid_by_service and len(self.invalid_by_service) >= MAX_TYPES:
            service = OTHERS
        self.invalid_by_service[service] += 1

    @property
    def most_frequent(self) -> list[tuple[str, Tally]]:
        """List the types, the most frequent first."""
        return sorted(named(self.by_type).items(), key=lambda item: (-item[1].total, item[0]))


def type_of(seen: CheckedDelivery) -> str:
    """Name the type under which a delivery is counted and filtered."""
    return seen.event_type or seen.delivery.routing_key


def service_of(event: Mapping[str, Any]) -> str:
    """Name the service that an event says; empty if it doesn't."""
    service = event.get("service")
    return service if isinstance(service, str) else ""


def event_of(seen: CheckedDelivery) -> dict[str, Any]:
    """Give the parsed event; nothing in it if it is large, or no object."""
    value = body_value(seen) if len(seen.body) <= MAX_SEARCHED else None
    return value if isinstance(value, dict) else {}


class Phase(Enum):
    """The state of the connection."""

    CONNECTING = "connecting"
    LISTENING = "listening"
    LOST = "interrupted"


@dataclass(slots=True)
class Connection:
    """The connection's story. Times are monotonic seconds."""

    since: float  # of the phase
    phase: Phase = Phase.CONNECTING
    ready_at: float | None = None  # the first time
    reason: str = ""  # of an interruption
    gaps: int = 0
    gap_seconds: float = 0.0

    def take(self, happening: Listening | Interrupted | Resumed, now: float) -> None:
        match happening:
            case Listening():
                self.phase, self.ready_at = Phase.LISTENING, now
            case Interrupted(_, reason):
                self.phase, self.reason = Phase.LOST, reason
                self.gaps += 1
            case Resumed(since, until, may_have_missed):
                self.phase = Phase.LISTENING
                if may_have_missed:
                    self.gap_seconds += (until - (since or until)).total_seconds()
                else:
                    self.gaps -= 1
        self.since = now
