"""Lines of JSON that carry a checksum of their own as the last member: `,"crc32":"0a1b2c3d"}`.

It covers the bytes before it. CRC-32 finds every single flipped bit, and lines that were joined,
cut off or mended by hand.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from zlib import crc32

KIND = b'{"kind":'
"""How every line that medtrack writes begins."""

_SEAL_BEGINS = b',"crc32":"'
_SEAL_SIZE = len(_SEAL_BEGINS) + 8 + len('"}')
# A numbered line is a sealed one, whatever has become of the seal.
_NUMBERED = re.compile(rb',"line":[0-9]+.{19,22}$', re.DOTALL)


def sealed(record: Mapping[str, Any]) -> bytes:
    """Write a record as a line, with its checksum and its end."""
    return sealed_text(opened(record))


def opened(record: Mapping[str, Any]) -> str:
    """Write a record as JSON, open for more members: without its last brace."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))[:-1]


def sealed_text(text: str) -> bytes:
    """Close JSON that is open for more members, with its checksum and its end."""
    data = text.encode()
    return data + _seal(data) + b"\n"


def has_seal(line: bytes) -> bool:
    """Tell whether a line, without its end, has a checksum, be it right or wrong."""
    return line.startswith(_SEAL_BEGINS, len(line) - _SEAL_SIZE)


def is_damaged(line: bytes) -> bool:
    """Tell whether a line, without its end, isn't what was sealed. One never sealed is whole."""
    seal = line[-_SEAL_SIZE:]
    if seal.startswith(_SEAL_BEGINS):
        return seal != _seal(line[:-_SEAL_SIZE])
    return _NUMBERED.search(line, max(0, len(line) - 60)) is not None


def _seal(text: bytes) -> bytes:
    return b'%b%08x"}' % (_SEAL_BEGINS, crc32(text))
