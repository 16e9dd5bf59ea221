"""What a full tap drops is told; waiting for a broker never ends by itself."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from medtrack_cli.broker.backoff import CAP_SECONDS, full_jitter
from medtrack_cli.broker.overflow import Overflow
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Interrupted, Queue, Resumed, Source, Tap

EVENT = Delivery(datetime.now(UTC), "medtrack.events", "tests", redelivered=False, body=b"")
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
    overflow = Overflow(source)
    overflow.is_due([replace(EVENT, body=bytes(size))] * 10)
    assert overflow.may_drop(waiting) is drops


def test_an_overflow_has_a_start_and_an_end() -> None:
    """It is told once, since the last moment that all was well, and once when there is room."""
    overflow = Overflow(NAMED)
    assert list(overflow.look(0)) == []
    before = datetime.now(UTC)
    told = [each for waiting in (10_000, 10_000, 20, 0) for each in overflow.look(waiting)]
    assert [type(each) for each in told] == [Interrupted, Resumed]
    interrupted, resumed = told
    assert isinstance(resumed, Resumed)
    assert interrupted.since == resumed.since <= before <= resumed.until
    assert resumed.may_have_missed


def test_a_broker_is_sought_for_ever() -> None:
    """However many tries were in vain, the pause before the next is within its bound."""
    source = random.Random(1)
    assert all(0 <= full_jitter(attempt, source) <= CAP_SECONDS for attempt in range(0, 10_000, 7))
