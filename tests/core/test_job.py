"""A job: both verbs account for every event of theirs, whatever becomes of the run."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

from medtrack_cli.core.choices import Invalid
from medtrack_cli.core.items import Item
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing import replay
from medtrack_cli.core.publishing.job import Job, Make, Tally
from medtrack_cli.core.publishing.plan import Plan, making
from medtrack_cli.core.publishing.selection import Selection
from medtrack_cli.errors import BrokerUnreachable, InputMissing, TopologyError
from tests.builders import NOON, delivery, encode, event
from tests.contracts.fakes import Answer
from tests.core.test_deliver import publisher, until_error
from tests.core.test_replay import RUN
from tests.core.values import Read

GOOD, BAD = encode(event()), b'{"event_type": "student.created"}'
LOST = BrokerUnreachable("connection lost", "memory")
MISSING = TopologyError("exchange missing", "memory")


class Input:
    """Items that can be read again, how often they were, and what ends the last reading."""

    def __init__(self, *bodies: bytes, recorded: bool) -> None:
        self._bodies = bodies
        self._recorded = recorded
        self.reads = 0
        self.fails_at = 0  # the reading of this number, after its second item

    def __call__(self, _skip: object = None) -> Iterator[Item]:
        self.reads += 1
        for line, body in enumerate(self._bodies, 1):
            if self.reads == self.fails_at and line == 3:
                raise InputMissing("file changed while it was being read", "f")
            yield Read(body, line=line, recorded=delivery(body) if self._recorded else None)


def publishing(read: Input, *, keep_going: bool) -> Make:
    """Make the events of `publish`."""
    return making(read, Plan(RUN, keep_going=keep_going))


def replaying(read: Input, *, keep_going: bool) -> Make:
    """Make the events of `replay --invalid fail`."""
    plan = replay.Replay(
        "morning", RUN, selection=Selection(invalid=Invalid.FAIL), keep_going=keep_going
    )
    return replay.making(read, plan, NOON, lambda _message: None, skips_corrupt=False)


VERBS = {"publish": (publishing, False), "replay": (replaying, True)}


def job_of(
    verb: str, *bodies: bytes, is_small: bool = False, keep_going: bool = False
) -> tuple[Job, Input]:
    """Make a verb's job of events, and its input."""
    made, recorded = VERBS[verb]
    read = Input(*bodies, recorded=recorded)
    make: Callable[[Input], Make] = partial(made, keep_going=keep_going)
    return Job(make(read), Tally(), can_be_made_again=True, is_small=is_small), read


def outcomes(receipts: Iterable[object]) -> tuple[list[Outcome], Exception | None]:
    """Give each event's outcome by its position, and the error that ended the run."""
    found: dict[int, Outcome] = {}
    error: Exception | None = None
    left = iter(receipts)
    while True:
        try:
            receipt = next(left)
        except StopIteration:
            break
        except Exception as ended:  # noqa: BLE001 -- what it is, is asserted
            error = ended
            break
        assert receipt.position not in found, "a second receipt"  # type: ignore[attr-defined]
        found[receipt.position] = receipt.outcome  # type: ignore[attr-defined]
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[position] for position in sorted(found)], error


def fails_at(position: int, verdict: Outcome | Exception) -> Answer:
    """Make a broker's answer to one message."""
    return lambda each: verdict if each.position == position else None  # type: ignore[return-value]


