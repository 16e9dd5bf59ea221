"""A stretch of time in a recording, found without reading what lies before it."""

import json
import re
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from medtrack_cli.core.filters import Window
from medtrack_cli.core.times import rfc3339
from medtrack_cli.files.json_files import Skip
from medtrack_cli.files.sealed_lines import has_seal, is_damaged
from medtrack_cli.files.sources import Source
from medtrack_cli.files.streams import is_zipped

_EVENT = b'{"kind":"event","received_at":"'
_TIME = slice(len(_EVENT), len(_EVENT) + len("2025-01-15T10:00:00.000000Z"))
_UTC = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_NEAR = 1024 * 1024  # bytes that are sooner read through than searched
_PROBED_LINES = 100


class Place(NamedTuple):
    """Where a line begins, how many are before it, and the latest time up to it."""

    offset: int
    lines: int
    latest: str


def outside(window: Window) -> Skip:
    """Make what tells at sight that a line, if undamaged, is an event of another time."""
    since = rfc3339(window.since).encode() if window.since else b""
    until = rfc3339(window.until).encode() if window.until else b"~"

    def is_outside(line: bytes) -> bool:
        time = line[_TIME]
        return (
            not since <= time < until
            and line.startswith(_EVENT)
            and _UTC.fullmatch(time) is not None
        )

    return is_outside


def narrowed(source: Source, window: Window) -> Source:
    """Let reading begin at a line before which nothing is in the window.

    In a recording the latest time up to a line never goes back, whatever the clock did: so it is
    searched by halves. Where a probe finds it otherwise, such as in files that were joined, all
    is read.
    """
    if window.since is None or source.path is None or is_zipped(source.name):
        return source
    size = source.fingerprint[0] if source.fingerprint else 0
    try:
        with source.path.open("rb") as stream:
            place = _search(stream, size, rfc3339(window.since)) if size > _NEAR else None
    except OSError:
        return source  # reading it will say so
    return replace(source, start=place.offset, above=place.lines) if place else source


def _search(stream: BinaryIO, size: int, since: str) -> Place | None:
    low = _probe(stream, 0, size)
    if low is None or low.lines > 0:
        return None
    high, latest = size, "~"
    while high - low.offset > _NEAR:
        middle = (low.offset + high) // 2
        found = _probe(stream, middle, high)
        if found is None:
            high = middle
        elif not low.latest <= found.latest <= latest:
            return None
        elif found.latest < since:
            low = found
        else:
            high, latest = middle, found.latest
    return low if low.latest < since else None


def _probe(stream: BinaryIO, offset: int, end: int) -> Place | None:
    """Look at the first whole sealed line that begins behind an offset, or at the very start."""
    stream.seek(offset)
    if offset:
        stream.readline()
    for _ in range(_PROBED_LINES):
        begins = stream.tell()
        line = stream.readline().rstrip(b"\n") if begins < end else b""
        if not line:
            return None
        if has_seal(line) and not is_damaged(line):
            record = json.loads(line)
            time = record.get("latest") or record.get("received_at") or record["started_at"]
            return Place(begins, record["line"] - 1, time)
    return None
