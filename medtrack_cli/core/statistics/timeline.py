"""When events came: how many in each span of time, and the gaps."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise
from typing import NamedTuple

from medtrack_cli.core.bounded import BoundedCounts

MOST_SPANS = 8_192
"""The most spans kept; with more, all become twice as wide. Pauses within a span aren't seen."""

FINEST = 1 / 64
"""How wide a span is at first, in seconds: after two busy hours it is one second."""

GAP_FACTOR, LEAST_GAP = 10, 1.0
"""How many times the usual pause a gap is, and its least seconds.

The usual pause is what nine in ten don't exceed.
"""

NEAR_FACTOR, NEAR = 16, 20
"""How many times as long a gap also is as the mean pause of a number of events before it, and after
it: traffic that fades away in the evening has none. By chance that is one pause in ten million.
"""

FEWEST_PAUSES = 20  # with fewer, the usual pause is unknown
MOST_LINES = 20  # the names that have a chart of their own
_KINDS = 2 * (MOST_LINES + 1)
"""The kind is twice the number of a name, plus one for an invalid event."""

_SECOND = 1_000_000  # microseconds
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3600 * _SECOND, 86400 * _SECOND
_STEPS = (
    *(_SECOND // part for part in (50, 20, 10, 5, 2)),
    *(seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7)),
)


class Column(NamedTuple):
    """The events of one of a chart's equal spans of time."""

    events: int = 0
    invalid: int = 0


class Chart(NamedTuple):
    """Events by time, in columns of `seconds` each, the first of which begins at `start`.

    The first names have columns of their own, `others` are those of all further names together.
    """

    start: float
    seconds: float
    columns: tuple[Column, ...] = ()
    names: Mapping[str | None, tuple[Column, ...]] = {}
    others: tuple[Column, ...] = ()


class Gap(NamedTuple):
    """A pause far longer than usual. Times are seconds since 1970."""

    since: float
    until: float

    @property
    def seconds(self) -> float:
        return self.until - self.since


@dataclass(slots=True)
class _Span:
    """The events of a span of time, with the first and the last moment."""

    first: float = math.nan
    last: float = math.nan
    events: int = 0

    def add(self, other: "_Span") -> None:
        self.events += other.events
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)

    def pauses(self) -> Iterator[tuple[float, int]]:
        """Give the mean pause between its events, with its weight."""
        if self.events > 1:
            yield (self.last - self.first) / (self.events - 1), self.events - 1


