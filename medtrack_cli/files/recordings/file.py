"""One file of a recording, open for writing: locked, private, whole after any interruption."""

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import CannotCreate, CannotWrite, NotARecording
from medtrack_cli.files.reading.json_reader import MAX_RECORDED_LINE
from medtrack_cli.files.reading.streams import is_zipped
from medtrack_cli.files.recordings.checksums import (
    HEADER,
    KIND,
    has_seal,
    sealed_text,
    whole_record,
)
from medtrack_cli.files.recordings.reader import FORMAT, is_readable
from medtrack_cli.files.state.locks import open_locked, sync_folder, write_whole

_CHUNK = 256 * 1024
_PIECE = 64 * 1024  # of the unzipped text
_FIRST_PIECE = 1024
_MEMBER = b"\x1f\x8b\x08\0\0\0\0\0"  # how each gzip member of ours begins


class Held(NamedTuple):
    """What a file contains: its header, its last line, its whole bytes, and those of its text."""

    header: dict[str, Any]
    last: dict[str, Any]
    size: int
    text_size: int


class Entry(NamedTuple):
    """A line to be written: its time, and its JSON, open for more members."""

    time: str
    text: str


class _End(NamedTuple):
    """Where the next line goes: the number of lines before it, their bytes, their latest time."""

    lines: int = 0
    at: int = 0
    latest: str = ""

    def numbered(self, entry: Entry) -> tuple[bytes, "_End"]:
        """Write an entry as the next line; return it with the end after it."""
        time, text = entry
        if time < self.latest:  # the clock was set back
            text += f',"latest":{json.dumps(self.latest)}'
        line = sealed_text(f'{text},"at":{self.at},"line":{self.lines + 1}')
        return line, _End(self.lines + 1, self.at + len(line), max(time, self.latest))


class RecordingFile:
    """A file of a recording, to which lines are added; a second writer is refused.

    An existing file is added to when it is a recording of this format; else it stays untouched and
    CannotCreate is raised. `torn` bytes were cut off its end: a line that was being written when
    its writer was killed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = open_locked(path, "recording", busy="another run records to this file")
        try:
            size = os.fstat(self.descriptor).st_size
            held = _held(self.descriptor, path) if size else None
            if held and _read(os.pread(self.descriptor, size - held.size, held.size)):
                size += os.write(self.descriptor, b"\n")  # a whole line without its newline
                held = _held(self.descriptor, path)
        except BaseException:
            os.close(self.descriptor)
            raise
        self.run: str | None = held.header["run"] if held else None
        self.is_pseudonymized = held.header.get("pseudonymized") is True if held else None
        self.size = held.size if held else 0
        self.torn = size - self.size
        self._end = _End()
        if held:
            self._end = _End(held.last["line"], held.text_size, _time_of(held.last))
        if self.torn:
            os.ftruncate(self.descriptor, self.size)
        if not size:
            sync_folder(path.parent)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add a line for each entry and hand them to the system; in a .gz, as one member.

        Raises CannotWrite; then none of them is written.
        """
        lines, end = [], self._end
        for entry in entries:
            line, end = end.numbered(entry)
            lines.append(line)
        self._write(b"".join(lines))
        self._end = end

    def _write(self, text: bytes) -> None:
        data = gzip.compress(text, 6, mtime=0) if is_zipped(self.path) else text
        try:
            write_whole(self.descriptor, data, self.size, is_lasting=False)
        except OSError as error:
            raise self.cannot(error) from None
        self.size += len(data)

    def sync(self) -> None:
        """Put on the disk what was written. Raises OSError."""
        os.fsync(self.descriptor)

    def cannot(self, error: OSError) -> CannotWrite:
        """Make the error that it can't be written, with the free space."""
        hint = "nothing unwritten was acknowledged; record to the same file to go on"
        with suppress(OSError):
            room = os.fstatvfs(self.descriptor)
            free = f"{room.f_bavail * room.f_frsize:,} bytes are free there"
            hint = f"{free}; {hint}"
        what = f"recording can't be written ({error.strerror})"
        return CannotWrite(what, str(self.path), hint=hint)

    def close(self) -> None:
        os.close(self.descriptor)


