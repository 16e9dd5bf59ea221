"""What the tests are fed: events whole and spoilt, messages, deliveries."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message
from medtrack_cli.files.samples import sample

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
DROP = object()
"""In the place of a value: take the member out."""


def event(event_type: str = "student.created") -> dict[str, Any]:
    """Read the sample of a type."""
    return sample(event_type)


STUDENT = event()
"""A valid event; `changed` gives others."""


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Give it with some payload fields set, or with envelope fields set by `/name`."""
    made = event()
    made["payload"] |= {name: value for name, value in changes.items() if name[:1] != "/"}
    return made | {name[1:]: value for name, value in changes.items() if name[:1] == "/"}


def spoilt(event_type: str, pointer: str, value: object) -> dict[str, Any]:
    """Put a value at a pointer of a type's sample, or take out what is there."""
    made = event(event_type)
    *parents, last = pointer.removeprefix("/").split("/")
    owner: Any = made
    for name in parents:
        owner = owner[name]
    key = int(last) if isinstance(owner, list) else last
    if value is DROP:
        del owner[key]
    else:
        owner[key] = value
    return made


def encode(value: object) -> bytes:
    """Write a value as JSON."""
    return json.dumps(value, ensure_ascii=False).encode()


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


def numbered(count: int, start: int = 1) -> Iterator[bytes]:
    """Make valid events that can be told apart, as NDJSON lines."""
    for number in range(start, start + count):
        yield (
            json.dumps(
                {
                    "event_type": "student.deleted",
                    "payload": {
                        "student_id": f"{number:08d}-e29b-41d4-a716-446655440000",
                        "user_id": "660e9500-f39c-52e5-b827-557766551111",
                    },
                    "service": "tests",
                    "timestamp": "2025-01-15T10:00:00Z",
                    "version": "1.0",
                }
            ).encode()
            + b"\n"
        )


def message(position: int = 1, **changes: Any) -> Message:
    """Make a message; its id and body tell its position."""
    values: dict[str, Any] = {
        "position": position,
        "file": "events.ndjson",
        "line": position,
        "event_type": "student.deleted",
        "routing_key": "student.deleted",
        "message_id": f"id-{position}",
        "body": b'{"position":%d}' % position,
    }
    return Message(**values | changes)


def delivery(body: bytes = b"{}", routing_key: str = "student.created", **changes: Any) -> Delivery:
    """Make a delivery."""
    values: dict[str, Any] = {
        "received_at": NOON,
        "exchange": "medtrack.events",
        "routing_key": routing_key,
        "redelivered": False,
        "body": body,
    }
    return Delivery(**values | changes)


def numbered_deliveries(count: int, start: int = 1) -> Iterator[Delivery]:
    """Make valid deliveries, a second apart, that their message ids tell apart."""
    for number in range(start, start + count):
        yield delivery(
            encode(event()),
            received_at=NOON + timedelta(seconds=number),
            properties={"message_id": f"id-{number}"},
            monotonic=1000.0 + number,
        )
