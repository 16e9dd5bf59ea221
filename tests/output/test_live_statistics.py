"""The live view's numbers: rates, bounds, what is drawn of a flood, ids that stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.core.bounded import OTHERS
from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.output.live.sampling import (
    INVALID_A_SECOND,
    INVALID_AT_ONCE,
    LINES_A_SECOND,
    LINES_AT_ONCE,
    MAX_HELD_BYTES,
    Allowance,
    Held,
    Sampler,
)
from medtrack_cli.output.live.statistics import MAX_TYPES, Minute, Statistics
from medtrack_cli.output.masking import ShortIds
from tests.builders import delivery

START = 1_000.0


def seen(
    key: str = "student.created", body: bytes = b"{}", *, is_valid: bool = True
) -> CheckedDelivery:
    """Make a delivery that was checked."""
    return CheckedDelivery(delivery(body, key), key, (), is_valid, body)


@given(st.lists(st.floats(0, 300), max_size=200))
def test_a_minute_counts_what_came_within_it(moments: list[float]) -> None:
    """The history holds exactly the events of the last 60 calendar seconds, each in its place."""
    minute = Minute(START)
    for moment in sorted(moments):
        minute.add(START + moment)
    now = START + max(moments, default=0)
    expected = [0] * 60
    for moment in moments:
        if (age := int(now) - int(START + moment)) < 60:
            expected[59 - age] += 1

    assert minute.history(now) == expected
    assert minute.history(now + 60) == [0] * 60


@pytest.mark.parametrize("rate", [1, 10, 250])
def test_a_steady_rate_is_told_as_it_is(rate: int) -> None:
    """Events that come evenly have their rate, whenever within a second it is asked for."""
    for asked in (3.0, 19.0, 19.25, 19.9):
        minute = Minute(START)
        for number in range(int(rate * asked) + 1):
            minute.add(START + number / rate)

        assert minute.rate(START + asked) == pytest.approx(rate, abs=1)


def test_foreign_keys_cannot_fill_memory() -> None:
    """Beyond 40 types, further ones are counted together; the total stays exact."""
    statistics = Statistics(START)
    for number in range(1_000):
        statistics.add(seen(f"type.{number}"), START)

    assert len(statistics.by_type.apart) == MAX_TYPES
    assert statistics.by_type.others.total == 1_000 - MAX_TYPES
    assert sum(tally.total for _, tally in statistics.most_frequent) == statistics.received


def test_a_burst_is_drawn_whole_and_a_flood_in_part() -> None:
    """400 at once pass; then 200 a second, however many there are."""
    allowance = Allowance(START, LINES_A_SECOND, LINES_AT_ONCE)

    assert allowance.take(LINES_AT_ONCE, START) == LINES_AT_ONCE
    assert allowance.take(1, START) == 0
    drawn = sum(allowance.take(500, START + tick / 10) for tick in range(1, 101))
    assert drawn == pytest.approx(10 * LINES_A_SECOND, abs=1)


def test_what_is_held_is_the_newest_within_bounds() -> None:
    """Of too many or too large deliveries the oldest go; who goes is counted; one always stays."""
    held = Held(3, 1)
    gone = sum(len(held.add(seen(f"type.{number}"))) for number in range(5))

    assert gone == 2
    assert [each.delivery.routing_key for each in held.take_all()] == ["type.2", "type.3", "type.4"]
    large = bytes(MAX_HELD_BYTES)
    assert [len(held.add(seen(body=large))) for _ in range(3)] == [0, 1, 1]
    assert len(held) == 1
    assert held.add(seen(is_valid=False)) == []
    assert [each.is_valid for each in held.take_all()] == [True, False]


@given(st.lists(st.booleans(), max_size=2_000), st.integers(1, 400))
def test_valid_events_take_no_invalid_one_its_place(kinds: list[bool], size: int) -> None:
    """However they come, each kind is drawn by its own allowance, in order, and all are counted."""
    statistics = Statistics(START)
    sampler = Sampler(START, statistics)
    events = [seen(f"type.{n}", is_valid=is_valid) for n, is_valid in enumerate(kinds)]
    drawn: list[CheckedDelivery] = []
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        if start // size % 2:
            drawn += sampler.choose([*sampler.taken_back(), *batch], START)
        else:
            sampler.leave(batch)
    drawn += sampler.choose(sampler.taken_back(), START)

    numbers = [int(each.delivery.routing_key[5:]) for each in drawn]
    assert numbers == sorted(set(numbers))
    invalid = sum(not each.is_valid for each in events)
    drawn_invalid = sum(not each.is_valid for each in drawn)
    assert drawn_invalid == min(invalid, INVALID_AT_ONCE) or invalid > INVALID_AT_ONCE
    assert len(drawn) - drawn_invalid <= LINES_AT_ONCE
    assert statistics.not_drawn == len(events) - len(drawn)
    assert statistics.invalid_not_drawn == invalid - drawn_invalid
    left, apart = statistics.not_drawn, statistics.invalid_not_drawn
    said = f"{left:,} not drawn" + (f", {apart:,} of them invalid" if apart else "")
    assert sampler.say()[:1] == ([said] if left else [])
    assert sampler.say() == []


def test_a_flood_of_invalid_events_is_drawn_in_part() -> None:
    """Invalid events alone are too many as well, and say so; valid ones keep their place."""
    sampler = Sampler(START, Statistics(START))
    flood = [seen(is_valid=False)] * 1_000
    assert len(sampler.choose(flood, START)) == INVALID_AT_ONCE
    assert sampler.is_flood(START)
    assert sampler.say() == [
        "800 not drawn, 800 of them invalid",
        "  800 x invalid student.created",
    ]
    assert len(sampler.choose([*flood, seen()], START + 1)) == INVALID_A_SECOND + 1


@given(st.lists(st.uuids(), max_size=50), st.integers(0, 30))
def test_short_ids_are_told_apart(ids: list[object], alike: int) -> None:
    """Two ids never look the same, however alike they begin, and one always looks the same."""
    full = [str(each)[-36:] for each in ids]
    full += [f"{each[:alike]}{each[alike:][::-1]}" for each in full]
    shorten = ShortIds()
    first = {each: shorten(each) for each in full}

    assert len(set(first.values())) == len(first)
    assert {each: shorten(each) for each in first} == first
    assert all(each.startswith(short) for each, short in first.items())


def test_invalid_events_are_counted_by_type_and_by_service() -> None:
    """Each type and each service has its own count of invalid events; foreign names are bounded."""
    statistics = Statistics(START)
    for number in range(100):
        statistics.add(seen(body=b'{"service": "s%d"}' % number, is_valid=False), START)
    statistics.add(seen(), START)

    assert statistics.by_type.apart["student.created"].invalid == 100
    assert statistics.invalid_by_service["s0"] == 1
    assert statistics.invalid_by_service[OTHERS] == 100 - MAX_TYPES
    assert statistics.last_invalid is not None
    assert b"s99" in statistics.last_invalid.body


def test_what_is_beyond_the_allowance_is_told_by_kinds() -> None:
    """Invalid events that aren't drawn are grouped by rule and type; only some kinds are named."""
    sampler = Sampler(START, Statistics(START))
    sampler.choose([seen(is_valid=False)] * INVALID_AT_ONCE, START)
    flood = [examine(delivery(b"{", f"a.{chr(97 + n)}")) for n in range(8) for _ in range(9 - n)]
    sampler.leave(flood)
    assert sampler.choose(sampler.taken_back(), START) == []
    total = len(flood)
    assert sampler.say() == [
        f"{total} not drawn, {total} of them invalid",
        *(f"  {9 - n} x json_syntax a.{chr(97 + n)}" for n in range(5)),
        "  9 x of 3 other kinds",
    ]