def _held(descriptor: int, path: Path) -> Held | None:
    """Read what is there; None if its first line was never complete."""
    hint = "choose another name; a file is never overwritten"
    is_packed = is_zipped(path)
    first, last, size, text_size = (_zipped_ends if is_packed else _plain_ends)(descriptor)
    if not (size or is_packed) and HEADER.startswith(first[: len(HEADER)]):
        return None
    header, end = _read(first), _read(last)
    try:
        is_ours = header.get("kind") == "recording" and is_readable(header, str(path))
    except NotARecording as error:
        raise CannotCreate(error.what, error.subject, hint=error.hint) from None
    if not is_ours:
        raise CannotCreate("exists, and is no recording", str(path), hint=hint)
    if header["version"] != FORMAT:
        what = f"recording of an older format (version {header['version']})"
        raise CannotCreate(what, str(path), hint="choose another name")
    if not (_is_usable(header, "run") and _is_usable(end, "line")):
        hint = "choose another name; medtrack validate says where it is damaged"
        raise CannotCreate("recording is damaged", str(path), hint=hint)
    return Held(header, end, size, text_size)


def _is_usable(record: Mapping[str, Any], name: str) -> bool:
    """Return whether what a line says has the right types; anybody can seal a line anew."""
    wanted = int if name == "line" else str
    try:
        return type(record[name]) is wanted and bool(from_rfc3339(_time_of(record)))
    except (KeyError, TypeError, ValueError):
        return False


def _time_of(record: Mapping[str, Any]) -> str:
    for name in ("latest", "received_at"):
        if name in record:
            return record[name]  # type: ignore[no-any-return] # tried by _is_usable
    return record["started_at"]  # type: ignore[no-any-return]


def _read(line: bytes) -> dict[str, Any]:
    """Read a line; empty when it isn't one of ours, or is damaged."""
    line = line.rstrip(b"\n")
    record = whole_record(line, is_sealed=False) or {}
    is_ours = has_seal(line) or record.get("kind") == "recording"
    return record if is_ours and line.startswith(KIND) else {}


def _plain_ends(descriptor: int) -> tuple[bytes, bytes, int, int]:
    """Give the first line, the last whole one, and where that ends: in the file, in its text."""
    size = os.fstat(descriptor).st_size
    first, _, _ = os.pread(descriptor, _CHUNK, 0).partition(b"\n")
    taken = 0
    while True:
        taken = min(size, max(_CHUNK, 2 * taken))
        tail = os.pread(descriptor, taken, size - taken)
        end = tail.rfind(b"\n")
        begin = tail.rfind(b"\n", 0, max(0, end))
        if begin >= 0 or taken == size:
            whole = size - taken + end + 1
            return first, tail[begin + 1 : end + 1], whole, whole


def _zipped_ends(descriptor: int) -> tuple[bytes, bytes, int, int]:
    """Do the same for gzip, in constant memory; without a last line where the gzip is damaged.

    After a kill the last member has no end. What can't be unzipped was damaged, and so was a member
    without an end that is followed by another.
    """
    first, last, latest = b"", b"", b""
    size = text_size = read = 0
    line = bytearray()
    try:
        for piece, end in _unzipped(descriptor):
            read += len(piece)
            line += piece
            if b"\n" in piece:
                first = first or bytes(line.partition(b"\n")[0])
                *_, whole, line = line.rsplit(b"\n", 2)
                latest = bytes(whole)
            if len(line) > MAX_RECORDED_LINE or not first.startswith(HEADER[: len(first)]):
                return first, b"", size, text_size
            if end:
                last, size, text_size = b"" if line else latest, end, read
    except zlib.error:
        return first, b"", size, text_size
    return first, b"" if _has_member(descriptor, size + 1) else last, size, text_size


def _unzipped(descriptor: int) -> Iterator[tuple[bytes, int]]:
    """Unzip in pieces, each with the offset after it where a member ends there, else 0.

    The first one is short, so that it comes before an error in what follows.
    """
    at, data = 0, b""
    reader = zlib.decompressobj(wbits=31)
    while data := data or os.pread(descriptor, _PIECE, at):
        piece = reader.decompress(data, _PIECE if at else _FIRST_PIECE)
        left = reader.unused_data if reader.eof else reader.unconsumed_tail
        at += len(data) - len(left)
        data = left
        yield piece, at if reader.eof else 0
        if reader.eof:
            reader = zlib.decompressobj(wbits=31)


def _has_member(descriptor: int, start: int) -> bool:
    """Return whether one of our gzip members begins at an offset or after it."""
    size = os.fstat(descriptor).st_size
    return any(_MEMBER in os.pread(descriptor, 2 * _CHUNK, at) for at in range(start, size, _CHUNK))