C, U, R, K = Outcome.CONFIRMED, Outcome.UNSENT, Outcome.REFUSED, Outcome.UNKNOWN
FAILURES: dict[str, tuple[Answer | None, Exception | None, list[Outcome], Exception | None]] = {
    "none": (None, None, [C, C, C, C], None),
    "no connection": (None, MISSING, [U, U, U, U], MISSING),
    "lost at the first": (fails_at(1, LOST), None, [K, U, U, U], LOST),
    "lost on the way": (fails_at(3, LOST), None, [C, C, K, U], LOST),
    "refused": (fails_at(2, R), None, [C, R, C, C], None),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("is_small", [True, False], ids=["kept", "made again"])
@pytest.mark.parametrize("failure", FAILURES)
def test_every_event_has_one_receipt(verb: str, failure: str, *, is_small: bool) -> None:
    """The same failures end both verbs in the same way, kept in memory or made a second time."""
    answer, refuse, expected, error = FAILURES[failure]
    job, _ = job_of(verb, *[GOOD] * 4, is_small=is_small)
    job.check()
    assert (job.is_refused, job.events) == (False, 4)
    to = publisher(answer, refuse=refuse)  # type: ignore[arg-type] # errors of ours
    assert outcomes(job.run(to, Stop())) == (expected, error)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("is_small", [True, False])
def test_an_invalid_event_keeps_all_from_being_sent(verb: str, *, is_small: bool) -> None:
    """It is known before the first byte, and each event has its receipt."""
    job, _ = job_of(verb, GOOD, BAD, GOOD, is_small=is_small)
    job.check()
    assert job.is_refused
    assert outcomes(job.unsent()) == ([U, Outcome.INVALID, U], None)


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_check_what_is_invalid_is_passed_over(verb: str) -> None:
    """With --keep-going, or out of a pipe, an invalid event has its receipt in between."""
    job, _ = job_of(verb, GOOD, BAD, GOOD, keep_going=True)
    assert outcomes(job.run(publisher(), Stop())) == ([C, Outcome.INVALID, C], None)


@pytest.mark.parametrize("verb", VERBS)
def test_a_small_input_is_read_once(verb: str) -> None:
    """What the check has made is sent, and accounted for when the run ends early."""
    job, read = job_of(verb, *[GOOD] * 4, is_small=True)
    job.check()
    outcomes(job.run(publisher(fails_at(2, LOST)), Stop()))
    assert read.reads == 1
    job, read = job_of(verb, *[GOOD] * 4)
    job.check()
    outcomes(job.run(publisher(), Stop()))
    assert read.reads == 2


@pytest.mark.parametrize("verb", VERBS)
def test_an_input_that_changes_ends_the_run(verb: str) -> None:
    """What can't be read any more is the error; what was sent has its receipt."""
    job, read = job_of(verb, *[GOOD] * 4)
    job.check()
    read.fails_at = 2
    found, error = outcomes(job.run(publisher(), Stop()))
    assert found == [C, C, U, U]
    assert isinstance(error, InputMissing)


def test_what_is_left_out_is_counted_once() -> None:
    """Kept or made again, a delivery that isn't wanted is counted once."""
    for is_small in (True, False):
        read = Input(GOOD, GOOD, recorded=True)
        plan = replay.Replay("morning", RUN, selection=Selection(keys=("user.*",)))
        make = replay.making(read, plan, NOON, lambda _message: None, skips_corrupt=False)
        job = Job(make, Tally(), can_be_made_again=True, is_small=is_small)
        job.check()
        assert outcomes(job.run(publisher(), Stop())) == ([], None)
        assert job.tally.omitted == Counter(left_out=2, left_out_key=2)


def test_only_what_got_out_counts_as_sent() -> None:
    """Of invalid deliveries those count as sent that were, however the run ended."""
    for is_small in (True, False):
        read = Input(BAD, GOOD, BAD, BAD, recorded=True)
        plan = replay.Replay("morning", RUN)
        make = replay.making(read, plan, NOON, lambda _message: None, skips_corrupt=False)
        job = Job(make, Tally(), can_be_made_again=True, is_small=is_small)
        job.check()
        for receipt in until_error(job.run(publisher(fails_at(3, LOST)), Stop())):
            job.tally.add(receipt)
        assert job.tally.omitted == Counter(invalid_sent=2)  # confirmed, and unknown


def test_what_is_left_out_is_counted_of_the_whole_input() -> None:
    """A run that ends early counts what has no receipt in what it didn't come to, too."""
    for is_small in (True, False):
        read = Input(GOOD, BAD, BAD, GOOD, BAD, recorded=True)
        plan = replay.Replay("morning", RUN, selection=Selection(invalid=Invalid.SKIP))
        make = replay.making(read, plan, NOON, lambda _message: None, skips_corrupt=False)
        job = Job(make, Tally(), can_be_made_again=True, is_small=is_small)
        job.check()
        assert outcomes(job.run(publisher(fails_at(1, LOST)), Stop())) == ([K, U], LOST)
        assert job.tally.omitted == Counter(invalid_skipped=3)


def test_what_cant_be_sent_is_known_by_the_check() -> None:
    """A message that AMQP can't carry ends a replay before its first byte."""
    read = Input(GOOD, recorded=True)
    plan = replay.Replay("morning", RUN)
    make = replay.making(read, plan, NOON, why_not, skips_corrupt=False)
    job = Job(make, Tally(), can_be_made_again=True, is_small=True)
    with pytest.raises(Exception, match="too long"):
        job.check()


def why_not(_message: Message) -> str:
    """Say why a message can't be sent."""
    return "the routing key is too long"
