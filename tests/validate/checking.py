"""Running `medtrack validate` in this process: the whole command, in a world of the test's own."""

import io
import json
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from medtrack_cli.commands import validate as command
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World
from tests.cli.tool import Ran
from tests.running import run

STUDENT: dict[str, Any] = {
    "event_type": "student.created",
    "payload": {
        "student_id": "550e8400-e29b-41d4-a716-446655440000",
        "user_id": "660e9500-f39c-52e5-b827-557766551111",
        "cin": "ZZ123456",
        "email": "amina.example@example.org",
        "phone": "+0001234567",
        "first_name": "Amina",
        "last_name": "Example",
    },
    "service": "external-registration-service",
    "timestamp": "2025-01-15T10:00:00Z",
    "version": "1.0",
}
"""A valid event, to be changed."""


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Give the event with some payload fields set, or with envelope fields set by `/name`."""
    event: dict[str, Any] = {**STUDENT, "payload": dict(STUDENT["payload"])}
    for name, value in changes.items():
        if not name.startswith("/"):
            event["payload"][name] = value
    return event | {name[1:]: value for name, value in changes.items() if name.startswith("/")}


validate = partial(run, "validate")


def findings(name: str, content: bytes | str, as_type: str | None = None) -> list[dict[str, Any]]:
    """Check one file of this name and content, the command line left out: it takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        out = io.StringIO()
        world = World(stdout=out, stderr=io.StringIO(), environ={}, cwd=Path(folder))
        command.validate(Runtime(world), [str(path)], output=["json"], as_type=as_type, reveal=True)
        return Ran(0, out.getvalue(), "").of_kind("finding")


def rules(found: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Only the rules and pointers, sorted."""
    return sorted((each["rule"], each["pointer"]) for each in found)


def places(found: Iterable[dict[str, Any]]) -> list[tuple[str, int, int, int]]:
    """Only the rules and places."""
    return [(each["rule"], each["line"], each["column"], each["end_column"]) for each in found]


def block_yaml(value: Any, indent: int = 0) -> str:
    """Write a value as block YAML, its strings quoted."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        rows = (f"{pad}{_quoted(key)}:{_nested(each, indent)}" for key, each in value.items())
        return "\n".join(rows)
    if isinstance(value, list) and value:
        return "\n".join(f"{pad}-{_nested(each, indent)}" for each in value)
    return pad + _quoted(value)


def _nested(value: Any, indent: int) -> str:
    if isinstance(value, dict | list) and value:
        return "\n" + block_yaml(value, indent + 1)
    return " " + _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
