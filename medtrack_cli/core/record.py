"""The one format for a delivery as a line of JSON: listen's output, recordings, replay's input."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic_core import from_json, to_json  # noqa: TID253 -- the check has loaded it

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.delivery import (
    WHOLE_TYPES,
    Delivery,
    LongString,
    Nested,
    Several,
    Single,
    Whole,
)
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.times import from_rfc3339, rfc3339
from medtrack_cli.events.findings import WARNINGS, Path, Problem, json_pointer
from medtrack_cli.events.json_text import decode, examine

# AMQP types that JSON lacks are written as an object with one such key.
_BYTES, _DECIMAL, _TIME, _FLOAT = "$bytes", "$decimal", "$timestamp", "$double"
_TABLE = "$table"  # a table that would be read as one of these

_SAME = frozenset({str, int, bool, type(None)})  # in JSON, too

MOST_SECONDS = 1e12  # of a recording; a NaN is never less

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_KIND = Kind.EVENT.value  # to_json looks twice at a member
_PLAIN = '{"valid":true,"findings":[]}'  # the verdict on most events


def to_record(seen: CheckedDelivery) -> dict[str, Any]:
    """Write a delivery as a JSON object, `kind` first, the exact body and the verdict included."""
    return {
        **_circumstances(seen.delivery),
        "body": body_value(seen),
        **exact(seen.delivery.body),
        **_verdict(seen),
    }


def to_line(seen: CheckedDelivery) -> str:
    """Write a delivery's record as a line of JSON, without a newline; once, for all uses."""
    if not seen.line:
        seen.line = _line(seen)
    return seen.line


def _line(seen: CheckedDelivery) -> str:
    """Write it.

    The text of a valid event is JSON as it is: parsing and writing it would not change it, and take
    as long as all the rest.
    """
    delivery = seen.delivery
    is_as_it_came = seen.is_valid and seen.body is delivery.body
    text = seen.body.decode() if is_as_it_came else ""
    if not is_as_it_came or "\n" in text or "\r" in text or text.startswith("\ufeff"):
        return _encode(to_record(seen))
    before = to_json(_circumstances(delivery))[:-1].decode()  # five times as fast as json
    is_plain = not (seen.problems or delivery.headers)
    verdict = _PLAIN if is_plain else _encode(_verdict(seen))
    return f'{before},"body":{text},"body_text":{_quoted(text)},{verdict[1:]}'


def _quoted(text: str) -> str:
    """Write the text of JSON as a string: without other controls, only its quotes need care."""
    if "\\" in text or "\t" in text:
        return _encode(text)
    return '"' + text.replace('"', '\\"') + '"'


def body_value(seen: CheckedDelivery) -> Any:  # noqa: ANN401 -- JSON
    """Read the body, decompressed; None when it isn't strict JSON."""
    if seen.is_valid:
        return json.loads(decode(seen.body))
    value, problems = examine(seen.body)
    return None if problems else value


def _circumstances(delivery: Delivery) -> dict[str, Any]:
    """Describe how it came: the members before the body."""
    return {
        "kind": _KIND,
        "received_at": rfc3339(delivery.received_at),
        "exchange": delivery.exchange,
        "routing_key": delivery.routing_key,
        "redelivered": delivery.redelivered,
        "properties": _to_table(delivery.properties),
        "headers": _to_table(delivery.headers) if delivery.headers else {},
    }


def _to_table(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: item if type(item) in _SAME else _to_json(item)  # most are, which saves a call
        for name, item in values.items()
    }


def _verdict(seen: CheckedDelivery) -> dict[str, Any]:
    """Describe the check: the members after the body."""
    types = dict(_types(seen.delivery.headers))
    verdict = {"valid": seen.is_valid, "findings": [_finding(each) for each in seen.problems]}
    return {"header_types": types, **verdict} if types else verdict


def exact(body: bytes) -> dict[str, str]:
    """Give the bytes of a body as received."""
    try:
        return {"body_text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": _base64(body)}


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _finding(problem: Problem) -> dict[str, str]:
    return {
        "rule": problem.rule,
        "severity": "warning" if problem.rule in WARNINGS else "error",
        "pointer": problem.pointer,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }


