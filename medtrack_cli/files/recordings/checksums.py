"""Lines of JSON with their own checksum as the last member: `,"crc32":"0a1b2c3d"}`.

It covers the bytes before it. CRC-32 finds every single flipped bit, and lines that were joined,
cut off or edited by hand.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any
from zlib import crc32

KIND = b'{"kind":'  # how every line begins that medtrack writes
HEADER = b'{"kind":"recording",'  # how a recording's first line begins
EVENT_LINE = re.compile(rb'\{"kind": ?"event",')
"""How a recorded delivery begins; other programs may have added spaces."""

LARGE = 2 * 1024 * 1024  # bytes from which a line is parsed piece by piece
_BODY_KEYS = (b',"body_text":"', b',"body_base64":"', b', "body_text": "', b', "body_base64": "')
_BODY = re.compile(rb', ?"(body_text|body_base64)": ?("[^"\\]*+(?:\\.[^"\\]*+)*+")', re.DOTALL)
_VALUE = re.compile(rb', ?"body":')
_MOST_VALUES = 50

_SEAL_BEGINS = b',"crc32":"'
_SEAL_SIZE = len(_SEAL_BEGINS) + 8 + len('"}')
# A numbered line was sealed, even if its seal is broken.
_NUMBERED = re.compile(rb',"line":[0-9]+.{19,22}$', re.DOTALL)


def sealed(record: Mapping[str, Any]) -> bytes:
    """Write a record as a line, with its checksum and a newline."""
    return sealed_text(opened(record))


def opened(record: Mapping[str, Any]) -> str:
    """Write a record as JSON that is open for more members: without its last brace."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))[:-1]


def sealed_text(text: str) -> bytes:
    """Close JSON that is open for more members, with its checksum and a newline."""
    data = text.encode()
    return data + _seal(data) + b"\n"


def has_seal(line: bytes) -> bool:
    """Return whether a line, without its newline, has a checksum, right or wrong."""
    return line.startswith(_SEAL_BEGINS, len(line) - _SEAL_SIZE)


def is_damaged(line: bytes) -> bool:
    """Return whether a line, without its newline, has a wrong checksum; unsealed ones are whole."""
    seal = line[-_SEAL_SIZE:]
    if seal.startswith(_SEAL_BEGINS):
        return seal != _seal(memoryview(line)[:-_SEAL_SIZE])
    return _NUMBERED.search(line, max(0, len(line) - 60)) is not None


def read_record(line: bytes) -> dict[str, Any]:
    """Read a line of ours; ValueError or RecursionError when it can't be read.

    In a large one the body's value is left out, as it would take many times its size in memory: the
    exact text follows it.
    """
    if len(line) <= LARGE:
        record: dict[str, Any] = json.loads(line)
        return record
    before = _before_value(line)
    body = _BODY.match(line, max(0, *map(line.rfind, _BODY_KEYS)))
    if before is None or body is None or len(line) - body.end() > LARGE:
        raise ValueError("not as medtrack writes it")
    return {**json.loads(before + line[body.end() :]), body[1].decode(): json.loads(body[2])}


def whole_record(line: bytes, *, is_sealed: bool = True) -> dict[str, Any] | None:
    """Read a line of ours; None when it isn't as it was written, or has no checksum as it must."""
    if is_damaged(line) or (is_sealed and not has_seal(line)) or not line.startswith(b"{"):
        return None
    with suppress(ValueError, RecursionError):
        return read_record(line)
    return None


def _before_value(line: bytes) -> bytes | None:
    """Return what comes before the body's value; a header may have the same name."""
    for found in islice(_VALUE.finditer(line, 0, LARGE), _MOST_VALUES):
        with suppress(ValueError, RecursionError):
            before = line[: found.start()]
            json.loads(before + b"}")
            return before
    return None


def _seal(text: bytes | memoryview) -> bytes:
    return b'%b%08x"}' % (_SEAL_BEGINS, crc32(text))
