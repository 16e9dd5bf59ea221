"""A recording is one under any name: what it begins with tells more than its suffix."""

from datetime import timedelta
from pathlib import Path

import pytest

from medtrack_cli.core.times import TimeRange
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.reading.input import Span, gather
from medtrack_cli.files.recordings.time_index import narrowed
from tests.builders import NOON, numbered_deliveries
from tests.cli.tool import Tool
from tests.recording.recorded import ids, record

NAMES = ["r.json", "r.json.gz", "r.yaml", "r.YML", "r.txt", "r"]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_read_under_any_name(tmp_path: Path, name: str) -> None:
    """What --record wrote is read under the very name it was given."""
    record(tmp_path / name, numbered_deliveries(3))
    assert ids(tmp_path / name) == ["id-1", "id-2", "id-3"]


@pytest.mark.parametrize("name", ["r.json", "r.yaml"])
def test_a_part_of_a_recording_is_read_under_any_name(tmp_path: Path, name: str) -> None:
    """Without its header, as a filter leaves it, it is read, too; a stretch of it is found."""
    path = tmp_path / name
    record(path, numbered_deliveries(500))
    source = gather([str(path)], open, registry=built_in())  # type: ignore[arg-type] # no stdin
    window = TimeRange(NOON + timedelta(seconds=499))
    assert narrowed(source.sources[0], window).start > 0
    found = [each.recorded.message_id for each in source.items(span=Span(window, lambda: None))]  # type: ignore[attr-defined] # deliveries
    assert found[-2:] == ["id-499", "id-500"]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[2:4]))
    assert ids(path) == ["id-2", "id-3"]


@pytest.mark.parametrize(
    "command", [["replay", "--dry-run"], ["validate"], ["stats"], ["publish", "--dry-run", "-f"]]
)
def test_every_command_reads_it(tool: Tool, command: list[str]) -> None:
    """A recording named *.json is accepted everywhere."""
    record(tool.folder / "morning.json", numbered_deliveries(3))
    ran = tool.run(*command, "morning.json", "-o", "json")
    assert ran.code == 0
    assert 3 in ran.summary.values()
