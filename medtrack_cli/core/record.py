"""The one format for a delivery as a line of JSON: listen's output, recordings, replay's input."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.times import from_rfc3339, rfc3339
from medtrack_cli.events.findings import WARNINGS, Problem, json_pointer
from medtrack_cli.events.json_text import examine

RECORDING_VERSION = 1

# AMQP types that JSON lacks are written as an object with one such key.
_BYTES, _DECIMAL, _TIME, _FLOAT = "$bytes", "$decimal", "$timestamp", "$double"


def header_line() -> dict[str, Any]:
    """Make the first line of a recording."""
    return {"kind": "recording", "version": RECORDING_VERSION}


def to_record(delivery: Delivery, problems: Sequence[Problem], *, is_valid: bool) -> dict[str, Any]:
    """Write a delivery as a JSON object, `kind` first, the exact body and the verdict included."""
    text, value = _readable(delivery.body, is_valid=is_valid)
    record = {
        "kind": "event",
        "received_at": rfc3339(delivery.received_at),
        "exchange": delivery.exchange,
        "routing_key": delivery.routing_key,
        "redelivered": delivery.redelivered,
        "properties": _to_json(delivery.properties),
        "headers": _to_json(delivery.headers),
        "body": value,
    }
    if text is None:
        record["body_base64"] = b64encode(delivery.body).decode("ascii")
    else:
        record["body_text"] = text
    record["valid"] = is_valid
    record["findings"] = [_finding(problem) for problem in problems]
    return record


def _readable(body: bytes, *, is_valid: bool) -> tuple[str | None, Any]:
    """Give the body as text when it is UTF-8, and as a value when it is strict JSON."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None, None
    if is_valid:
        return text, json.loads(text.removeprefix("\ufeff"))
    value, problems = examine(body)
    return text, None if problems else value


def _finding(problem: Problem) -> dict[str, str]:
    where = problem.where
    return {
        "rule": problem.rule,
        "severity": "warning" if problem.rule in WARNINGS else "error",
        "pointer": "" if isinstance(where, int) else json_pointer(where),
        "message": problem.message,
        "suggestion": problem.suggestion,
    }


def from_record(record: Mapping[str, Any]) -> Delivery:
    """Read a delivery back from its record.

    Raises KeyError, TypeError or ValueError when it is none.
    """
    if "body_base64" in record:
        body = b64decode(record["body_base64"], validate=True)
    else:
        body = record["body_text"].encode("utf-8")
    return Delivery(
        received_at=from_rfc3339(record["received_at"]),
        exchange=_text(record["exchange"]),
        routing_key=_text(record["routing_key"]),
        redelivered=bool(record.get("redelivered", False)),
        body=body,
        properties=_table(record.get("properties", {})),
        headers=_table(record.get("headers", {})),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _table(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return {name: _from_json(item) for name, item in value.items()}


def _to_json(value: Any) -> Any:  # noqa: ANN401, PLR0911 -- one return a type
    match value:
        case bool() | None | str():
            return value
        case int():
            return int(value)  # pika's 64-bit integers are a subclass of their own
        case bytes():
            return {_BYTES: b64encode(value).decode("ascii")}
        case float():
            return {_FLOAT: repr(value)}
        case Decimal():
            return {_DECIMAL: str(value)}
        case datetime():
            return {_TIME: rfc3339(value)}
        case Mapping():
            return {str(name): _to_json(item) for name, item in value.items()}
        case _:
            return [_to_json(item) for item in value]


def _from_json(value: Any) -> Any:  # noqa: ANN401, PLR0911 -- one return a type
    match value:
        case {"$bytes": str(text), **rest} if not rest:
            return b64decode(text, validate=True)
        case {"$double": str(text), **rest} if not rest:
            return float(text)
        case {"$decimal": str(text), **rest} if not rest:
            return Decimal(text)
        case {"$timestamp": str(text), **rest} if not rest:
            return from_rfc3339(text)
        case dict():
            return {name: _from_json(item) for name, item in value.items()}
        case list():
            return [_from_json(item) for item in value]
        case _:
            return value


def decode_line(line: bytes) -> dict[str, Any] | None:
    """Read a line of a recording as an object; None when it isn't one of `kind`."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "kind" in record else None
