"""What a full tap drops is told; waiting for a broker never ends by itself."""

import random
from datetime import UTC, datetime

import pytest

from medtrack_cli.broker.amqp.backlog import Backlog, Overflow
from medtrack_cli.broker.patience import CAP_SECONDS, full_jitter
from medtrack_cli.core.listening.sources import Queue, Source, Tap
from medtrack_cli.core.ports import Interrupted, Resumed
from tests.builders import delivery

NAMED = Tap(name="tests")


@pytest.mark.parametrize(
    ("source", "size", "waiting", "drops"),
    [
        (NAMED, 500, 9_000, False),
        (NAMED, 500, 9_900, True),
        (NAMED, 64 * 1024, 1_000, True),
        (NAMED, 64 * 1024, 900, False),
        (Tap(), 500, 900_000, False),
        (Tap(), 500, 990_000, True),
        (Queue("tests"), 500, 10_000_000, False),
    ],
)
def test_a_tap_near_its_bounds_may_drop(
    source: Source, size: int, waiting: int, *, drops: bool
) -> None:
    """Near its bounds, of messages or of their estimated bytes, a tap may have dropped some."""
    overflow = Overflow(source, Backlog())
    assert list(overflow.took([delivery(bytes(size))] * 10, 0)) == []
    assert overflow.may_drop(waiting) is drops


def test_an_overflow_has_a_start_and_an_end() -> None:
    """It is told once, since events wait that may be dropped, and once when there is room."""
    backlog = Backlog()
    overflow = Overflow(NAMED, backlog)
    backlog.end()
    start = backlog.since
    backlog.took(1, datetime.now(UTC))
    before = datetime.now(UTC)
    told = [each for waiting in (10_000, 10_000, 20, 0) for each in overflow.answered(waiting)]
    assert [type(each) for each in told] == [Interrupted, Resumed]
    interrupted, resumed = told
    assert isinstance(resumed, Resumed)
    assert interrupted.since == resumed.since == start
    assert start is not None
    assert start <= before <= resumed.until
    assert resumed.may_have_missed


def test_what_was_just_taken_was_in_the_tap() -> None:
    """A tap full of large events is told, though a batch of them has left when it is asked."""
    overflow = Overflow(NAMED, Backlog())
    assert list(overflow.took([delivery(bytes(50_000))] * 500, 0)) == []
    assert overflow.is_due(500)
    assert [type(each) for each in overflow.answered(842)] == [Interrupted]
    assert [type(each) for each in overflow.answered(842)] == [Resumed]


def test_a_tap_that_was_full_before_we_came_is_told() -> None:
    """What filled up by bytes while we were away is told with the first batch, as from before."""
    overflow = Overflow(NAMED, Backlog())
    assert list(overflow.look(1_342)) == []
    (told,) = overflow.took([delivery(bytes(50_000))] * 500, 1_342)
    assert isinstance(told, Interrupted)
    assert told.since is None
    assert list(overflow.took([delivery()], 1_342)) == []


def test_a_backlog_begins_where_all_was_received() -> None:
    """Its start moves on only with proof that what was published before has come."""
    backlog = Backlog()
    times = (datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in range(5))
    first, second, third, fourth, later = times
    backlog.answered(5, first)
    backlog.answered(0, second)
    assert (backlog.since, backlog.is_there) == (None, True), "the last may be on its way"
    backlog.took(5, second)
    backlog.answered(0, third)
    assert (backlog.since, backlog.is_there) == (second, True)
    backlog.restart()
    backlog.answered(0, fourth)
    assert (backlog.since, backlog.is_there) == (second, True), "what was given back waits"
    backlog.answered(0, fourth)
    assert (backlog.since, backlog.is_there) == (fourth, False)
    backlog.took(0, later)
    backlog.took(1, later)
    assert (backlog.since, backlog.is_there) == (later, True), "nothing came before it"


def test_a_broker_is_sought_for_ever() -> None:
    """However many tries were in vain, the pause before the next is within its bound."""
    source = random.Random(1)
    assert all(0 <= full_jitter(attempt, source) <= CAP_SECONDS for attempt in range(0, 10_000, 7))
