"""Recordings that something has happened to: every flipped bit is found, the rest can be had."""

import os
from collections import Counter
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest

from medtrack_cli.core.publishing.recorded import Recorded, recorded
from medtrack_cli.errors import NotARecording
from medtrack_cli.files.reading.json_reader import read_lines
from medtrack_cli.files.recordings.reader import unwrap
from tests.broker.witness import Witness
from tests.builders import NOON, delivery, numbered_deliveries
from tests.cli.tool import Tool
from tests.project.test_json_output import problems
from tests.recording.recorded import record


def read(data: bytes, corrupt: Counter[str] | None = None) -> list[Recorded]:
    """Read a recording's bytes as replay does."""
    return list(recorded(unwrap(read_lines(BytesIO(data), "r.ndjson")), NOON, None, corrupt))


@pytest.fixture
def small(tmp_path: Path) -> bytes:
    """Make a recording of a header and three short records."""
    path = tmp_path / "small.ndjson"
    record(path, [delivery(body, monotonic=1000.0) for body in (b"1", b"\xff", b"")])
    return path.read_bytes()


def test_every_flipped_bit_is_found(small: bytes) -> None:
    """Whichever bit of a recording flips, replay refuses it, with the line's number."""
    trials = 0
    assert len(read(small)) == 3
    for at in range(len(small)):
        for bit in range(8):
            flipped = bytearray(small)
            flipped[at] ^= 1 << bit
            with pytest.raises(NotARecording, match=r"r\.ndjson"):
                read(bytes(flipped))
            trials += 1
    assert trials > 8_000


def test_all_but_the_flipped_line_can_be_had(small: bytes) -> None:
    """Skipping what is corrupt, a flipped bit costs its line, and at a line's end the next one."""
    whole = [each.delivery for each in read(small)]
    for at in range(0, len(small), 3):
        flipped = bytearray(small)
        flipped[at] ^= 1 << at % 8
        corrupt: Counter[str] = Counter()
        had = [each.delivery for each in read(bytes(flipped), corrupt)]
        assert corrupt["corrupt"] in {1, 2}  # two: a byte that became the end of a line
        assert len(had) >= (1 if small[at : at + 1] == b"\n" else 2)
        assert all(each in whole for each in had)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_line_ends_are_no_damage(small: bytes, ending: bytes) -> None:
    """A recording whose line ends an editor has changed is whole."""
    assert len(read(small.replace(b"\n", ending).removesuffix(ending))) == 3


def test_a_filtered_recording_is_whole(small: bytes) -> None:
    """Lines may be taken out of a recording, its header too, and put together anew."""
    header, first, second, third = small.splitlines(keepends=True)
    assert len(read(third + first)) == 2
    assert len(read(header + second + header + second)) == 2


def damaged(tool: Tool, number: int = 2) -> str:
    """Record three events and change a byte of one."""
    record(tool.folder / "r.ndjson", numbered_deliveries(3))
    data = (tool.folder / "r.ndjson").read_bytes()
    return tool.write("damaged.ndjson", data.replace(b"id-%d" % number, b"id-9"))


def test_nothing_of_a_corrupt_recording_is_sent(connected: Tool, witness: Witness) -> None:
    """A corrupt record ends replay with 65 and its line before a byte is sent; skipped, with 0."""
    name = damaged(connected, 3)
    ran = connected.run("replay", name, "--speed", "max")
    assert ran.code == 65
    assert "corrupt record (its checksum differs): damaged.ndjson:4" in ran.err
    assert "--skip-corrupt" in ran.err
    assert witness.take() == []
    ran = connected.run("replay", name, "--speed", "max", "--skip-corrupt", "-o", "json")
    assert ran.code == 0
    assert (ran.summary["confirmed"], ran.summary["corrupt"]) == (2, 1)
    assert problems("replayed", ran.summary) == []
    assert [held.message_id for held in witness.take()] == ["id-1", "id-2"]


def test_a_recording_with_nothing_whole_is_none(tool: Tool) -> None:
    """With --skip-corrupt, a file in which nothing can be read is still 65."""
    (tool.folder / "r.ndjson").write_bytes(b"notes\nmore notes\n")
    ran = tool.run("replay", "r.ndjson", "--dry-run", "--skip-corrupt")
    assert ran.code == 65
    assert "r.ndjson:1" in ran.err


@pytest.mark.parametrize("name", ["r.ndjson", "r.ndjson.gz"])
def test_a_recording_cut_off_says_where(tool: Tool, name: str) -> None:
    """What a kill has left is 65 at the torn line; skipped, the lines before it are there."""
    path = tool.folder / name
    record(path, numbered_deliveries(3))
    path.write_bytes(path.read_bytes()[:-40])
    ran = tool.run("replay", name, "--dry-run")
    assert ran.code == 65
    assert f"{name}:4" in ran.err
    ran = tool.run("replay", name, "--dry-run", "--skip-corrupt", "-o", "json")
    assert (ran.code, ran.summary["would_send"], ran.summary["corrupt"]) == (0, 2, 1)
    assert problems("dry_run", ran.summary) == []


@pytest.mark.parametrize(
    "command", [["stats"], ["replay", "--dry-run", "--since", "2025-01-15T12:01:00Z"]]
)
def test_where_gzip_is_cut_off_is_said_whatever_was_passed_over(
    tool: Tool, command: list[str]
) -> None:
    """The line where a .gz breaks off is told by commands that pass over lines, too."""
    path = tool.folder / "cut.ndjson.gz"
    record(path, numbered_deliveries(50))
    path.write_bytes(path.read_bytes()[:-40])
    ran = tool.run(*command, path.name)
    assert ran.code == 65
    assert "cut.ndjson.gz:51" in ran.err


def test_no_line_is_made_up_for_gzip_from_a_pipe(tool: Tool) -> None:
    """Out of a pipe, which can't be read again, the damage is somewhere after the line told."""
    path = tool.folder / "cut.ndjson.gz"
    record(path, numbered_deliveries(50))
    data = path.read_bytes()[:-40]
    path.unlink()
    os.mkfifo(path)
    thread = Thread(target=path.write_bytes, args=[data])
    thread.start()
    ran = tool.run("replay", path.name, "--dry-run", "--since", "2025-01-15T12:01:00Z")
    thread.join()
    assert ran.code == 65
    assert "cut off or damaged somewhere after this line): cut.ndjson.gz:1" in ran.err


def test_validate_finds_the_damage(tool: Tool) -> None:
    """Validate shows a corrupt record as a finding at its line, and checks the others."""
    ran = tool.run("validate", damaged(tool), "-o", "json")
    assert ran.code == 1
    (finding,) = ran.of_kind("finding")
    assert (finding["line"], finding["rule"]) == (3, "not_an_event")
    assert "checksum" in finding["message"]
    assert (ran.summary["events"], ran.summary["invalid"]) == (3, 1)


@pytest.mark.parametrize("command", ["replay --dry-run", "publish --dry-run -f", "validate"])
def test_a_newer_format_is_refused(tool: Tool, command: str) -> None:
    """A recording of a later version is 65, and the hint says what this medtrack reads."""
    tool.write("new.ndjson", b'{"kind":"recording","version":3,"new":1}\n{"kind":"event"}\n')
    ran = tool.run(*command.split(), "new.ndjson")
    assert ran.code == 65
    assert "newer format (version 3): new.ndjson" in ran.err
    assert "up to version 2" in ran.err
