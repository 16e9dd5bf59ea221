"""The bounds of a redrive, and what becomes of messages that would not survive being put back."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Event, Thread
from typing import Self
from uuid import UUID

import pytest

from medtrack_cli.core.choices import To
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing import redrive as core
from medtrack_cli.core.publishing.job import Pass
from medtrack_cli.core.publishing.redrive import Redrive, Wanted
from medtrack_cli.core.publishing.replay import Replay
from medtrack_cli.core.publishing.rewrite import Rewrite
from medtrack_cli.errors import BrokerUnreachable, UsageError
from tests.builders import delivery, encode, event
from tests.core.values import FakeClock

BODY = encode(event())
DEATH = {"queue": "home", "reason": "rejected", "exchange": "medtrack.events"}
DIED = {
    "x-death": [{**DEATH, "routing-keys": ["student.created"]}],
    "x-first-death-queue": "home",
    "x-first-death-reason": "rejected",
}


class Queue:
    """A queue of dead letters, as its reader sees it."""

    def __init__(self, *waiting: Delivery) -> None:
        self.ready = [replace(each, token=number) for number, each in enumerate(waiting, 1)]
        self.held: set[int] = set()
        self.rounds: list[int] = []
        self.gone: list[int] = []
        self.put_back: list[int] = []
        self.has_limit = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def waiting(self) -> int:
        """Count what is ready."""
        return len(self.ready)

    def take(self, most: int, *, is_whole: bool) -> list[Delivery]:
        """Take the next ones."""
        assert is_whole is self.has_limit
        taken, self.ready = self.ready[:most], self.ready[most:]
        self.rounds.append(len(taken))
        self.held |= {each.token for each in taken}
        return taken

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Forget these."""
        self.held -= set(tokens)
        self.gone += tokens

    def give_back(self, tokens: Sequence[int]) -> None:
        """Note what comes back."""
        self.held -= set(tokens)
        self.put_back += tokens


def letter(number: int = 1, body: bytes = BODY, deliveries: int = 0) -> Delivery:
    """Make a dead letter that was delivered so often in vain."""
    counted = {"x-delivery-count": deliveries} if deliveries else {}
    return delivery(
        body,
        routing_key="dead",
        headers={**DIED, **counted},
        properties={"message_id": f"m-{number}"},
    )


def made(queue: Queue, limit: int | None = None, **changes: object) -> Redrive:
    """Make a run over a queue."""
    replay = Replay("run", UUID(int=1), rewrite=Rewrite(to=To.QUEUE))
    found = Redrive("dead", replay, Wanted(), FakeClock(), limit, **changes)  # type: ignore[arg-type] # any field of it
    queue.has_limit = limit is not None
    found.begin(queue)
    return found


def messages_of(found: Redrive) -> Iterator[Message]:
    """Make the messages of a run."""
    for each in found.make(Pass.SEND, Counter()):
        assert isinstance(each, Message)
        yield each


def send(found: Redrive, confirmed: int | None = None) -> list[str | None]:
    """Send all, of which so many are confirmed, each before the next is made; give their ids."""
    sent: list[str | None] = []

    def receipts() -> Iterator[Receipt]:
        for each in messages_of(found):
            sent.append(each.message_id)
            is_late = confirmed is not None and len(sent) > confirmed
            yield each.receipt(Outcome.UNKNOWN if is_late else Outcome.CONFIRMED)

    is_done = [Outcome.CONFIRMED].__contains__
    for _ in found.watch(receipts(), lambda each: is_done(each.outcome), Stop()):
        pass
    return sent


def test_rounds_grow_from_one() -> None:
    """The first message comes alone; large ones come fewer at a time."""
    queue = Queue(*map(letter, range(1, 101)))
    assert len(send(made(queue))) == 100
    assert queue.rounds == [1, 4, 16, 64, 15]
    large = Queue(*(letter(each, BODY + b" " * 2**20 * 9) for each in range(1, 30)))
    assert len(send(made(large))) == 29
    assert max(large.rounds) == core.ROUND_BYTES // (2**20 * 9 + len(BODY))


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (core.Bounds(messages=10), "10 messages are held"),
        (core.Bounds(size=10 * len(BODY)), "0 MiB are held"),
    ],
    ids=["messages", "bytes"],
)
def test_a_run_ends_where_it_holds_too_much(bounds: core.Bounds, said: str) -> None:
    """What isn't confirmed is held; at a bound nothing more is taken, and all of it goes back."""
    queue = Queue(*map(letter, range(1, 101)))
    found = made(queue, limit=20, bounds=bounds)
    send(found, confirmed=3)
    assert (found.bound, found.is_full) == (said, True)
    assert len(found.held) < 30
    found.settle(lambda _messages: ())
    assert (found.taken, found.redriven) == (sum(queue.rounds), 3)
    assert (len(queue.gone), sorted(queue.put_back)) == (3, sorted(found.held))
    assert found.arrived_since == 0


def test_what_is_on_its_way_fills_no_run() -> None:
    """A round of letters that are suddenly large is sent: none of it stays."""
    small, large = map(letter, range(1, 22)), [letter(each, BODY * 10) for each in range(22, 60)]
    found = made(Queue(*small, *large), bounds=core.Bounds(size=100 * len(BODY)))
    assert len(send(found)) == 59
    assert (found.bound, found.redriven) == ("", 59)


def test_a_run_ends_before_the_broker_thinks_it_dead() -> None:
    """Twenty minutes after it began nothing more is sent, in the middle of a round, too."""
    queue = Queue(*map(letter, range(1, 101)))
    found = made(queue)
    clock = found.clock
    assert isinstance(clock, FakeClock)
    sent = 0
    for _ in found.make(Pass.SEND, Counter()):
        sent += 1
        clock.moment += 60
    assert sent == core.BOUNDS.seconds / 60
    assert (found.bound, found.is_full) == ("20 minutes have passed", False)


