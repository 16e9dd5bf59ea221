"""When events came: charts and gaps, whatever their order."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.core.statistics.timeline import MOST_SPANS, Gap, Timeline

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC).timestamp()
FIRST, LAST = (datetime(year, 12, 31, tzinfo=UTC).timestamp() for year in (1, 9999))

moments = st.one_of(
    st.floats(FIRST, LAST),
    st.floats(0, 1e6).map(lambda seconds: NOON + seconds),
    st.integers(0, 100).map(lambda ticks: NOON + ticks / 100),
)


def timeline(events: Iterable[tuple[float | None, bool]]) -> Timeline:
    """Make a timeline of events."""
    made = Timeline()
    made.add((moment, made.kind("a", is_valid=is_valid)) for moment, is_valid in events)
    return made


@given(
    st.lists(st.tuples(moments, st.booleans()), min_size=1, max_size=60),
    st.integers(2, 200),
    st.randoms(use_true_random=False),
)
def test_a_chart_holds_every_event(
    events: list[tuple[float, bool]], most: int, random: Random
) -> None:
    """All events are in the chart's columns, never more than asked for, whatever their order."""
    chart = timeline(events).chart(most)
    assert chart is not None
    assert len(chart.columns) <= most
    assert sum(column.events for column in chart.columns) == len(events)
    assert sum(column.invalid for column in chart.columns) == sum(not valid for _, valid in events)
    first, last = min(events)[0], max(events)[0]
    tolerance = 1e-6 + math.ulp(max(abs(first), abs(last)))
    assert chart.start - tolerance <= first < chart.start + chart.seconds + tolerance
    assert last < chart.start + len(chart.columns) * chart.seconds + tolerance
    random.shuffle(events)
    assert timeline(events).chart(most) == chart


def test_columns_begin_at_round_times() -> None:
    """An hour in at most 13 columns has twelve of five minutes, from the full hour on."""
    chart = timeline((NOON + second, second < 600) for second in range(3600)).chart(13)
    assert chart is not None
    assert (chart.start, chart.seconds) == (NOON, 300)
    assert [column.events for column in chart.columns] == [300] * 12
    assert [column.invalid for column in chart.columns] == [0, 0, *[300] * 10]


def test_memory_is_flat_however_long_it_takes() -> None:
    """Events of a year, one a minute, are held in a fixed number of spans; none is lost."""
    count = 365 * 24 * 60
    made = timeline((NOON + 60 * number, True) for number in range(count))
    assert len(made._spans) <= MOST_SPANS
    chart = made.chart(120)
    assert chart is not None
    assert sum(column.events for column in chart.columns) == count
    assert made.extent == (NOON, NOON + 60 * (count - 1))


def at_random(source: Random, seconds: float, rate: Any) -> list[float]:
    """Make moments without any pattern; `rate` gives the events a second at a time."""
    now, made = 0.0, []
    while now < seconds:
        now += source.expovariate(rate(now))
        made.append(NOON + now)
    return made


def rhythm(now: float) -> float:
    """Give the rate of a working day: a hundred times more at noon than at its ends."""
    return 0.01 + math.exp(-(((now - 21600) / 6000) ** 2))


@pytest.mark.parametrize("rate", [lambda _: 5.0, lambda _: 0.02, rhythm], ids=["5", ".02", "day"])
@pytest.mark.parametrize("seed", range(3))
def test_chance_and_rhythm_are_no_gap(rate: Any, seed: int) -> None:
    """Traffic at random has no gap, nor has a day that begins and ends slowly."""
    found = at_random(Random(seed), 43200, rate)
    assert timeline((moment, True) for moment in found).gaps() == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("length", [30, 3000])
def test_an_outage_is_a_gap(seed: int, length: int) -> None:
    """A span without events, far longer than the usual pause, is found with its exact ends."""
    found = at_random(Random(seed), 20000, lambda _: 5.0)
    begin, end = NOON + 9000, NOON + 9000 + length
    kept = [moment for moment in found if not begin < moment < end]
    expected = Gap(
        max(moment for moment in kept if moment <= begin),
        min(moment for moment in kept if moment >= end),
    )
    Random(seed).shuffle(kept)
    assert timeline((moment, True) for moment in kept).gaps() == [expected]


def test_few_events_have_no_usual_pause() -> None:
    """Of a handful of events nothing is called a gap."""
    assert timeline((NOON + moment, True) for moment in (0, 1, 2, 3, 5000)).gaps() == []
    assert Timeline().gaps() == []
    assert Timeline().chart(10) is None
