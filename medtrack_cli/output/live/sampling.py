"""Which events the live view draws when more arrive than anybody can read, and which wait."""

from collections import Counter, deque
from collections.abc import Sequence
from heapq import merge
from itertools import count

from medtrack_cli.core.bounded import OTHERS
from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.events.findings import WARNINGS
from medtrack_cli.output.live.statistics import MAX_TYPES, Statistics, type_of
from medtrack_cli.output.masking import masked

LINES_A_SECOND, LINES_AT_ONCE = 200, 400
"""Events drawn a second in the long run, and in one burst."""

INVALID_A_SECOND, INVALID_AT_ONCE = 50, 200
"""The same for invalid ones, which take several lines each: they matter most."""

MAX_HELD, MAX_HELD_BYTES = 1_000, 8 * 1024 * 1024
"""The most events and bytes kept while the screen is paused, for valid and invalid ones each."""

MAX_GROUPS = 5
"""The most groups of invalid events not drawn that are counted apart."""

MAX_RECENT = 20
"""Events of a flood kept for its next frame, so that a burst's last ones are always shown."""


class Allowance:
    """How many events may be drawn now: a bucket that fills with time."""

    def __init__(self, now: float, a_second: float, at_once: int) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._level = float(at_once)
        self._filled_at = now

    def is_low(self, now: float) -> bool:
        """Return whether more arrives than is drawn."""
        self._fill(now)
        return self._level < self._at_once / 4

    def take(self, wanted: int, now: float) -> int:
        """Take up to the wanted number."""
        self._fill(now)
        taken = min(wanted, int(self._level))
        self._level -= taken
        return taken

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_at) * self._a_second
        self._level = min(self._level + gained, self._at_once)
        self._filled_at = now


class Held:
    """The newest valid events and the newest invalid ones, each within bounds of their own."""

    def __init__(self, most: int, most_invalid: int) -> None:
        self._most = {True: most, False: most_invalid}
        self._bytes = {True: 0, False: 0}
        self._waiting: dict[bool, deque[tuple[int, CheckedDelivery]]]
        self._waiting = {True: deque(), False: deque()}
        self._numbers = count()  # in the order of arrival

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, seen: CheckedDelivery) -> list[CheckedDelivery]:
        """Keep a delivery; return the older ones of its kind that were dropped for it."""
        kind, gone = seen.is_valid, []
        waiting = self._waiting[kind]
        waiting.append((next(self._numbers), seen))
        self._bytes[kind] += _size(seen)
        while len(waiting) > self._most[kind] or (
            self._bytes[kind] > MAX_HELD_BYTES and len(waiting) > 1
        ):
            gone.append(waiting.popleft()[1])
            self._bytes[kind] -= _size(gone[-1])
        return gone

    def take_all(self) -> list[CheckedDelivery]:
        """Give all that is kept, oldest first, and empty it."""
        taken = [seen for _, seen in merge(*self._waiting.values())]
        for kind, waiting in self._waiting.items():
            waiting.clear()
            self._bytes[kind] = 0
        return taken


def _size(seen: CheckedDelivery) -> int:
    return max(len(seen.body), len(seen.delivery.body))


class Sampler:
    """Which events are drawn, wait, or are only counted; invalid ones are counted apart."""

    def __init__(self, now: float, statistics: Statistics) -> None:
        self._statistics = statistics
        self._allowances = {
            True: Allowance(now, LINES_A_SECOND, LINES_AT_ONCE),
            False: Allowance(now, INVALID_A_SECOND, INVALID_AT_ONCE),
        }
        self.held = Held(MAX_HELD, MAX_HELD)  # while paused
        self._recent = Held(MAX_RECENT, INVALID_AT_ONCE)  # counted as not drawn
        self.unsaid = 0  # not drawn and not yet reported
        self._unsaid_invalid: Counter[tuple[str, str]] = Counter()  # of these, by rule and type

    def is_flood(self, now: float) -> bool:
        """Return whether more arrives than is drawn."""
        return any(allowance.is_low(now) for allowance in self._allowances.values())

    def hold(self, batch: Sequence[CheckedDelivery]) -> None:
        """Keep a batch until what is held is taken."""
        for seen in batch:
            self.give_up(self.held.add(seen))

    def give_up(self, batch: Sequence[CheckedDelivery]) -> None:
        """Count a batch as not drawn."""
        for seen in batch:
            self._skip(1, seen)

    def leave(self, batch: Sequence[CheckedDelivery]) -> None:
        """Count a batch as not drawn; `taken_back` may still draw the newest of it."""
        self.give_up(batch)
        for seen in batch:
            self._recent.add(seen)

    def taken_back(self) -> list[CheckedDelivery]:
        """Give what can still be drawn, and subtract it from what wasn't."""
        recent = self._recent.take_all()
        for seen in recent:
            self._skip(-1, seen)
        return recent

    def choose(self, batch: Sequence[CheckedDelivery], now: float) -> list[CheckedDelivery]:
        """Give the newest of a batch, as many of each kind as may be drawn."""
        valid = sum(seen.is_valid for seen in batch)
        left = {
            True: self._allowances[True].take(valid, now),
            False: self._allowances[False].take(len(batch) - valid, now),
        }
        chosen = []
        for seen in reversed(batch):
            left[seen.is_valid] -= 1
            if left[seen.is_valid] >= 0:
                chosen.append(seen)
            else:
                self._skip(1, seen)
        return chosen[::-1]

    def say(self) -> list[str]:
        """Report how many were not drawn since the last call, the invalid ones by group."""
        said = [not_drawn(self.unsaid, self._unsaid_invalid.total())] if self.unsaid else []
        groups = [(count, group) for group, count in self._unsaid_invalid.most_common() if count]
        said += [f"  {count:,} x {rule} {name}" for count, (rule, name) in groups[:MAX_GROUPS]]
        if others := sum(count for count, _ in groups[MAX_GROUPS:]):
            said.append(f"  {others:,} x of {len(groups) - MAX_GROUPS:,} other kinds")
        self.unsaid = 0
        self._unsaid_invalid.clear()
        return said

    def _skip(self, number: int, seen: CheckedDelivery) -> None:
        self._statistics.not_drawn += number
        self.unsaid += number
        if not seen.is_valid:
            self._statistics.invalid_not_drawn += number
            group = _group(seen)
            is_new = group not in self._unsaid_invalid
            if is_new and len(self._unsaid_invalid) >= MAX_TYPES:
                group = "invalid", OTHERS
            self._unsaid_invalid[group] += number


def _group(seen: CheckedDelivery) -> tuple[str, str]:
    """Name the first error and the type of an invalid event."""
    rules = (problem.rule.value for problem in seen.problems if problem.rule not in WARNINGS)
    return next(rules, "invalid"), masked("routing_key", type_of(seen))


def not_drawn(number: int, invalid: int) -> str:
    """Say how many events were not drawn, invalid ones apart; empty for none."""
    apart = f", {invalid:,} of them invalid" if invalid else ""
    return f"{number:,} not drawn{apart}" if number else ""
