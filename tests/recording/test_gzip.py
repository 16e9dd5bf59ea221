"""Recordings in gzip that are added to: what is damaged is left untouched."""

import gzip
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.errors import CannotCreate
from tests.builders import numbered_deliveries
from tests.recording.recorded import record


def test_nothing_behind_damage_in_gzip_is_cut_off(tmp_path: Path) -> None:
    """Whichever bit before the last batch flips, a .gz is refused untouched, or loses nothing."""
    path = tmp_path / "r.ndjson.gz"
    ends: list[int] = []

    def watched() -> Iterator[Delivery]:
        for each in numbered_deliveries(4):
            ends.append(path.stat().st_size)
            yield each

    record(path, watched())
    whole = path.read_bytes()
    refused: Counter[tuple[str, str]] = Counter()
    for at in range(ends[-1]):
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        path.write_bytes(data)
        try:
            record(path, [])
        except CannotCreate as error:
            refused[error.what, error.hint] += 1
            assert path.read_bytes() == data
        else:
            assert path.read_bytes().startswith(data)
    hint = "choose another name; medtrack validate says where it is damaged"
    assert refused["recording is damaged", hint] > (ends[-1] - ends[0]) * 0.9


def test_a_member_without_an_end_that_another_follows_is_damage(tmp_path: Path) -> None:
    """A batch that runs on over the next ones without an error is no torn line: nothing is cut."""
    path = tmp_path / "r.ndjson.gz"
    record(path, numbered_deliveries(1))
    begins = path.stat().st_size
    record(path, numbered_deliveries(3, start=2))
    data = bytearray(path.read_bytes())
    data[begins + 3] ^= 4  # a field of any length is now before the deflated text
    path.write_bytes(data)
    with pytest.raises(CannotCreate, match="recording is damaged"):
        record(path, [])
    assert path.read_bytes() == data


def test_a_recording_zipped_by_hand_is_added_to_in_flat_memory(tmp_path: Path) -> None:
    """One member of many megabytes is added to without being held; cut off, it stays as it is."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(1))
    line = path.read_bytes().splitlines(keepends=True)[-1]
    zipped = tmp_path / "r.ndjson.gz"
    with gzip.open(zipped, "wb", compresslevel=1) as file:
        file.write(path.read_bytes())
        for _ in range(64):
            file.write(line * (2**20 // len(line)))
    size = zipped.stat().st_size
    tracemalloc.start()
    record(zipped, [])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20
    assert zipped.stat().st_size > size
    torn = zipped.read_bytes()[: size // 2]
    zipped.write_bytes(torn)
    with pytest.raises(CannotCreate, match="recording is damaged"):
        record(zipped, [])
    assert zipped.read_bytes() == torn


def test_gzip_that_lacks_the_end_of_its_last_line_is_not_added_to(tmp_path: Path) -> None:
    """Zipped by hand without the last newline, a recording is refused: lines would be joined."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(2))
    zipped = tmp_path / "r.ndjson.gz"
    zipped.write_bytes(data := gzip.compress(path.read_bytes()[:-1]))
    with pytest.raises(CannotCreate, match="recording is damaged"):
        record(zipped, [])
    assert zipped.read_bytes() == data
