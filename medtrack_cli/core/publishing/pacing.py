"""Hold messages back: to a rate, or to the pace they were recorded at."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Clock, Note, Stop
from medtrack_cli.core.times import EPOCH

if TYPE_CHECKING:
    from medtrack_cli.core.delivery import Delivery

T = TypeVar("T")

LONG_SECONDS = 30.0  # a wait that is told


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

    What one recorder received is paced by its own seconds, which no change of the time of day
    touches; else by that, where a step back costs no pause. A long wait is told to `note`, with
    its end.
    """

    def __init__(
        self, speed: float, clock: Clock, stop: Stop | None = None, note: Note | None = None
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._stop = stop
        self._note = note
        self._last: Delivery | None = None
        self._latest = EPOCH
        self._elapsed = self._started = 0.0

    def __call__(self, outgoing: "Iterable[Message | Receipt]") -> "Iterator[Message | Receipt]":
        """Hand on each when it is due; what no pace is kept for, at once."""
        for each in outgoing:
            if isinstance(each, Message) and each.paced_by is not None:
                self.hold(each.paced_by)
            yield each

    def hold(self, delivery: "Delivery") -> None:
        """Wait until it is time for a delivery."""
        if self._last is None:
            self._started = self._clock.monotonic()
        due = self._started + self.after(delivery)
        self._tell(due - self._clock.monotonic())
        wait(due, self._clock, self._stop)

    def after(self, delivery: "Delivery") -> float:
        """Tell how many seconds after the first delivery one is due; each is asked for in turn."""
        if self._last is None:
            self._last, self._latest = delivery, delivery.received_at
        self._elapsed += self._since(self._last, delivery)
        return self._elapsed / self._speed

    def _since(self, last: "Delivery", delivery: "Delivery") -> float:
        """Give the seconds from one event to the next, and remember the later one."""
        counted = -1.0
        if last.monotonic is not None and delivery.monotonic is not None:
            counted = delivery.monotonic - last.monotonic
        if counted >= 0 and last.clock == delivery.clock != "":
            self._last, self._latest = delivery, delivery.received_at
            return counted
        passed = max(0.0, (delivery.received_at - self._latest).total_seconds())
        self._latest = max(self._latest, delivery.received_at)
        if last.clock != delivery.clock or not last.clock:  # else its seconds were edited
            self._last = delivery
        if counted >= 0 and "" in {last.clock, delivery.clock}:
            return min(counted, passed)  # of one recorder, or of several: filtered, merged
        return passed

    def _tell(self, left: float) -> None:
        if self._note is None or left <= LONG_SECONDS:
            return
        try:
            end = f", at {self._clock.now() + timedelta(seconds=left):%Y-%m-%d %H:%M:%S} UTC"
        except OverflowError:
            end = ""
        self._note(f"the next event is due in {left:,.0f} s{end}; --speed max doesn't wait")


def wait(due: float, clock: Clock, stop: Stop | None = None) -> None:
    """Sleep until the monotonic time `due`, in short naps, so that a wish to stop is soon seen."""
    while (left := due - clock.monotonic()) > 0 and not (stop and stop.is_requested):
        clock.sleep(min(left, 0.1))
