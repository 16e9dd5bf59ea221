"""Delay messages: to a rate, to the recorded pace, while a queue has a large backlog."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from medtrack_cli.core.messages import GOT_OUT, Message, Receipt
from medtrack_cli.core.ports import Clock, Depths, Note, Stop
from medtrack_cli.core.times import EPOCH

if TYPE_CHECKING:
    from medtrack_cli.core.delivery import Delivery

T = TypeVar("T")

LONG_SECONDS = 30.0  # waits from here on are reported
LAG_SECONDS = 1.0  # a greater delay is reported, too
LOOK_SECONDS = 0.02  # between two readings of a queue that holds too much
ANSWER_SECONDS = 0.002  # the same, where it would if all that is on its way arrived there


def at_rate(
    items: Iterable[T], per_second: float, clock: Clock, stop: Stop | None = None
) -> Iterator[T]:
    """Pass on at most `per_second` items a second, evenly; no burst follows a delay.

    When stopped, an item in hand is passed on at once, so that it is accounted for.
    """
    gap = 1 / per_second
    due = clock.monotonic()
    for item in items:
        wait(due, clock, stop)
        yield item
        due = max(due, clock.monotonic() - gap) + gap


def read_ahead(rate: float | None, window: int) -> int | None:
    """Return how many messages may be read ahead: with a rate, they may leave in one burst."""
    return max(1, min(int(rate / 10), 2 * window)) if rate else None


@dataclass
class Pace:
    """The pace of a recording, `speed` times as fast, measured from its first time: no drift.

    What one recorder received is paced by its own seconds, which no change of the clock affects;
    else by the time of day, where a step back causes no pause. A recorded pause of over `max_gap`
    seconds counts as that many. A long wait is reported to `note`, with its end.
    """

    speed: float
    clock: Clock
    stop: Stop | None = None
    note: Note | None = None
    max_gap: float | None = None
    _last: "Delivery | None" = None
    _latest: datetime = EPOCH
    _elapsed: float = 0.0
    _started: float = 0.0

    def hold(self, delivery: "Delivery") -> float:
        """Wait until a delivery is due, and return when that was."""
        if self._last is None:
            self._started = self.clock.monotonic()
        due = self._started + self.after(delivery)
        self._tell(due - self.clock.monotonic())
        wait(due, self.clock, self.stop)
        return due

    def put_off(self, seconds: float) -> None:
        """Delay all that follows by some seconds."""
        self._started += seconds

    def after(self, delivery: "Delivery") -> float:
        """Return how many seconds after the first delivery one is due; for each in turn."""
        if self._last is None:
            self._last, self._latest = delivery, delivery.received_at
        since = self._since(self._last, delivery)
        self._elapsed += since if self.max_gap is None else min(since, self.max_gap)
        return self._elapsed / self.speed

    def _since(self, last: "Delivery", delivery: "Delivery") -> float:
        """Return the seconds from one event to the next, and remember the later one."""
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
        is_over = self.stop is not None and self.stop.is_requested
        if self.note is None or left <= LONG_SECONDS or is_over:
            return
        try:
            end = f", at {self.clock.now() + timedelta(seconds=left):%Y-%m-%d %H:%M:%S} UTC"
        except OverflowError:
            end = ""
        way_out = "--max-gap cuts such a pause, --speed max has none"
        self.note(f"the next event is due in {left:,.0f} s{end}; {way_out}")


@dataclass
class Backlog:
    """Lets a message go when no queue holds more than it may.

    What is on its way may be in a queue already, or not yet: until the broker has answered, it
    counts in all of them. So no queue ever gets more from us than it may hold.
    """

    most: Mapping[str, int]
    depths: Depths
    clock: Clock
    stop: Stop
    note: Note
    waits_for: str = ""  # a queue that holds too much
    _room: int = 0  # how many may go before the next reading
    _told: set[str] = field(default_factory=set)

    def hold(self, on_its_way: Callable[[], int]) -> float:
        """Wait until one more may go; return for how many seconds a queue held too much."""
        paused = 0.0
        while self._room <= 0 and not self.stop.is_requested:
            before, began = on_its_way(), self.clock.monotonic()
            self._room = self._look() - before
            if self._room <= 0:
                self.clock.sleep(LOOK_SECONDS if self.waits_for else ANSWER_SECONDS)
            if self.waits_for:
                paused += self.clock.monotonic() - began
        self._room -= 1
        self.waits_for = ""
        return paused

    def _look(self) -> int:
        """Count how many may go if nothing is on its way."""
        rooms = []
        for queue, most in self.most.items():
            ready = self.depths.ready(queue)
            if ready is None:
                return 0
            if ready > most:
                self.waits_for = f"{queue} holds {ready:,}, over {most:,}"
                self._tell(queue)
                return 0
            rooms.append(most + 1 - ready)
        self.waits_for = ""
        return min(rooms)

    def _tell(self, queue: str) -> None:
        if queue not in self._told:
            self._told.add(queue)
            self.note(f"paused: queue {self.waits_for}; going on whenever it holds no more")

    def close(self) -> None:
        self.depths.close()


@dataclass
class Paced:
    """All that delays a job's messages, and how late they are.

    First the recording's pace, then a rate, then queues with a backlog. Delays by these shift all
    that follows; any other delay is made up for.
    """

    clock: Clock
    stop: Stop
    pace: Pace | None = None
    rate: float | None = None
    backlog: Backlog | None = None
    greatest_lag: float = 0.0
    _due: dict[int, float] = field(default_factory=dict)  # of those on their way, by position
    _passed: int = 0  # each counted by one thread
    _settled: int = 0

    def __call__(self, outgoing: "Iterable[Message | Receipt]") -> "Iterator[Message | Receipt]":
        """Pass on each when it may go; what has no time, and what isn't sent, at once."""
        items = map(self._on_time, outgoing) if self.pace else outgoing
        if self.rate:
            items = at_rate(items, self.rate, self.clock, self.stop)
        for each in items:
            if self.backlog:
                self._put_off(each, self.backlog.hold(lambda: self._passed - self._settled))
            self._passed += 1
            yield each

    def watched(self, receipts: Iterable[Receipt]) -> Iterator[Receipt]:
        """Pass receipts on, and measure how late each event was."""
        for receipt in receipts:
            self._settled += 1
            due = self._due.pop(receipt.position, None)
            if due is not None and receipt.outcome in GOT_OUT:
                self.greatest_lag = max(self.greatest_lag, self.clock.monotonic() - due)
            yield receipt

    @property
    def lag(self) -> float:
        """By how many seconds the oldest of those on their way is late."""
        return max((self.clock.monotonic() - due for due in [*self._due.values()][:1]), default=0)

    def so_far(self) -> Iterator[str]:
        """Describe the current delay for a person."""
        if self.backlog and self.backlog.waits_for:
            yield f"paused: {self.backlog.waits_for}"
        elif self.lag > LAG_SECONDS:
            yield f"{self.lag:.1f} s behind"

    def close(self) -> None:
        if self.backlog:
            self.backlog.close()

    def _on_time(self, each: Message | Receipt) -> Message | Receipt:
        if self.pace and isinstance(each, Message) and each.paced_by is not None:
            self._due[each.position] = self.pace.hold(each.paced_by)
        return each

    def _put_off(self, each: Message | Receipt, seconds: float) -> None:
        if self.pace and seconds:
            self.pace.put_off(seconds)
            if each.position in self._due:
                self._due[each.position] += seconds


def wait(due: float, clock: Clock, stop: Stop | None = None) -> None:
    """Sleep until the monotonic time `due`, in short naps, to notice a requested stop soon."""
    while (left := due - clock.monotonic()) > 0 and not (stop and stop.is_requested):
        clock.sleep(min(left, 0.1))