def test_what_would_not_survive_is_copied() -> None:
    """What has used its limit is copied, never nacked, and let go when the copy has arrived."""
    queue = Queue(letter(1, deliveries=1), letter(2, deliveries=2), letter(3, deliveries=2))
    queue.ready[1] = replace(queue.ready[1], headers={**queue.ready[1].headers, "CC": ["others"]})
    found = made(queue, limit=2, returns=True)
    send(found, confirmed=0)
    copies: list[Message] = []

    def copy(messages: Sequence[Message]) -> list[Receipt]:
        copies.extend(messages)
        outcomes = (Outcome.CONFIRMED, Outcome.REFUSED)
        return [each.receipt(how) for each, how in zip(messages, outcomes, strict=True)]

    found.settle(copy)
    assert [(each.message_id, each.routing_key, each.exchange) for each in copies] == [
        ("m-2", "dead", ""),
        ("m-3", "dead", ""),
    ]
    assert all(each.headers == DIED for each in copies)  # no count, and nobody else gets it
    assert (queue.gone, queue.put_back, queue.held) == ([2], [1], {3})
    assert found.unreturned == 1


def test_a_look_at_what_would_not_survive_is_refused() -> None:
    """A run that puts messages back doesn't begin, unless it may spend; one that sends all does."""
    queue = Queue(letter(1, deliveries=2), letter(2, deliveries=2))
    with pytest.raises(UsageError, match="no delivery left of the 2"):
        send(made(queue, limit=2, returns=True))
    assert queue.rounds == [1]
    for changes in ({"returns": True, "spends": True}, {"returns": False}):
        again = Queue(letter(1, deliveries=2), letter(2, deliveries=2))
        assert send(made(again, limit=2, **changes)) == ["m-1", "m-2"]
        assert again.gone == [1, 2]


class Slow(Queue):
    """One whose messages come when it is told so."""

    def __init__(self, *waiting: Delivery) -> None:
        super().__init__(*waiting)
        self.is_asked, self.may_come = Event(), Event()

    def take(self, most: int, *, is_whole: bool) -> list[Delivery]:
        """Take the next ones, in time."""
        self.is_asked.set()
        assert self.may_come.wait(5)
        return super().take(most, is_whole=is_whole)


def test_what_is_on_its_way_at_the_end_is_put_back() -> None:
    """A run that is stopped while another thread reads waits for that, and ends the reading."""
    queue = Slow(*map(letter, range(1, 10)))
    found = made(queue, limit=20)
    reading = Thread(target=lambda: list(found.make(Pass.SEND, Counter())))
    settling = Thread(target=found.settle, args=(lambda _messages: (),))
    reading.start()
    assert queue.is_asked.wait(5)
    settling.start()
    settling.join(0.1)
    queue.may_come.set()
    for each in (reading, settling):
        each.join(5)
    assert (queue.rounds, queue.put_back, queue.held) == ([1], [1], set())
    assert (found.taken, found.arrived_since) == (1, 0)


@pytest.mark.parametrize(
    ("waits", "bound"), [((5, 0), ""), ((5, 4), "nothing more comes to us")], ids=["had", "get"]
)
def test_what_others_have_ends_the_wait(waits: tuple[int, ...], bound: str) -> None:
    """Another consumer has the rest; while it is only to get it, the run doesn't say it is done."""
    queue, answers = Queue(letter(1)), iter(waits)
    queue.waiting = lambda: next(answers)  # type: ignore[method-assign] # as others consume
    found = made(queue)
    assert send(found) == ["m-1"]
    assert (found.at_start, found.taken, found.bound) == (5, 1, bound)


def test_a_lost_connection_is_told_as_such() -> None:
    """It ends the run, what is on its way has its receipt, and nothing counts as redriven."""
    queue, tried = Queue(letter(1), letter(2)), list[int]()

    def acknowledge(tokens: Sequence[int]) -> None:
        tried.extend(tokens)
        if tokens:
            raise BrokerUnreachable("the connection was lost")

    queue.acknowledge = acknowledge  # type: ignore[method-assign] # of a connection that is lost
    found, stop = made(queue), Stop()
    receipts = (each.receipt(Outcome.CONFIRMED) for each in messages_of(found))
    passed = found.watch(receipts, lambda _receipt: True, stop)
    assert (next(passed).position, stop.is_requested) == (1, True)
    assert next(passed).position == 2
    with pytest.raises(BrokerUnreachable):
        next(passed)
    assert (tried, found.redriven) == ([1], 0)


class Meanwhile(bytes):
    """A body; when its size is asked for, something else happens first."""

    happens: Callable[[], object] = staticmethod(lambda: None)

    def __len__(self) -> int:
        self.happens()
        return super().__len__()


def test_what_is_let_go_while_more_is_taken_is_held_no_more() -> None:
    """One thread takes, another lets go: neither undoes the other's count of bytes."""
    late = Meanwhile(BODY)
    queue = Queue(letter(1), letter(2, late), letter(3))
    found = made(queue, bounds=core.Bounds(size=2 * len(BODY) + 1))
    making = found.make(Pass.SEND, Counter())
    first = next(making)
    assert isinstance(first, Message)
    receipts = found.watch([first.receipt(Outcome.CONFIRMED)], lambda _each: True, Stop())
    late.happens = lambda: next(receipts, None)  # the second is taken at this moment
    assert len(list(making)) == 2
    assert (queue.gone, found.bound) == ([1], "")
