"""Recordings as they are written: added to, mended, locked, in parts."""

import gzip
import json
import re
import resource
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.errors import CannotCreate, CannotWrite, UsageError
from medtrack_cli.files.reading.streams import is_zipped
from medtrack_cli.files.recordings.rotation import parse_rotation
from medtrack_cli.files.recordings.writer import Recorder
from tests.builders import NOON, delivery, numbered_deliveries
from tests.core.values import FakeClock
from tests.recording.recorded import ids, items, record

NAMES = ["r.ndjson", "r.ndjson.gz", "no-suffix"]


def lines(path: Path) -> list[dict[str, Any]]:
    """Read a recording as any program would."""
    data = path.read_bytes()
    text = gzip.decompress(data) if is_zipped(path) else data
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_added_to(tmp_path: Path, name: str) -> None:
    """A second recorder goes on after the first, with a header of the same run and more lines."""
    path = tmp_path / name
    record(path, numbered_deliveries(2))
    before = path.read_bytes()
    said = record(path, numbered_deliveries(2, start=3))
    assert said == [f"recorded 2 events to {path}"]
    assert path.read_bytes().startswith(before)
    kinds = [each["kind"] for each in lines(path)]
    assert kinds == ["recording", "event", "event"] * 2
    assert [each["line"] for each in lines(path)] == [1, 2, 3, 4, 5, 6]
    assert len({each["run"] for each in lines(path) if each["kind"] == "recording"}) == 1


@pytest.mark.parametrize("name", ["r.ndjson", "r.ndjson.gz"])
def test_a_recording_cut_anywhere_is_mended(tmp_path: Path, name: str) -> None:
    """Wherever a kill has cut the file, whole records stay, the torn one goes, and that is said."""
    path = tmp_path / name
    ends: list[int] = []  # of the header and of each record

    def watched() -> Iterator[Delivery]:
        for each in numbered_deliveries(3):
            ends.append(path.stat().st_size)
            yield each

    record(path, watched())
    data = path.read_bytes()
    near = {end + by for end in ends for by in (-1, 0, 1)}
    for cut in sorted(near | set(range(ends[0], len(data), 61))):
        if cut < ends[0] and is_zipped(path):
            continue  # nothing tells whose it is
        path.write_bytes(data[:cut])
        said = record(path, numbered_deliveries(1, start=9))
        lacks_its_end_alone = cut + 1 in ends[1:] and not is_zipped(path)
        reach = cut + lacks_its_end_alone
        whole = [end for end in ends if end <= reach]
        if whole:
            assert [each["line"] for each in lines(path)] == list(range(1, len(whole) + 3))
            assert ids(path) == [*(f"id-{n}" for n in range(1, len(whole))), "id-9"]
        torn = reach - max(whole, default=0)
        assert [f"{torn:,} bytes were cut off" in each for each in said[:-1]] == [True] * bool(torn)


@pytest.mark.parametrize("cut", [0, 1, 20, 60])
def test_a_header_that_was_never_whole_is_written_again(tmp_path: Path, cut: int) -> None:
    """A file that ends within its first line, or is empty, becomes a recording from the start."""
    path = tmp_path / "r.ndjson"
    record(path, [])
    path.write_bytes(path.read_bytes()[:cut])
    record(path, numbered_deliveries(1))
    assert [each["line"] for each in lines(path)] == [1, 2]


