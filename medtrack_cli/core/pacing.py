"""Hold messages back: to a rate, or to the pace they were recorded at."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from medtrack_cli.core.ports import Clock, Stop

T = TypeVar("T")


def at_rate(
    items: Iterable[T], per_second: float, clock: Clock, stop: Stop | None = None
) -> Iterator[T]:
    """Pass on at most `per_second` items a second, evenly; no burst follows a delay.

    When stopped, what is in hand goes at once, so that it is accounted for.
    """
    gap = 1 / per_second
    due = clock.monotonic()
    for item in items:
        wait(due, clock, stop)
        yield item
        due = max(due, clock.monotonic() - gap) + gap


class Pace:
    """The pace of a recording, `speed` times as fast, measured from its first time: no drift.

    A time before the latest one seen (a clock that was set back) is due at once.
    """

    def __init__(self, speed: float, clock: Clock, stop: Stop | None = None) -> None:
        self._speed = speed
        self._clock = clock
        self._stop = stop
        self._first: datetime | None = None
        self._started = 0.0

    def hold(self, moment: datetime) -> None:
        """Wait until it is time for what was recorded at `moment`."""
        if self._first is None:
            self._first = moment
            self._started = self._clock.monotonic()
        elapsed = (moment - self._first).total_seconds() / self._speed
        wait(self._started + elapsed, self._clock, self._stop)


def wait(due: float, clock: Clock, stop: Stop | None = None) -> None:
    """Sleep until the monotonic time `due`, in short naps, so that a wish to stop is soon seen."""
    while (left := due - clock.monotonic()) > 0 and not (stop and stop.is_requested):
        clock.sleep(min(left, 0.1))
