"""Every version of the format there ever was is read."""

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import jsonschema_rs
import pytest

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.files.recordings.reader import FORMAT
from tests.builders import numbered_deliveries
from tests.cli.tool import Tool
from tests.project.test_json_output import documented
from tests.recording.recorded import items, record

RECORDINGS = Path(__file__).parents[1] / "data/recordings"
VERSIONS = sorted(RECORDINGS.iterdir())


def test_each_version_has_its_file() -> None:
    """There is a recording of every version up to today's."""
    assert [path.name for path in VERSIONS] == [f"version-{n + 1}.ndjson" for n in range(FORMAT)]


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_each_version_is_read(path: Path) -> None:
    """Body, key, properties and the types of headers are what they were when it was recorded."""
    first, second = (each.recorded for each in items(path))
    assert isinstance(first, Delivery)
    assert isinstance(second, Delivery)
    assert first.received_at == datetime(2025, 1, 15, 10, 0, 0, 537390, tzinfo=UTC)
    assert json.loads(first.body)["event_type"] == first.routing_key == "student.deleted"
    assert first.properties == {
        "content_type": "application/json",
        "delivery_mode": 2,
        "message_id": "edf3854f-6e17-5c14-862b-7042bb8f2c5a",
    }
    assert first.headers["decimal"] == Decimal("12.50")
    assert first.headers["bytes"] == b"\xff\x00"
    assert first.headers["double"] == 0.5
    assert first.headers["time"] == datetime(2025, 1, 15, 10, tzinfo=UTC)
    assert first.headers["list"] == [1, {"deep": None}]
    assert (second.redelivered, second.body) == (True, b"\xff\x00\xfe")


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("command", ["replay --dry-run", "validate", "publish --dry-run -f"])
def test_each_version_is_an_input(tool: Tool, command: str, path: Path) -> None:
    """Every command takes a recording of any version, and finds two events in it, one invalid."""
    shutil.copy(path, tool.folder)
    ran = tool.run(*command.split(), path.name, "-o", "json")
    assert ran.code == (0 if "replay" in command else 1), ran.err
    counted = ran.summary.get("events", ran.summary.get("total"))
    assert counted == 2


def test_todays_lines_fit_their_schemas(tmp_path: Path) -> None:
    """Each line of a recording fits the JSON Schema of its kind, with every property in use."""
    path = tmp_path / "r.ndjson"
    record(path, numbered_deliveries(3, start=2))
    record(path, numbered_deliveries(1))
    seen = set()
    for line in path.read_text().splitlines():
        value = json.loads(line)
        validator = jsonschema_rs.Draft202012Validator(documented()[value["kind"]].schema)
        assert [error.message for error in validator.iter_errors(value)] == []
        seen |= value.keys()
    assert seen >= {"latest", "elapsed", "at", "line", "crc32", "run", "part", "started_at"}