FOREIGN: dict[str, bytes] = {
    "notes.txt": b"precious\n",
    "unfinished.txt": b"precious",
    "event.json": b'{"event_type":"x"}\n',
    "listened.ndjson": b'{"kind":"event"}\n',
    "newer.ndjson": b'{"kind":"recording","version":3}\n',
    "older.ndjson": b'{"kind":"recording","version":1}\n',
    "zero.ndjson": b'{"kind":"recording","version":0}\n',
    "zip.ndjson.gz": b"PK\x03\x04precious",
    "foreign.ndjson.gz": gzip.compress(b"precious\n"),
    "plain.ndjson.gz": b'{"kind":"recording","version":2}\n',
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_left_untouched(tmp_path: Path, name: str) -> None:
    """What is no recording of this format is refused with 73, and not a byte of it changes."""
    path = tmp_path / name
    path.write_bytes(FOREIGN[name])
    with pytest.raises(CannotCreate) as refused:
        record(path, numbered_deliveries(1))
    assert refused.value.hint
    assert path.read_bytes() == FOREIGN[name]


def test_no_folder_is_made(tmp_path: Path) -> None:
    """Where the folder is missing nothing is made, and the hint asks for it."""
    with pytest.raises(CannotCreate) as refused:
        record(tmp_path / "missing" / "r.ndjson", [])
    assert "folder" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_end_is_not_added_to(tmp_path: Path) -> None:
    """A recording whose last line is whole but changed is refused: something else is wrong."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(2))
    path.write_bytes(data := path.read_bytes().replace(b"id-2", b"id-3"))
    with pytest.raises(CannotCreate, match="damaged"):
        record(path, numbered_deliveries(1))
    assert path.read_bytes() == data


@pytest.mark.parametrize("rotate", [None, "1h"])
def test_a_second_recorder_is_refused(tmp_path: Path, rotate: str | None) -> None:
    """While one records to a file, or to parts of it, another is refused, and nothing is torn."""
    path = tmp_path / "r.ndjson"

    def racing() -> Iterator[Delivery]:
        for each in numbered_deliveries(3):
            with pytest.raises(CannotCreate, match="another run"):
                record(path, [], rotate=rotate)
            yield each

    record(path, racing(), rotate=rotate)
    (file,) = tmp_path.iterdir()
    assert ids(file) == ["id-1", "id-2", "id-3"]


def test_replays_are_left_out_and_counted(tmp_path: Path) -> None:
    """What carries the mark of a replay isn't recorded unless that is wished, and is counted."""
    marked = delivery(headers={"x-medtrack-replay": "r"}, properties={"message_id": "again"})
    said = record(tmp_path / "a.ndjson", [marked, *numbered_deliveries(1), marked])
    assert said == [f"recorded 1 event to {tmp_path / 'a.ndjson'}; left out 2 replayed"]
    assert ids(tmp_path / "a.ndjson") == ["id-1"]
    record(tmp_path / "b.ndjson", [marked, *numbered_deliveries(1)], include_replays=True)
    assert ids(tmp_path / "b.ndjson") == ["again", "id-1"]


def test_elapsed_is_steady_and_latest_tells_of_a_clock_set_back(tmp_path: Path) -> None:
    """`elapsed` counts from the header on; `latest` stands where the clock is behind, only there.

    It is kept through the recorders of a file.
    """
    path = tmp_path / "r.ndjson"
    clock = FakeClock()
    hour = timedelta(hours=1)
    times = [NOON, NOON + hour, NOON, NOON + hour, NOON + 2 * hour]
    record(
        path,
        [
            delivery(received_at=time, monotonic=1000.5 + number)
            for number, time in enumerate(times)
        ],
        clock=clock,
    )
    record(path, [], clock=clock)
    record(path, [delivery(received_at=NOON)], clock=clock)
    held = lines(path)
    assert [each.get("elapsed") for each in held[1:6]] == [0.5, 1.5, 2.5, 3.5, 4.5]
    late, last = "2025-01-15T13:00:00.000000Z", "2025-01-15T14:00:00.000000Z"
    latest = [each.get("latest") for each in held]
    assert latest == [None, None, None, late, None, None, last, last, last]


@pytest.mark.parametrize("name", NAMES)
def test_parts_by_size(tmp_path: Path, name: str) -> None:
    """A part that has reached its size is followed by the next, the same run's, numbered."""
    record(tmp_path / name, numbered_deliveries(20), rotate="2KB")
    parts = sorted(tmp_path.iterdir())
    headers = [lines(part)[0] for part in parts]
    assert [header["part"] for header in headers] == list(range(1, len(parts) + 1))
    assert len(parts) > 2
    assert len({header["run"] for header in headers}) == 1
    assert [f".{number:06}" in part.name for number, part in enumerate(parts, 1)].count(False) == 0
    assert all(part.stat().st_size >= 2000 for part in parts[:-1])
    assert ids(*parts) == [f"id-{number}" for number in range(1, 21)]


def test_parts_by_time(tmp_path: Path) -> None:
    """A part that is old enough is followed by the next when something arrives, never by itself."""
    clock = FakeClock()

    def over_time() -> Iterator[Delivery]:
        for seconds, each in zip((0, 1799, 1, 7200, 1), numbered_deliveries(5), strict=True):
            clock.moment += seconds
            yield each

    record(tmp_path / "r.ndjson", over_time(), rotate="30m", clock=clock)
    parts = sorted(tmp_path.iterdir())
    assert [len(ids(part)) for part in parts] == [2, 1, 2]


def test_parts_go_on_where_they_ended(tmp_path: Path) -> None:
    """Recording again with the same name goes on with the last part, mended, of the same run."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(5), rotate="2KB")
    last = max(tmp_path.iterdir())
    with last.open("ab") as file:
        file.write(b'{"kind":"event","rec')
    said = record(path, numbered_deliveries(5, start=6), rotate="2KB")
    assert "torn: 20 bytes" in said[0]
    parts = sorted(tmp_path.iterdir())
    assert ids(*parts) == [f"id-{number}" for number in range(1, 11)]
    assert len({lines(part)[0]["run"] for part in parts}) == 1
    assert [lines(part)[0]["part"] for part in parts] == list(range(1, len(parts) + 1))


@pytest.mark.parametrize("text", ["", "100", "MB", "0MB", "-1h", "1.5h", "1 h", "1w", "1kb", "h1"])
def test_odd_rotations_are_refused(text: str) -> None:
    """What is neither a size nor a time is a usage error that shows one of each."""
    with pytest.raises(UsageError) as refused:
        parse_rotation(text)
    assert re.search(r"--rotate \d+MB is a size, --rotate \d+m a time", refused.value.hint)


def test_a_refused_write_leaves_nothing_half(tmp_path: Path) -> None:
    """When the file may grow no more, the batch that didn't fit is out of it, whole."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(2))
    before = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    said: list[str] = []
    recorder = Recorder(path, FakeClock(), said.append)
    with_header = path.stat().st_size
    for each in numbered_deliveries(50, start=3):
        recorder.write(examine(each))
    resource.setrlimit(resource.RLIMIT_FSIZE, (with_header + 5_000, limits[1]))
    try:
        with pytest.raises(CannotWrite, match=r"r\.ndjson") as refused:
            recorder.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        recorder.close()
    assert "bytes are free" in refused.value.hint
    assert before < path.stat().st_size == with_header
    assert ids(path) == ["id-1", "id-2"]


def test_a_part_that_cant_begin_ends_recording(tmp_path: Path) -> None:
    """A disk that is full when a part is due is CannotWrite, and the parts before it are whole."""
    path = tmp_path / "r.ndjson"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    said: list[str] = []
    recorder = Recorder(path, FakeClock(), said.append, rotation=parse_rotation("1KB"))
    for each in numbered_deliveries(2):
        recorder.write(examine(each))
    recorder.flush()
    recorder.write(examine(next(numbered_deliveries(1, start=3))))
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))
    try:
        with pytest.raises(CannotWrite, match=r"r\.000002\.ndjson"):
            recorder.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        recorder.close()
    assert said == [f"recorded 2 events to {tmp_path / 'r.000001.ndjson'}"]
    assert ids(tmp_path / "r.000001.ndjson") == ["id-1", "id-2"]
    record(path, numbered_deliveries(1, start=3), rotate="1KB")
    assert ids(tmp_path / "r.000002.ndjson") == ["id-3"]


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [b'{"a":"%b"}' % (b'\\"' * 8_388_000), b"[" + b"1," * 8_388_000 + b"1]", b"\xff" * 2**24],
    ids=["quotes", "a list", "no text"],
)
def test_the_largest_events_come_back(tmp_path: Path, body: bytes) -> None:
    """A body of nearly 16 MiB is read as it was, beside a header of the same name, and added to."""
    path = tmp_path / "r.ndjson"
    large = delivery(body, headers={"body": 1, "body_text": "x", "a": '","body":1'})
    record(path, [large])
    record(path, numbered_deliveries(1))
    first, _ = items(path)
    assert isinstance(first.recorded, Delivery)
    assert (first.recorded.body, first.recorded.headers) == (body, large.headers)
    assert ids(path)[1] == "id-1"