class Timeline:
    """Counts events by time, in constant memory; they may come in any order."""

    def __init__(self) -> None:
        self._width = FINEST
        self._spans: dict[float, _Span] = {}  # by the number of the span, an integer
        # By kind, the events in each span: objects for them in the spans would be too slow.
        self._counts: list[dict[float, int]] = [{} for _ in range(_KINDS)]
        self._numbers: BoundedCounts[str | None, int] = BoundedCounts(MOST_LINES, count().__next__)

    def kind(self, name: str | None, *, is_valid: bool) -> int:
        """Give the kind of an event: the first names have kinds of their own."""
        return 2 * self._numbers.of(name) + (not is_valid)

    def add(self, events: Iterable[tuple[float | None, int]]) -> None:
        """Count events by their moments, in seconds since 1970, and their kinds."""
        span, number, begin, end = _Span(), 0.0, math.inf, -math.inf
        for moment, kind in events:
            if moment is None:
                continue
            if not begin <= moment < end:  # most events are in the same span as the one before
                span = self._span(moment)
                number = moment // self._width
                begin = number * self._width
                end = begin + self._width
            span.events += 1
            counts = self._counts[kind]
            counts[number] = counts.get(number, 0) + 1
            if moment > span.last:
                span.last = moment
            elif moment < span.first:
                span.first = moment

    @property
    def extent(self) -> tuple[float, float] | None:
        """The moments of the first and the last event; None without events."""
        if not self._spans:
            return None
        return self._spans[min(self._spans)].first, self._spans[max(self._spans)].last

    def chart(self, most: int) -> Chart | None:
        """Divide the events into round columns, from 2 to a maximum; None without events."""
        if self.extent is None:
            return None
        first, last = map(_microseconds, self.extent)
        step = _step(first, last, most)
        start = first // step
        column_of = {
            number: _microseconds(span.first) // step - start
            for number, span in self._spans.items()
        }
        kinds = [[0] * (last // step - start + 1) for _ in range(_KINDS)]
        for counts, kind in zip(self._counts, kinds, strict=True):
            for number, events in counts.items():
                kind[column_of[number]] += events
        return Chart(
            start * step / _SECOND,
            step / _SECOND,
            _columns(kinds),
            {name: _columns(kinds, number) for name, number in self._numbers.apart.items()},
            _columns(kinds, self._numbers.others) if self._numbers.has_others else (),
        )

    def gaps(self) -> list[Gap]:
        """List the pauses that are far longer than usual, in order."""
        spans = [self._spans[number] for number in sorted(self._spans)]
        between = [Gap(a.last, b.first) for a, b in pairwise(spans)]
        weighted = [pause for span in spans for pause in span.pauses()]
        weighted += [(gap.seconds, 1) for gap in between]
        if sum(weight for _, weight in weighted) < FEWEST_PAUSES:
            return []
        least = max(LEAST_GAP, GAP_FACTOR * _ninth_decile(weighted))
        return [
            gap
            for number, gap in enumerate(between, 1)
            if gap.seconds >= least and gap.seconds >= NEAR_FACTOR * _near(spans, number)
        ]

    def _span(self, moment: float) -> _Span:
        found = self._spans.get(moment // self._width)
        if found is not None:
            return found
        while len(self._spans) >= MOST_SPANS:
            self._widen()
        return self._spans.setdefault(moment // self._width, _Span(moment, moment))

    def _widen(self) -> None:
        """Make each span twice as wide."""
        old, self._spans = self._spans, {}
        self._width *= 2
        for number, span in old.items():
            merged = self._spans.setdefault(number // 2, span)
            if merged is not span:
                merged.add(span)
        for kind, counts in enumerate(self._counts):
            wider: dict[float, int] = {}
            for number, events in counts.items():
                wider[number // 2] = wider.get(number // 2, 0) + events
            self._counts[kind] = wider


def _columns(kinds: Sequence[Sequence[int]], number: int | None = None) -> tuple[Column, ...]:
    """Make the columns of a name, by its number, or of all; odd kinds are invalid events."""
    chosen = kinds if number is None else kinds[2 * number : 2 * number + 2]
    invalid = map(sum, zip(*chosen[1::2], strict=True))
    return tuple(map(Column, map(sum, zip(*chosen, strict=True)), invalid))


def _microseconds(moment: float) -> int:
    return round(moment * _SECOND)  # integers, for a chart that begins at round times


def _step(first: int, last: int, most: int) -> int:
    """Choose the smallest round width with which the columns reach from first to last.

    One column may never be enough: 1970 begins a new one, however wide they are.
    """
    weeks = (7 * _DAY << power for power in count(1))
    return next(step for step in chain(_STEPS, weeks) if last // step - first // step < most)


def _near(spans: Sequence[_Span], number: int) -> float:
    """Give the mean pause before or after the pause before a span, whichever is longer."""
    before = range(number - 1, max(number - 1 - NEAR, -1), -1)
    after = range(number, min(number + NEAR, len(spans)))
    return max(_mean_pause(map(spans.__getitem__, numbers)) for numbers in (before, after))


def _mean_pause(spans: Iterable[_Span]) -> float:
    """Give the mean pause of the first NEAR events, and of the rest of their spans."""
    taken = _Span()
    for span in spans:
        if taken.events == 0:
            taken.first, taken.last = span.first, span.last
        taken.add(span)
        if taken.events > NEAR:
            break
    return sum(pause for pause, _ in taken.pauses())


def _ninth_decile(weighted: Sequence[tuple[float, int]]) -> float:
    """Give the value that nine tenths of the weight don't exceed; never the extreme one."""
    left = math.floor(0.9 * (sum(weight for _, weight in weighted) - 1))
    for value, weight in sorted(weighted):
        left -= weight
        if left < 0:
            return value
    return 0.0
