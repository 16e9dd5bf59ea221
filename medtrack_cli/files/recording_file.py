"""One file of a recording, open for writing: locked, private, whole after any interruption."""

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.errors import CannotCreate, CannotWrite, NotARecording
from medtrack_cli.files.locked_file import open_locked
from medtrack_cli.files.recording import FORMAT, is_readable
from medtrack_cli.files.sealed_lines import KIND, has_seal, is_damaged, sealed_text
from medtrack_cli.files.streams import is_zipped

_CHUNK = 256 * 1024
_BEGINNING = b'{"kind":"recording",'


class Held(NamedTuple):
    """What a file holds: its header, its last line, the bytes that are whole; those of its text."""

    header: dict[str, Any]
    last: dict[str, Any]
    size: int
    text_size: int


class Entry(NamedTuple):
    """What is to be a line: when it was, and its JSON, open for more members."""

    time: str
    text: str


class _End(NamedTuple):
    """Where the next line stands: how many are before it, their bytes, their latest time."""

    lines: int = 0
    at: int = 0
    latest: str = ""

    def numbered(self, entry: Entry) -> tuple[bytes, "_End"]:
        """Write an entry as the line that stands here; give what comes behind it, too."""
        time, text = entry
        if time < self.latest:  # the clock was set back
            text += f',"latest":{json.dumps(self.latest)}'
        line = sealed_text(f'{text},"at":{self.at},"line":{self.lines + 1}')
        return line, _End(self.lines + 1, self.at + len(line), max(time, self.latest))


class RecordingFile:
    """A file of a recording that lines are added to; a second writer is refused.

    What exists is added to when it is a recording of this format, and left untouched otherwise:
    CannotCreate. `torn` bytes were cut off its end: a line that was being written when its
    writer was killed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = open_locked(path, "recording", busy="another run records to this file")
        try:
            size = os.fstat(self.descriptor).st_size
            held = _held(self.descriptor, path) if size else None
            if held and _read(os.pread(self.descriptor, size - held.size, held.size)):
                size += os.write(self.descriptor, b"\n")  # a whole line, but for its end
                held = _held(self.descriptor, path)
        except BaseException:
            os.close(self.descriptor)
            raise
        self.run: str | None = held.header["run"] if held else None
        self.size = held.size if held else 0
        self.torn = size - self.size
        self._end = _end_of(held) if held else _End()
        if self.torn:
            os.ftruncate(self.descriptor, self.size)
        if not size:
            _sync_folder(path.parent)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add a line for each entry; they have left this process then. In a .gz, as one member.

        Raises CannotWrite, with nothing of them written.
        """
        lines, end = [], self._end
        for entry in entries:
            line, end = end.numbered(entry)
            lines.append(line)
        self._write(b"".join(lines))
        self._end = end

    def _write(self, text: bytes) -> None:
        data = gzip.compress(text, 6, mtime=0) if is_zipped(self.path) else text
        left = data
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self.descriptor, self.size)
            raise self.cannot(error) from None
        self.size += len(data)

    def sync(self) -> None:
        """Put what was written on the disk. Raises OSError."""
        os.fsync(self.descriptor)

    def cannot(self, error: OSError) -> CannotWrite:
        """Say that it can't be written, and how much room there is."""
        hint = "nothing unwritten was acknowledged; record to the same file to go on"
        with suppress(OSError):
            room = os.fstatvfs(self.descriptor)
            free = f"{room.f_bavail * room.f_frsize:,} bytes are free there"
            hint = f"{free}; {hint}"
        what = f"recording can't be written ({error.strerror})"
        return CannotWrite(what, str(self.path), hint=hint)

    def close(self) -> None:
        os.close(self.descriptor)


def _sync_folder(folder: Path) -> None:
    """Put a new file's name on the disk, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _held(descriptor: int, path: Path) -> Held | None:
    """Look at what is there; None for a first line that was never whole."""
    hint = "choose another name; a file is never overwritten"
    look = _zipped_ends if is_zipped(path) else _plain_ends
    first, last, size, text_size = look(descriptor)
    if not size and _BEGINNING.startswith(first[: len(_BEGINNING)]):
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
    if not end:
        raise CannotCreate("recording is damaged at its end", str(path), hint="choose another name")
    return Held(header, end, size, text_size)


def _end_of(held: Held) -> _End:
    last = held.last
    time = last.get("latest") or last.get("received_at") or last["started_at"]
    return _End(last["line"], held.text_size, time)


def _read(line: bytes) -> dict[str, Any]:
    """Read a line; nothing when it isn't one of ours, or is damaged."""
    line = line.rstrip(b"\n")
    if not line.startswith(KIND) or is_damaged(line):
        return {}
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return record if has_seal(line) or record.get("kind") == "recording" else {}


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
    """Do the same for gzip, where what isn't whole is the last member."""
    first, last, size, text_size = b"\0", b"", 0, 0
    for text, end in _members(descriptor):
        first = text.partition(b"\n")[0] if not size else first
        last = text.rstrip(b"\n").rpartition(b"\n")[2]
        size, text_size = end, text_size + len(text)
    return first, last, size, text_size


def _members(descriptor: int) -> Iterator[tuple[bytes, int]]:
    """Unzip member after member, each with the offset behind it, up to one that isn't whole."""
    at, data, text = 0, b"", b""
    reader = zlib.decompressobj(wbits=31)
    while data := data or os.pread(descriptor, _CHUNK, at):
        try:
            text += reader.decompress(data)
        except zlib.error:
            return
        at += len(data) - len(reader.unused_data)
        data = reader.unused_data
        if reader.eof:
            yield text, at
            reader, text = zlib.decompressobj(wbits=31), b""
