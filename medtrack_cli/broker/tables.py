"""Header values as they are on the wire.

pika 1.4 cuts floats to integers (pika issue 599). A NaN, or a time beyond the year 9999, ends its
loop with an error: one message would break each connection that receives it.
"""

import struct
from datetime import UTC, datetime
from typing import Any

from pika import data

_PLAIN = data.decode_value


def decode_value(encoded: bytes, offset: int) -> tuple[Any, int]:
    """Decode a field at `offset`; give its value and where the next one begins.

    A time that no datetime can hold becomes its seconds.
    """
    match encoded[offset : offset + 1]:
        case b"f":
            return struct.unpack_from(">f", encoded, offset + 1)[0], offset + 5
        case b"d":
            return struct.unpack_from(">d", encoded, offset + 1)[0], offset + 9
        case b"T":
            return _time(struct.unpack_from(">Q", encoded, offset + 1)[0]), offset + 9
    return _PLAIN(encoded, offset)


def _time(seconds: int) -> datetime | int:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return seconds


def install() -> None:
    """Let pika decode so; it calls itself for tables and arrays by the name that is replaced."""
    data.decode_value = decode_value
