"""Recordings that somebody has edited and sealed anew: words, whatever a line says, and no bug."""

import json
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.errors import CannotCreate
from medtrack_cli.files.recordings.checksums import sealed
from tests.builders import numbered_deliveries
from tests.contracts.fakes import MemoryBroker
from tests.recording.recorded import record
from tests.running import run_json

VALUES: tuple[Any, ...] = (None, True, 1.5, 10**400, "x", [1], {"a": 1})
COMMANDS = (
    ("validate",),
    ("stats",),
    ("replay", "--speed", "max", "--since", "2025-01-15T00:00:00Z"),
)


def edited(path: Path, number: int, name: str, value: Any) -> None:
    """Give a member of a line another value, and the line a right checksum."""
    lines = path.read_bytes().splitlines(keepends=True)
    members = {each: part for each, part in json.loads(lines[number]).items() if each != "crc32"}
    lines[number] = sealed(members | {name: value})
    path.write_bytes(b"".join(lines))


def members(path: Path, number: int) -> list[str]:
    """Name the members of a line that can be edited."""
    names = [*json.loads(path.read_bytes().splitlines()[number]), "latest", "header_types"]
    return [each for each in names if each not in {"kind", "crc32"}]


@pytest.mark.parametrize("number", [0, 2, 3], ids=["header", "in the middle", "last"])
def test_any_value_in_any_member_is_words(tmp_path: Path, number: int) -> None:
    """Each member of a line given each type of value: no command ends with a bug."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(3))
    whole = path.read_bytes()
    for name in members(path, number):
        for value in VALUES:
            path.write_bytes(whole)
            edited(path, number, name, value)
            for command in COMMANDS:
                said = run_json(
                    *command, path, folder=tmp_path, broker=MemoryBroker(wants_all=True)
                )
                assert said.code in {0, 1, 65, 66}, (command, name, value, said.err)


@pytest.mark.parametrize("name", ["received_at", "latest", "line"])
@pytest.mark.parametrize("value", [None, 5.5, [], {"a": 1}, "x"])
def test_a_last_line_of_another_type_is_not_added_to(
    tmp_path: Path, name: str, value: object
) -> None:
    """A recording whose last line can't be gone on from is refused, and left as it is."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(3))
    edited(path, 3, name, value)
    before = path.read_bytes()
    with pytest.raises(CannotCreate, match="damaged"):
        record(path, numbered_deliveries(1))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"$decimal": "1e2000000"}, 65),
        ({"$decimal": "1e-2000000"}, 65),
        ({"$decimal": "12345678901"}, 65),
        ({"$decimal": "-1.5"}, 0),
        ({"$decimal": "0"}, 0),
        (2**70, 65),
        ([[1.5]], 0),
    ],
)
def test_a_dry_run_refuses_what_the_run_refuses(tmp_path: Path, header: object, code: int) -> None:
    """What AMQP can't carry ends both before anything is sent, with its line."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(3))
    edited(path, 2, "headers", {"a": header})
    broker = MemoryBroker(wants_all=True)
    dry, run = (
        run_json("replay", path, "--speed", "max", *more, folder=tmp_path, broker=broker)
        for more in (("--dry-run",), ())
    )
    assert dry.code == run.code == code, dry.err + run.err
    assert len(broker.sent) == (0 if code else 3)
