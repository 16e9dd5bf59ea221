"""Header values as on the wire, each with its AMQP type.

pika 1.4 cuts floats to integers and can't write them (pika issue 599), doesn't report the size of
integers, normalizes decimals, and keeps only the last of equal names. A time beyond the year 9999,
or some hundred nested arrays, end its loop with an error: one message would break each connection
that receives it.
"""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from threading import local
from typing import Any

from pika import data

from medtrack_cli.core.delivery import LongString, Nested, Several, Single, Whole
from medtrack_cli.core.hiding import plain
from medtrack_cli.events.json_text import MAX_DEPTH

_decode_plain = data.decode_value
_encode_plain = data.encode_value

# How RabbitMQ reads them: https://www.rabbitmq.com/amqp-0-9-1-errata, section 3. "I" is plain.
_INTEGERS = {
    b"b": ("int8", ">b"),
    b"B": ("uint8", ">B"),
    b"s": ("int16", ">h"),
    b"u": ("uint16", ">H"),
    b"i": ("uint32", ">I"),
    b"l": ("int64", ">q"),
    b"L": ("long-long", ">q"),
}
_CODES = {name: (code, form) for code, (name, form) in _INTEGERS.items()} | {
    "timestamp": (b"T", ">Q")
}


_DIGITS = 10  # of a whole number of 32 bits


class _Level(local):
    """How many tables and arrays surround the value that a thread decodes."""

    depth = 0


_level = _Level()


def decode_value(encoded: bytes, offset: int) -> tuple[Any, int]:
    """Decode a field at `offset`; return its value and where the next one begins."""
    code = encoded[offset : offset + 1]
    if code in _INTEGERS:
        name, form = _INTEGERS[code]
        (number,) = struct.unpack_from(form, encoded, offset + 1)
        return _whole(number, name), offset + 1 + struct.calcsize(form)
    match code:
        case b"f":
            return Single(struct.unpack_from(">f", encoded, offset + 1)[0]), offset + 5
        case b"d":
            return struct.unpack_from(">d", encoded, offset + 1)[0], offset + 9
        case b"T":
            return _time(struct.unpack_from(">Q", encoded, offset + 1)[0]), offset + 9
        case b"A" | b"F" if _level.depth == MAX_DEPTH:
            end = offset + 5 + struct.unpack_from(">I", encoded, offset + 1)[0]
            return Nested(encoded[offset:end]), end
    _level.depth += 1
    try:
        value, end = _decode_plain(encoded, offset)
    finally:
        _level.depth -= 1
    if code == b"S" and isinstance(value, bytes):
        value = LongString(value)
    return value, end


def encode_value(pieces: list[bytes], value: Any) -> int:  # noqa: ANN401 -- whatever AMQP has
    """Add a field's bytes to the pieces; return their number."""
    match value:
        case Whole():
            code, form = _CODES[value.amqp]
            if code == b"L" and value >= 2**63:
                form = ">Q"
            piece = code + struct.pack(form, value)
        case Single():
            piece = b"f" + struct.pack(">f", value)
        case float():
            piece = b"d" + struct.pack(">d", value)
        case Nested():
            piece = bytes(value)
        case LongString():
            piece = b"S" + struct.pack(">I", len(value)) + value
        case Decimal():
            piece = b"D" + _scaled(value)
        case _:
            return _encode_plain(pieces, value)
    pieces.append(piece)
    return len(piece)


def decode_table(encoded: bytes, offset: int) -> tuple[dict[Any, Any], int]:
    """Decode a table at `offset`; names that aren't UTF-8 are escaped."""
    end = offset + 4 + struct.unpack_from(">I", encoded, offset)[0]
    table: dict[str, Any] = {}
    offset += 4
    while offset < end:
        key, offset = data.decode_short_string(encoded, offset)
        name = plain(key)
        value, offset = data.decode_value(encoded, offset)
        if name not in table:
            table[name] = value
        elif isinstance(table[name], Several):
            table[name].append(value)
        else:
            table[name] = Several([table[name], value])
    return table, offset


def encode_table(pieces: list[bytes], table: Mapping[str, Any] | None) -> int:
    """Add a table's bytes to the pieces, several values each with their name; return their size."""
    start = len(pieces)
    pieces.append(b"")  # the size, known at the end
    size = 0
    for name, value in (table or {}).items():
        for each in value if isinstance(value, Several) else (value,):
            size += data.encode_short_string(pieces, name) + encode_value(pieces, each)
    pieces[start] = struct.pack(">I", size)
    return size + 4


def _whole(number: int, name: str) -> int:
    if name == "long-long":
        # RabbitMQ and kombu read it signed, rabbitmq-c unsigned; kombu writes no small one with it.
        return Whole(number + 2**64 if -(2**31) < number < 0 else number, name)
    is_told = name == "int64" and not -(2**31) <= number < 2**31
    return number if is_told else Whole(number, name)


def _time(seconds: int) -> datetime | int:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return Whole(seconds, "timestamp")


def _scaled(value: Decimal) -> bytes:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("AMQP has no decimal for NaN or infinity")  # noqa: TRY004 -- as pika's own
    places = max(0, -exponent)
    if value.adjusted() + places >= _DIGITS:
        raise ValueError("AMQP's decimals have 32 bits")
    return struct.pack(">Bi", places, int(value.scaleb(places)))


def install() -> None:
    """Replace pika's functions; it calls itself for tables and arrays by the replaced names."""
    data.decode_table = decode_table
    data.encode_table = encode_table
    data.decode_value = decode_value
    data.encode_value = encode_value
