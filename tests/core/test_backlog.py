"""Holding a job's messages back, on a clock that moves only when slept on."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing.pacing import Backlog, Pace, Paced
from tests.builders import NOON, delivery
from tests.core.values import FakeClock


class FakeDepths:
    """A queue that gets all that was passed on, and that is consumed from now and then."""

    def __init__(self, consumed: Callable[[], int] = lambda: 0) -> None:
        self.arrived = 0
        self.greatest = 0
        self.asked = 0
        self._consumed = consumed

    def ready(self, _queue: str) -> int | None:
        self.asked += 1
        return max(0, self.arrived - self._consumed())

    def close(self) -> None:
        pass


def recorded(*seconds: float) -> Iterator[Message]:
    """Make messages recorded so long after noon."""
    for position, after in enumerate(seconds, 1):
        paced_by = delivery(received_at=NOON + timedelta(seconds=after))
        yield Message(position, "r.ndjson", position, None, "a", "id", b"", paced_by=paced_by)


def sent(paced: Paced, outgoing: Iterator[Message], queue: FakeDepths) -> list[tuple[int, float]]:
    """Pass on to a broker that confirms each in turn; say when each was, in ms."""
    times: list[tuple[int, float]] = []
    clock = paced.clock

    def receipts() -> Iterator[Receipt]:
        for each in paced(outgoing):
            assert isinstance(each, Message)
            times.append((each.position, round(clock.monotonic() - 1000, 3)))
            queue.arrived += 1
            queue.greatest = max(queue.greatest, queue.ready("") or 0)
            yield each.receipt(Outcome.CONFIRMED)

    for _ in paced.watched(receipts()):
        pass
    return times


@pytest.mark.parametrize("speed", [1, 2, 10])
def test_each_speed_is_exact(speed: float) -> None:
    """At 1, 2 and 10 times the speed each of a thousand events goes in its very millisecond."""
    clock, stop = FakeClock(), Stop()
    paced = Paced(clock, stop, pace=Pace(speed, clock, stop))
    times = sent(paced, recorded(*(number * 0.25 for number in range(1000))), FakeDepths())
    assert [time for _, time in times] == pytest.approx(
        [number * 0.25 / speed for number in range(1000)], abs=0.001
    )
    assert paced.greatest_lag < 0.001


def test_long_pauses_are_cut() -> None:
    """A pause of the recording over --max-gap counts as one of so much, before the speed does."""
    clock, stop = FakeClock(), Stop()
    paced = Paced(clock, stop, pace=Pace(2, clock, stop, max_gap=10))
    times = sent(paced, recorded(0, 4, 3600, 3610, 3621), FakeDepths())
    assert [time for _, time in times] == pytest.approx([0, 2, 7, 12, 17])


def test_a_rate_and_a_pace_are_kept_together() -> None:
    """A rate spreads what was recorded at once; it is late then, and catches up at the rate."""
    clock, stop = FakeClock(), Stop()
    paced = Paced(clock, stop, pace=Pace(1, clock, stop), rate=2)
    times = sent(paced, recorded(0, 0, 0, 0, 0, 1, 10), FakeDepths())
    assert [time for _, time in times] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 10])
    assert paced.greatest_lag == pytest.approx(2)


def test_a_queue_that_holds_more_stops_all_until_it_is_consumed_from() -> None:
    """It is told once; while it lasts no more than one over N arrive, whatever goes at once."""
    clock, stop, notes = FakeClock(), Stop(), list[str]()
    queue = FakeDepths(lambda: int((clock.moment - 1000) * 10))
    backlog = Backlog({"q": 5}, queue, clock, stop, notes.append)
    times = sent(Paced(clock, stop, backlog=backlog), recorded(*[0] * 50), queue)
    assert len(times) == 50
    assert queue.greatest == 6
    assert times[-1][1] == pytest.approx(4.4, abs=0.1)
    assert notes == ["paused: queue q holds 6, over 5; going on whenever it holds no more"]


def test_what_is_on_its_way_may_arrive() -> None:
    """What the broker hasn't answered for counts as if it were in the queue already."""
    clock, stop = FakeClock(), Stop()
    queue = FakeDepths()
    stop.when(lambda: clock.monotonic() > 1001)
    backlog = Backlog({"q": 5}, queue, clock, stop, lambda _text: None)
    times = [clock.monotonic() for _ in Paced(clock, stop, backlog=backlog)(recorded(*[0] * 8))]
    assert [time for time in times if time < 1001] == [1000] * 6
    assert queue.asked > 2


def test_a_pause_for_a_queue_puts_off_all_that_follows() -> None:
    """What waited for a queue isn't caught up in a burst, and isn't late."""
    clock, stop = FakeClock(), Stop()
    queue = FakeDepths(lambda: 100 if clock.monotonic() >= 1050 else 0)
    backlog = Backlog({"q": 0}, queue, clock, stop, lambda _text: None)
    paced = Paced(clock, stop, pace=Pace(1, clock, stop), backlog=backlog)
    times = sent(paced, recorded(0, 10, 11, 12), queue)
    assert [time for _, time in times] == pytest.approx([0, 50, 51, 52], abs=0.05)
    assert paced.greatest_lag < 0.05


def test_what_a_slow_broker_delays_is_late() -> None:
    """The lag is from when an event was due until it was answered for; the greatest is kept."""
    clock, stop = FakeClock(), Stop()
    paced = Paced(clock, stop, pace=Pace(1, clock, stop))
    outgoing = paced(recorded(0, 1, 2))
    first, second = next(outgoing), next(outgoing)
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    clock.moment += 3
    assert [*paced.so_far()] == ["4.0 s behind"]
    answers = (each.receipt(Outcome.CONFIRMED) for each in (first, second))
    assert [each.position for each in paced.watched(answers)] == [1, 2]
    assert paced.greatest_lag == pytest.approx(4)
    assert [*paced.so_far()] == []


def test_a_wish_to_stop_ends_a_pause() -> None:
    """An event that waits for a queue is passed on when a stop is asked for: none is lost."""
    clock, stop, queue = FakeClock(), Stop(), FakeDepths()
    queue.arrived = 9
    stop.when(lambda: clock.monotonic() > 1005)
    backlog = Backlog({"q": 1}, queue, clock, stop, lambda _text: None)
    outgoing = Paced(clock, stop, backlog=backlog)(recorded(0))
    assert next(outgoing).position == 1
    assert clock.monotonic() < 1006
