"""A stretch of time is found in a large recording without reading what lies before it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.times import TimeRange
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.reading.input import Input, Span, gather
from medtrack_cli.files.recordings.time_index import narrowed
from tests.builders import NOON, delivery, encode, event
from tests.cli.tool import Tool
from tests.recording.recorded import record

COUNT = 1500
SIZE = 4_000  # so that a recording is some MB
JUMPS = (-3600, -100, -20, 1000)  # seconds


def deliveries(chance: Random, jumps: int) -> Iterator[Delivery]:
    """Make deliveries a second apart, by a clock that is set a few times, mostly back."""
    moment = NOON
    sets = set(chance.sample(range(COUNT), jumps))
    for number in range(COUNT):
        moment += timedelta(seconds=chance.choice(JUMPS) if number in sets else 1)
        yield delivery(
            b"x" * chance.randrange(SIZE),
            received_at=moment,
            properties={"message_id": str(number)},
        )


def times(source: Input, window: TimeRange | None) -> list[tuple[int, datetime]]:
    """Read the deliveries of a window: their lines and times."""
    return [
        (item.line, item.recorded.received_at)
        for item in source.items(span=None if window is None else Span(window, lambda: None))
        if isinstance(item.recorded, Delivery)
        and (window is None or window.holds(item.recorded.received_at))
    ]


@pytest.mark.parametrize("jumps", [0, 1, 8])
def test_a_window_holds_all_that_is_in_it(tmp_path: Path, jumps: int, chance: Random) -> None:
    """However the clock was set, a window gives just what reading everything gives, lines too."""
    path = tmp_path / "r.ndjson"
    record(path, deliveries(chance, jumps))
    source = gather([str(path)], open, registry=built_in())  # type: ignore[arg-type] # no stdin
    everything = times(source, None)
    assert len(everything) == COUNT
    starts = []
    for _ in range(15):
        since = chance.choice(everything)[1] + timedelta(seconds=chance.choice((-0.5, 0, 0.5)))
        until = since + timedelta(seconds=chance.randrange(600))
        for window in (TimeRange(since, until), TimeRange(since), TimeRange(None, until)):
            expected = [each for each in everything if window.holds(each[1])]
            assert times(source, window) == expected
            starts.append(narrowed(source.sources[0], window).start)
    assert jumps or max(starts) > path.stat().st_size / 3


def test_files_joined_out_of_order_are_read_whole(tmp_path: Path, chance: Random) -> None:
    """Where lines aren't at their places, nothing is passed over unread."""
    first, second, joined = (tmp_path / f"{name}.ndjson" for name in ("1", "2", "joined"))
    record(first, deliveries(chance, 0))
    record(second, deliveries(chance, 0))
    joined.write_bytes(second.read_bytes() + first.read_bytes())
    source = gather([str(joined)], open, registry=built_in())  # type: ignore[arg-type] # no stdin
    window = TimeRange(NOON + timedelta(seconds=COUNT // 2))
    assert len(times(source, window)) == 2 * (COUNT - COUNT // 2 + 1)


def test_replay_of_a_window(tool: Tool, chance: Random) -> None:
    """--since and --until send what was received from the one up to the other, with its lines."""
    record(tool.folder / "r.ndjson", deliveries(chance, 0))
    since, until = "2025-01-15T12:20:00Z", "2025-01-15T12:20:03"
    ran = tool.run(
        *("replay", "r.ndjson", "--dry-run", "--since", since, "--until", until, "-o", "json")
    )
    assert ran.code == 0
    sent = ran.of_kind("message")
    assert [(each["line"], each["message_id"]) for each in sent] == [
        (number + 2, str(number)) for number in (1199, 1200, 1201)
    ]
    assert tool.run("replay", "r.ndjson", "--since", "yesterday").code == 2


def test_plain_events_have_their_own_time(tool: Tool) -> None:
    """Events that were never recorded are in the window by their timestamp."""
    stamped = ({**event(), "timestamp": f"2025-01-15T10:00:0{n}Z"} for n in range(4))
    tool.write("e.ndjson", b"\n".join(map(encode, stamped)))
    since = "2025-01-15T10:00:02Z"
    ran = tool.run("replay", "e.ndjson", "--dry-run", "--since", since, "-o", "json")
    assert [each["line"] for each in ran.of_kind("message")] == [3, 4]


EARLIEST, LATEST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"


def test_times_at_the_edge_of_the_calendar(tool: Tool) -> None:
    """An event, or a bound, whose time exists only with its offset is in time as any other."""
    moments = (EARLIEST, "2025-01-15T10:00:00Z", LATEST)
    stamped = [{**event(), "timestamp": moment} for moment in moments]
    tool.write("e.ndjson", b"\n".join(map(encode, stamped)))
    dry = ("replay", "e.ndjson", "--dry-run", "-o", "json")
    for bounds, lines in (
        (("--since", "0001-01-01T00:00:00Z"), [2, 3]),
        (("--since", LATEST), [3]),
        (("--until", LATEST), [1, 2]),
        (("--until", EARLIEST), []),
        (("--since", EARLIEST, "--until", "9999-12-31T23:59:59Z"), [1, 2]),
    ):
        ran = tool.run(*dry, *bounds)
        assert (ran.code, [each["line"] for each in ran.of_kind("message")]) == (0, lines)
    assert tool.run(*dry, "--since", "9999-12-31T23:59:60-01:00").code == 2  # a leap second
    assert tool.run("stats", "e.ndjson", "-o", "json").code == 0
    assert tool.run("stats", "e.ndjson").code == 0


def test_bounds_at_the_edge_in_a_recording(tool: Tool) -> None:
    """In a recording, too, all is after the earliest time there is, and before the latest."""
    record(tool.folder / "r.ndjson", [delivery(encode(event()))])
    for bounds, count in (
        (("--since", EARLIEST), 1),
        (("--since", LATEST), 0),
        (("--until", EARLIEST), 0),
        (("--until", LATEST), 1),
    ):
        dry = ("replay", "r.ndjson", "--dry-run", "-o", "json")
        assert len(tool.run(*dry, *bounds).of_kind("message")) == count