def parse(line: bytes) -> Any:  # noqa: ANN401 -- JSON
    """Read a line of JSON as Python's parser does, four times as fast.

    What only that one reads, such as half a surrogate pair, is left to it. Raises ValueError or
    RecursionError.
    """
    try:
        return from_json(line, cache_strings="keys")
    except ValueError:
        return json.loads(line)


def from_record(
    record: Mapping[str, Any], clock: str = "", origin: Origin | None = None
) -> Delivery:
    """Read a delivery from its record; return it with its clock's name and its origin.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    if "body_base64" in record:
        body = b64decode(record["body_base64"], validate=True)
    else:
        body = record["body_text"].encode("utf-8")
    headers = _table(record.get("headers", {}))
    if types := record.get("header_types"):
        headers = _typed(headers, types)
    return Delivery(
        received_at=from_rfc3339(record["received_at"]),
        exchange=_text(record["exchange"]),
        routing_key=_text(record["routing_key"]),
        redelivered=bool(record.get("redelivered", False)),
        body=body,
        properties=_table(record.get("properties", {})),
        headers=headers,
        monotonic=_seconds(record.get("elapsed")),
        clock=clock,
        origin=origin,
    )


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST_SECONDS:
        return float(value)
    raise TypeError("no number of seconds")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _table(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return {name: item if type(item) in _SAME else _from_json(item) for name, item in value.items()}


def _to_json(value: Any) -> Any:  # noqa: ANN401, PLR0911 -- one return a type
    match value:
        case str() | bool() | None:
            return value
        case int():
            return int(value)  # pika's 64-bit integers are a subclass of their own
        case bytes():
            return {_BYTES: _base64(value)}
        case float():
            return {_FLOAT: repr(value)}
        case Decimal():
            return {_DECIMAL: str(value)}
        case datetime():
            return {_TIME: rfc3339(value)}
        case Mapping():
            table = _to_table(value)
            is_odd = len(table) == 1 and next(iter(table)).startswith("$")
            return {_TABLE: table} if is_odd else table
        case _:
            return [_to_json(item) for item in value]


def _types(value: object, where: Path = ()) -> Iterator[tuple[str, str]]:
    """Name the AMQP types that the JSON values don't show, by JSON pointers."""
    match value:
        case Whole() | Single() | LongString() | Nested():
            yield json_pointer(where), value.amqp
        case Mapping():
            for name, item in value.items():
                yield from _types(item, (*where, name))
        case list():
            if isinstance(value, Several):
                yield json_pointer(where), value.amqp
            for index, item in enumerate(value):
                yield from _types(item, (*where, index))


def _typed(value: Any, types: Mapping[str, str], where: Path = ()) -> Any:  # noqa: ANN401, PLR0911
    """Give values the named types."""
    match value:
        case dict():
            return {name: _typed(item, types, (*where, name)) for name, item in value.items()}
        case list():
            items = (_typed(item, types, (*where, index)) for index, item in enumerate(value))
            is_several = types.get(json_pointer(where)) == Several.amqp
            return Several(items) if is_several else list(items)
    match types.get(json_pointer(where)), value:
        case None, _:
            return value
        case Single.amqp, float():
            return Single(value)
        case LongString.amqp, bytes():
            return LongString(value)
        case Nested.amqp, bytes():
            return Nested(value)
        case str(name), int() if name in WHOLE_TYPES:
            return Whole(value, name)
    raise ValueError("not of its type")


def _from_json(value: Any) -> Any:  # noqa: ANN401, PLR0911 -- one return a type
    match value:
        case {"$bytes": str(text), **rest} if not rest:
            return b64decode(text, validate=True)
        case {"$double": str(text), **rest} if not rest:
            return float(text)
        case {"$decimal": str(text), **rest} if not rest:
            return _decimal(text)
        case {"$timestamp": str(text), **rest} if not rest:
            return from_rfc3339(text)
        case {"$table": dict(table), **rest} if not rest:
            return _table(table)
        case dict():
            return {name: _from_json(item) for name, item in value.items()}
        case list():
            return [_from_json(item) for item in value]
        case _:
            return value


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
