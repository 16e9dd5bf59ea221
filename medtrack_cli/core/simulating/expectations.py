"""What a run must show: events and reactions that come, their order, and what must not come.

Fed with what is seen it tells, as early as can be, whether that is decided.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from medtrack_cli.core.simulating.patterns import Miss, Pattern, Seen

MOST_SEEN = 200
"""How many of the things seen last are kept for the time line."""

_MOST_MISSES = 5  # kept of each expectation, the last ones


class Standing(Enum):
    """How an expectation stands."""

    OPEN = auto()  # not met yet
    SO_FAR = auto()  # met, if nothing more comes
    MET = auto()  # whatever comes
    BROKEN = auto()  # whatever comes


class Times:
    """How often a pattern comes: at `least`, and at `most` where that is bounded; 0: never.

    Invalid events don't count as come, and still break a never. Each expectation has its `place` in
    a file, if it stands in one, and in `misses` what was nearly it.
    """

    def __init__(
        self, pattern: Pattern, least: int = 1, most: int | None = None, place: str = ""
    ) -> None:
        self.pattern, self.place = pattern, place
        self._least, self._most = least, most
        self._matched: list[Seen] = []
        self.count = 0
        self.misses: deque[Miss] = deque(maxlen=_MOST_MISSES)

    @property
    def text(self) -> str:
        """Say what is expected, without any value of an event."""
        if self._most == 0:
            return f"never {self.pattern}"
        if self._least == 1 and self._most is None:
            return f"expect {self.pattern}"
        least = "at least " if self._most is None else ""
        return f"expect {self.pattern}, {least}{_times(self._least)}"

    @property
    def standing(self) -> Standing:
        if self._most is not None and self.count > self._most:
            return Standing.BROKEN
        if self.count < self._least:
            return Standing.OPEN
        return Standing.MET if self._most is None else Standing.SO_FAR

    @property
    def came(self) -> str:
        """Say what came instead."""
        moments = ", ".join(f"{each.seconds:.3f} s" for each in self._matched)
        return f"it came {_times(self.count)}" + (f", at {moments}" if moments else "")

    def take(self, seen: Seen) -> None:
        if not self.pattern.concerns(seen):
            return
        miss = self.pattern.miss(seen)
        if miss is None and self._most != 0 and not seen.event.is_valid:
            miss = Miss(seen, reason="it is invalid")
        if miss is not None:
            self.misses.append(miss)
            return
        self.count += 1
        if len(self._matched) < _MOST_MISSES:
            self._matched.append(seen)


class Order:
    """The first of each pattern comes in this order; all of them come."""

    def __init__(self, patterns: Sequence[Pattern], place: str = "") -> None:
        self.place = place
        self.misses: deque[Miss] = deque(maxlen=_MOST_MISSES)
        self._patterns = patterns
        self._come = 0
        self._early: tuple[Seen, Pattern] | None = None

    @property
    def text(self) -> str:
        return f"order {', then '.join(map(str, self._patterns))}"

    @property
    def standing(self) -> Standing:
        if self._early:
            return Standing.BROKEN
        return Standing.MET if self._come == len(self._patterns) else Standing.OPEN

    @property
    def came(self) -> str:
        missing = self._patterns[self._come]
        if self._early is None:
            return f"{missing} didn't come"
        seen, pattern = self._early
        return f"{pattern} came at {seen.seconds:.3f} s, before {missing}"

    def take(self, seen: Seen) -> None:
        if self.standing is not Standing.OPEN or not seen.event.is_valid:
            return
        fitting = [
            at
            for at, each in enumerate(self._patterns)
            if at >= self._come and each.concerns(seen) and self._is_it(each, seen)
        ]
        if self._come in fitting:
            self._come += 1
        elif fitting:
            self._early = seen, self._patterns[fitting[0]]

    def _is_it(self, pattern: Pattern, seen: Seen) -> bool:
        miss = pattern.miss(seen)
        if miss:
            self.misses.append(miss)
        return miss is None


class AllValid:
    """Every event is valid."""

    text = "valid: all"

    def __init__(self, place: str = "") -> None:
        self.place = place
        self.misses: list[Miss] = []

    @property
    def standing(self) -> Standing:
        return Standing.BROKEN if self.misses else Standing.SO_FAR

    @property
    def came(self) -> str:
        return "an invalid event came"

    def take(self, seen: Seen) -> None:
        if not (seen.reaction or seen.event.is_valid) and len(self.misses) < _MOST_MISSES:
            self.misses.append(Miss(seen, reason="it is invalid"))


Expectation = Times | Order | AllValid
"""One thing that is expected."""


class Expectations:
    """All that is expected of a run, and what was seen of it so far."""

    def __init__(self, wanted: Sequence[Expectation]) -> None:
        self.wanted = wanted
        self.doubt = ""  # why what wasn't seen may have come all the same
        self.seen: deque[Seen] = deque(maxlen=MOST_SEEN)
        self.count = 0

    def take(self, seen: Seen) -> None:
        """Take what was seen; it comes in the order in which it happened."""
        self.seen.append(seen)
        self.count += 1
        for each in self.wanted:
            each.take(seen)

    @property
    def decided(self) -> bool | None:
        """Whether it is met or not whatever comes; None while that isn't known."""
        standings = {each.standing for each in self.wanted}
        if Standing.BROKEN in standings:
            return False
        return True if standings <= {Standing.MET} else None

    @property
    def unmet(self) -> list[Expectation]:
        """What isn't met if nothing more comes; in doubt, all that can still fail."""
        failing = {Standing.OPEN, Standing.BROKEN, *([Standing.SO_FAR] if self.doubt else [])}
        return [each for each in self.wanted if each.standing in failing]


def _times(number: int) -> str:
    return {0: "0 times", 1: "once", 2: "twice"}.get(number, f"{number:,} times")
