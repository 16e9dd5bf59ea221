"""A time range in a recording, found without reading what comes before it."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, BinaryIO, NamedTuple

from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.times import TimeRange, from_rfc3339, sortable
from medtrack_cli.files.reading.json_reader import MAX_LINE, Skip
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.reading.streams import is_packed
from medtrack_cli.files.recordings.checksums import HEADER, whole_record

_EVENT = b'{"kind":"event","received_at":"'
_TIME = slice(len(_EVENT), len(_EVENT) + len("2025-01-15T10:00:00.000000Z"))
_UTC = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_NEAR = 64 * 1024  # bytes that are read faster than searched
_PROBED_LINES = 100
_LONGEST_HEADER = 64 * 1024
_PIECE = 2**20
_SAME = timedelta(seconds=0.1)  # between a recorder's two readings of its clocks


class Place(NamedTuple):
    """Where a line begins, the number of lines before it, and the latest time up to it."""

    offset: int
    lines: int
    latest: str


def outside(window: TimeRange, passed: Callable[[], None]) -> Skip:
    """Make the function that recognises a line, if undamaged, as an event of another time.

    `passed` is called for each such line.
    """
    since = sortable(window.since).encode() if window.since else b""
    until = sortable(window.until).encode() if window.until else b"~"

    def is_outside(line: bytes, _number: int) -> bool:
        time = line[_TIME]
        is_it = (
            not since <= time < until
            and line.startswith(_EVENT)
            and _UTC.fullmatch(time) is not None
        )
        if is_it:
            passed()
        return is_it

    return is_outside


def narrowed(source: Source, window: TimeRange) -> Source:
    """Let reading begin at a line before which nothing is in the time range.

    In a recording the latest time up to a line never decreases, whatever the clock did: so it is
    found by binary search. If a line isn't at its place, in joined or filtered files, all is read.
    """
    if window.since is None or source.path is None or is_packed(source):
        return source
    size = source.fingerprint[0] if source.fingerprint else 0
    try:
        with source.path.open("rb") as stream:
            place = _search(stream, size, sortable(window.since)) if size > _NEAR else None
    except OSError:
        return source  # reading it will report that
    return replace(source, start=place.offset, lines_before=place.lines) if place else source


def origin_above(source: Source) -> Origin | None:
    """Read where a recording was made, from the last header before the place of reading."""
    if source.path is None or not source.start:
        return None
    with suppress(OSError), source.path.open("rb") as stream:
        header = stream.readline(_LONGEST_HEADER).rstrip(b"\n")
        stream.seek(source.start)
        if _is_below(header, stream.readline(MAX_LINE).rstrip(b"\n")):
            return _origin(header)
        end = source.start
        while end:
            begin = max(0, end - _PIECE)
            stream.seek(begin)
            # A line's end and the next header may be in two pieces.
            piece = stream.read(end - begin + len(HEADER))
            at = piece.rfind(b"\n" + HEADER, 0, end - begin + len(HEADER)) + 1
            if at or (not begin and piece.startswith(HEADER)):
                stream.seek(begin + at)
                return _origin(stream.readline(_LONGEST_HEADER).rstrip(b"\n"))
            end = begin
    return None


def _is_below(header: bytes, line: bytes) -> bool:
    """Return whether an event's seconds show that they are counted from this header.

    No other header of the file has the same time. A clock that was set proves nothing.
    """
    above, record = whole_record(header) or {}, whole_record(line) or {}
    try:
        began = from_rfc3339(record["received_at"]) - timedelta(seconds=record["elapsed"])
        return abs(began - from_rfc3339(above["started_at"])) < _SAME
    except (ValueError, KeyError, TypeError, OverflowError):
        return False


def _origin(line: bytes) -> Origin | None:
    return Origin.read(whole_record(line, is_sealed=False) or {})


def _search(stream: BinaryIO, size: int, since: str) -> Place | None:
    low, high = _probe(stream, 0), size
    while low and high - low.offset > _NEAR:
        middle = (low.offset + high) // 2
        found = _probe(stream, middle)
        if found is None:
            return None
        if found.latest < since:
            low = found
        else:
            high = middle
    return low if low and low.latest < since else None


def _probe(stream: BinaryIO, offset: int) -> Place | None:
    """Find the first sealed line after an offset, or at the very start.

    None when it isn't where it was written. The end of the file is later than any time.
    """
    stream.seek(offset)
    if offset:
        stream.readline(MAX_LINE)
    for _ in range(_PROBED_LINES):
        begins = stream.tell()
        line = stream.readline(MAX_LINE).rstrip(b"\n")
        if not line:
            return Place(begins, 0, "~")
        if (record := whole_record(line)) is not None:
            return _place(record, begins)
    return None


def _place(record: Mapping[str, Any], begins: int) -> Place | None:
    """Read a line's own place; None if it isn't there."""
    try:
        time = record.get("latest") or record.get("received_at") or record["started_at"]
        is_there = begins == record.get("at") and isinstance(time, str)
        return Place(begins, int(record["line"]) - 1, time) if is_there else None
    except (ValueError, KeyError, TypeError):
        return None
