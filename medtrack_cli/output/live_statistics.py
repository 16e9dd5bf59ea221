"""What the live view counts: totals, rates of the last minute, how much may be drawn."""

from collections import deque
from dataclasses import dataclass, field

from medtrack_cli.core.listen import Seen

SECONDS = 60
"""How far a rate looks back."""

NOW_SECONDS = 5
"""What "now" means in a rate."""

MAX_TYPES = 40
"""So many types are counted apart, all further ones together: foreign keys can't fill memory."""

OTHERS = "others"

LINES_A_SECOND, LINES_AT_ONCE = 200, 400
"""How many events a second are drawn for as long as it takes, and how many in one burst."""

MAX_HELD, MAX_HELD_BYTES = 1_000, 8 * 1024 * 1024
"""What is kept for the screen while it is paused."""

MAX_RECENT = 20
"""What is kept of a flood for its next frame: so a burst's last events are always seen."""


class Minute:
    """Events by the second, for the last minute. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._newest = int(now)
        self._counts = [0] * SECONDS

    def add(self, now: float) -> None:
        self._advance(int(now))
        self._counts[self._newest % SECONDS] += 1

    def history(self, now: float) -> list[int]:
        """List the counts of the last 60 seconds, the running one last."""
        self._advance(int(now))
        first = self._newest + 1
        return [self._counts[second % SECONDS] for second in range(first, first + SECONDS)]

    def rate(self, now: float) -> float:
        """Give the events a second of the last few seconds."""
        span = min(NOW_SECONDS - 1 + now % 1, max(now - self._since, 1))
        return sum(self.history(now)[-NOW_SECONDS:]) / span

    def _advance(self, second: int) -> None:
        for passed in range(max(self._newest, second - SECONDS) + 1, second + 1):
            self._counts[passed % SECONDS] = 0
        self._newest = max(self._newest, second)


@dataclass(slots=True)
class Tally:
    """One type's total and its last minute."""

    minute: Minute
    total: int = 0


@dataclass(slots=True)
class Statistics:
    """The numbers of one run of listen; flat in memory however long it runs."""

    since: float
    received: int = 0
    invalid: int = 0
    redelivered: int = 0
    filtered: int = 0
    not_drawn: int = 0
    by_type: dict[str, Tally] = field(default_factory=dict)
    minute: Minute = field(init=False)

    def __post_init__(self) -> None:
        self.minute = Minute(self.since)

    def add(self, seen: Seen, now: float) -> None:
        """Count a delivery under its event type, or its routing key if it has none."""
        self.received += 1
        self.invalid += not seen.is_valid
        self.redelivered += seen.delivery.redelivered
        self.minute.add(now)
        name = type_of(seen)
        if name not in self.by_type and len(self.by_type) >= MAX_TYPES:
            name = OTHERS
        tally = self.by_type.get(name)
        if tally is None:
            tally = self.by_type[name] = Tally(Minute(self.since))
        tally.total += 1
        tally.minute.add(now)

    @property
    def most_frequent(self) -> list[tuple[str, Tally]]:
        """List the types, the most frequent first."""
        return sorted(self.by_type.items(), key=lambda item: (-item[1].total, item[0]))


def type_of(seen: Seen) -> str:
    """Name what a delivery is counted and filtered as."""
    return seen.event_type or seen.delivery.routing_key


class Allowance:
    """How many events may be drawn now: a bucket that fills with time."""

    def __init__(self, now: float) -> None:
        self._level = float(LINES_AT_ONCE)
        self._filled_at = now

    def is_low(self, now: float) -> bool:
        """Tell whether more arrives than is drawn."""
        self._fill(now)
        return self._level < LINES_AT_ONCE / 4

    def take(self, wanted: int, now: float) -> int:
        """Take as many of the wanted as there are."""
        self._fill(now)
        taken = min(wanted, int(self._level))
        self._level -= taken
        return taken

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_at) * LINES_A_SECOND
        self._level = min(self._level + gained, LINES_AT_ONCE)
        self._filled_at = now


class Held:
    """What is yet to be drawn, the newest of it, within bounds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[Seen] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, seen: Seen) -> int:
        """Keep a delivery; returns how many older ones had to go for it."""
        self._waiting.append(seen)
        self._bytes += len(seen.delivery.body)
        gone = 0
        while len(self) > self._most or (self._bytes > MAX_HELD_BYTES and len(self) > 1):
            self._bytes -= len(self._waiting.popleft().delivery.body)
            gone += 1
        return gone

    def take_all(self) -> list[Seen]:
        """Give all that is kept, the oldest first, and keep nothing."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken
