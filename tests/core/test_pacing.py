"""Holding messages back, on a clock that moves only when slept on."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.publishing.pacing import Pace, at_rate
from tests.builders import NOON, delivery
from tests.core.values import FakeClock
from tests.recording.recorded import items, record


def test_a_rate_spaces_items_evenly() -> None:
    """At 4 a second the first goes at once and each next one a quarter of a second later."""
    clock = FakeClock()
    times = [clock.monotonic() - 1000 for _ in at_rate(range(5), 4, clock)]
    assert times == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_a_rate_does_not_drift() -> None:
    """Time spent on sending is part of the gap: 1,000 items at 10 a second end at 99.9 s."""
    clock = FakeClock()
    for _ in at_rate(range(1000), 10, clock):
        last = clock.monotonic()
        clock.moment += 0.03
    assert last - 1000 == pytest.approx(99.9)


def test_no_burst_follows_a_delay() -> None:
    """After a delay of seconds the items that follow are spaced as ever."""
    clock = FakeClock()
    times = []
    for number in at_rate(range(6), 10, clock):
        times.append(clock.monotonic())
        clock.moment += 5 if number == 2 else 0
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap >= 0.0999 for gap in gaps)


def test_what_is_in_hand_goes_when_stopped() -> None:
    """An item that waits for its time is passed on when a stop is asked for: none is lost."""
    clock, stop = FakeClock(), Stop()
    items = at_rate(range(5), 0.001, clock, stop)
    assert next(items) == 0
    stop.when(lambda: clock.monotonic() > 1001)
    assert next(items) == 1
    assert clock.monotonic() < 1002


def at(seconds: float, **changes: Any) -> Delivery:
    """Make a delivery received so long after noon."""
    return delivery(received_at=NOON + timedelta(seconds=seconds), **changes)


def paced(moments: list[float], speed: float, cost: float = 0.0) -> list[float]:
    """Hold for each recorded second, sending taking `cost`; say when each was let go."""
    clock = FakeClock()
    pace = Pace(speed, clock)
    times = []
    for moment in moments:
        pace.hold(at(moment))
        times.append(clock.monotonic() - 1000)
        clock.moment += cost
    return times


@pytest.mark.parametrize(
    ("speed", "expected"), [(1, [0, 1, 3.5]), (2, [0, 0.5, 1.75]), (0.5, [0, 2, 7])]
)
def test_a_recordings_pace_is_scaled(speed: float, expected: list[float]) -> None:
    """At speed 2 everything goes at half its recorded distance from the first."""
    assert paced([0, 1, 3.5], speed) == pytest.approx(expected)


def test_a_pace_does_not_drift() -> None:
    """The pace is kept against the first time, so that what sending costs never adds up."""
    times = paced([index * 0.1 for index in range(500)], 1, cost=0.09)
    assert times[-1] == pytest.approx(49.9)


def test_what_is_late_is_caught_up() -> None:
    """After a delay, what is overdue goes at once until the recorded pace is met again."""
    clock = FakeClock()
    pace = Pace(1, clock)
    pace.hold(at(0))
    clock.moment += 10
    pace.hold(at(4))
    assert clock.monotonic() == 1010
    pace.hold(at(12))
    assert clock.monotonic() == pytest.approx(1012)


def test_a_clock_set_back_is_due_at_once() -> None:
    """A recorded time before the first or the latest one doesn't hold, nor delay what follows."""
    assert paced([0, 5, -3600, 4, 6], 1) == pytest.approx([0, 5, 5, 5, 6])


def released(*deliveries: Delivery) -> tuple[list[float], list[str]]:
    """Hold for each delivery; say when each was let go, and what was told."""
    clock, notes, times = FakeClock(), list[str](), list[float]()
    pace = Pace(1, clock, note=notes.append)
    for each in deliveries:
        pace.hold(each)
        times.append(clock.monotonic() - 1000)
    return times, notes


def test_a_recorders_own_seconds_win_over_its_clock() -> None:
    """A clock that was set, forward or back, costs no pause and no haste."""
    for wall in ([0, 1, 3602, 3603], [0, 1, -3600, -3599]):
        times, notes = released(
            *(at(each, monotonic=7.0 + number, clock="a") for number, each in enumerate(wall))
        )
        assert times == pytest.approx([0, 1, 2, 3])
        assert notes == []


def test_between_recorders_the_clock_counts() -> None:
    """Another run's seconds have another zero: the time between is that of the clock."""
    times, _ = released(
        at(0, monotonic=100.0, clock="a"),
        at(1, monotonic=101.0, clock="a"),
        at(4, monotonic=500.0, clock="b"),
        at(9, monotonic=500.5, clock="b"),
        at(11),
        at(12, monotonic=3.0, clock="b"),
    )
    assert times == pytest.approx([0, 1, 4, 4.5, 6.5, 7.5])


def test_a_long_wait_is_told_with_its_end() -> None:
    """A wait of over 30 s is told before it begins, a shorter one isn't."""
    times, notes = released(at(0), at(30), at(3630))
    assert times == pytest.approx([0, 30, 3630])
    (note,) = notes
    assert note.startswith("the next event is due in 3,600 s, at 2025-01-15 13:00:30 UTC; ")


def test_naps_are_short() -> None:
    """A long hold is slept in naps of half a second at most, so that a signal is soon seen."""
    clock = FakeClock()
    pace = Pace(1, clock)
    pace.hold(at(0))
    pace.hold(at(60))
    assert max(clock.naps) <= 0.5


def replay_times(*paths: Path) -> list[int]:
    """Say when, in whole seconds from the first, each recorded delivery is let go."""
    clock = FakeClock()
    pace = Pace(1, clock)
    times = []
    for each in items(*paths):
        assert isinstance(each.recorded, Delivery)
        pace.hold(each.recorded)
        times.append(round(clock.monotonic() - 1000))
    return times


def session(start: float, *steps: tuple[float, float], **changes: Any) -> list[Delivery]:
    """Make what a recorder receives: seconds that pass, and how far its clock is set as they do."""
    wall, counted, made = start, 1000.0, []
    for seconds, jump in steps:
        wall, counted = wall + seconds + jump, counted + seconds
        made.append(at(wall, monotonic=counted, **changes))
    return made


@pytest.mark.parametrize("jump", [3600, -3600, 10**9])
def test_no_set_clock_changes_a_recordings_pace(tmp_path: Path, jump: float) -> None:
    """Whatever the recording machine's clock was set to, the seconds that passed are replayed."""
    path = tmp_path / "r.ndjson"
    record(path, session(0, (1, 0), (1, 0), (1, jump), (1, 0), (5, 0)))
    assert replay_times(path) == [0, 1, 2, 3, 8]
    named = tmp_path / "named.ndjson.gz"
    record(named, session(0, (1, 0), (1, jump), (1, -jump)), rotate="1KB")
    assert replay_times(*sorted(tmp_path.glob("named.*"))) == [0, 1, 2]


def test_between_two_recorders_the_time_of_day_counts(tmp_path: Path) -> None:
    """A recording that was added to has the pause between, and each recorder's own pace."""
    path = tmp_path / "r.ndjson"
    record(path, session(0, (1, 0), (1, 0)))
    later = FakeClock(1600.0)
    record(path, session(600, (50, 0), (1, 7200), (1, 0)), clock=later)
    assert replay_times(path) == [0, 1, 649, 650, 651]
    before = tmp_path / "before.ndjson"
    record(before, session(-5000, (1, 0), (1, 0)), clock=FakeClock(500.0))
    joined = tmp_path / "joined.ndjson"
    joined.write_bytes(path.read_bytes() + before.read_bytes())
    assert replay_times(joined) == replay_times(path, before) == [0, 1, 649, 650, 651, 651, 652]


def test_filtered_and_merged_lines_make_no_pause_of_their_own(tmp_path: Path) -> None:
    """Of lines that may be of one recorder or of several, the shorter of both pauses is made."""
    one, other, mixed = (tmp_path / f"{name}.ndjson" for name in ("1", "2", "mixed"))
    record(one, session(0, (1, 0), (1, 0), (1, 3600), (2, 0)))
    lines = one.read_bytes().splitlines(keepends=True)
    mixed.write_bytes(b"".join(lines[1:2] + lines[3:]))  # as grep leaves them
    assert replay_times(mixed) == [0, 2, 4]
    mixed.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert replay_times(mixed) == [0, 2, 4]
    one.unlink()
    record(one, session(0, (1, 0), (1, 0), (1, 0)))
    record(other, session(-1, (1, 0), (1, 0), (1.6, 0), (1, 0)), clock=FakeClock(-5000.0))
    few, more = (path.read_bytes().splitlines(keepends=True) for path in (one, other))
    mixed.write_bytes(b"".join([few[2], more[3], few[3], more[4]]))
    assert replay_times(mixed) == [0, 1, 1, 2]
