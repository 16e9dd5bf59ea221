"""A project with event types of its own: a medtrack.yaml and a folder of schemas."""

import json
from pathlib import Path
from typing import Any

from tests.cli.tool import Tool

ROOM = "550e8400-e29b-41d4-a716-446655440000"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

ROOM_BOOKED = f"""\
$schema: {DIALECT}
description: A room has been booked.
x-published-by: the facility service
x-reactions:
  COMM: tells the student
type: object
required: [room_id, code]
additionalProperties: false
properties:
  room_id: {{type: string, format: uuid, description: the room}}
  code: {{$ref: "#/$defs/code"}}
  floor: {{type: integer, minimum: -2, maximum: 40}}
  tags: {{type: array, items: {{type: string}}}}
$defs:
  code: {{allOf: [{{type: string}}, {{pattern: "^[0-9]{{4}}$"}}]}}
examples:
  - {{room_id: {ROOM}, code: "0123", floor: 3}}
"""

STUDENT_2 = {
    "description": "A student has been registered, by number.",
    "type": "object",
    "required": ["student_id", "cin"],
    "properties": {
        "student_id": {"type": "string", "format": "uuid"},
        "cin": {"type": "integer"},
    },
    "examples": [{"student_id": ROOM, "cin": 7}],
}


def project(tool: Tool) -> None:
    """Write a project of two added contracts: a new type, and a new version of a built-in one."""
    tool.write("medtrack.yaml", "schemas: [./schemas]\n")
    schema(tool, "room.booked/1.0.yaml", ROOM_BOOKED)
    schema(tool, "student.created/2.0.json", STUDENT_2)


def schema(tool: Tool, name: str, content: str | object, folder: str = "schemas") -> Path:
    """Write a schema into the folder of schemas; an object as JSON."""
    path = tool.folder / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def booked(version: str = "1.0", **payload: object) -> dict[str, Any]:
    """Make a room.booked event."""
    return whole("room.booked", {"room_id": ROOM, "code": "0123", **payload}, version)


def whole(event_type: str, payload: dict[str, Any], version: str) -> dict[str, Any]:
    """Make an event around a payload."""
    return {
        "event_type": event_type,
        "payload": payload,
        "service": "tests",
        "timestamp": "2025-01-15T10:00:00Z",
        "version": version,
    }


def ndjson(*events: dict[str, Any]) -> str:
    """Write events as NDJSON."""
    return "".join(json.dumps(each) + "\n" for each in events)
