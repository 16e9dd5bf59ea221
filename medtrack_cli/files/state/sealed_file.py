"""A locked file of sealed lines: lines are only added, and a kill tears one line at most."""

import json
import os
from errno import EIO
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import CannotWrite, NotARecording
from medtrack_cli.files.recordings.checksums import has_seal, is_damaged, sealed, whole_record
from medtrack_cli.files.state.locks import open_locked, write_whole


class Nature(NamedTuple):
    """The kind of such a file: how it begins, and how it is named. Older versions are read."""

    kind: Kind
    version: int
    busy: str
    hint: str  # where one can't be used

    @property
    def beginning(self) -> bytes:
        return b'{"kind":"%b",' % self.kind.encode()


class SealedFile:
    """The file, open and locked: a second process is refused, with `subject` as what is held.

    `header` is its first line, None if that was never complete; `records` are the other lines, None
    for one that is not as it was written. A torn line at the end is cut off.
    """

    def __init__(self, path: Path, nature: Nature, subject: str | None = None) -> None:
        self.path = path
        self._nature = nature
        self.is_closed = False
        what = str(nature.kind)
        self._descriptor = open_locked(path, what, busy=nature.busy, subject=subject)
        try:
            lines = self._read_lines()
            self.header = read_header(lines[0], path, nature) if lines else None
        except BaseException:
            self.close()
            raise
        is_sealed = self.header is not None and self.header["version"] > 1
        self.records = [whole_record(each, is_sealed=is_sealed) for each in lines[1:]]

    def begin(self, header: dict[str, Any]) -> None:
        whole = {"kind": self._nature.kind, "version": self._nature.version, **header}
        self.add(whole)
        self.header = whole

    def add(self, record: dict[str, Any], *, is_lasting: bool = True) -> None:
        """Add a line, whole even after a kill; after a power failure, too, if it `is_lasting`."""
        data = sealed(record)
        size = os.fstat(self._descriptor).st_size
        try:
            write_whole(self._descriptor, data, size, is_lasting=is_lasting)
        except OSError as error:
            what = f"{self._nature.kind} can't be written ({error.strerror})"
            raise CannotWrite(what, str(self.path), hint="make room on that disk") from None

    def blank(self, name: str) -> None:
        """Overwrite a text of the header in place, if it is there. Raises CannotWrite."""
        header = {key: each for key, each in (self.header or {}).items() if key != "crc32"}
        if name not in header:
            return
        before, header[name] = sealed(header), "-" * len(header[name])
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW)  # our own only add lines
            try:
                if os.pread(descriptor, len(before), 0) != before:
                    raise OSError(EIO, "its header has changed")
                os.pwrite(descriptor, sealed(header), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            what = f"{self._nature.kind} can't be written ({error.strerror})"
            raise CannotWrite(what, str(self.path), hint=f"it still has its {name}") from None

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            os.close(self._descriptor)

    def _read_lines(self) -> list[bytes]:
        """Read the whole lines; for a file of another kind NotARecording, and it stays as it is."""
        data = b"".join(iter(lambda: os.read(self._descriptor, 1024 * 1024), b""))
        beginning = self._nature.beginning
        if data[: len(beginning)] != beginning[: len(data)]:
            raise _is_none(self.path, self._nature)
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._descriptor, whole)
        return data[:whole].splitlines()


def read_header(line: bytes, path: Path, nature: Nature) -> dict[str, Any]:
    """Read a first line; NotARecording when it is none, or of a later format."""
    try:
        header: dict[str, Any] = json.loads(line)
        version: int = header["version"]
        is_ours = line.startswith(nature.beginning) and version > 0
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _is_none(path, nature) from None
    if is_ours and version > nature.version:
        what = f"{nature.kind} of a newer format (version {version})"
        hint = f"this medtrack reads {nature.kind}s up to version {nature.version}: use a newer one"
        raise NotARecording(what, str(path), hint=hint)
    if not is_ours or (version > 1 and (is_damaged(line) or not has_seal(line))):
        raise _is_none(path, nature)
    return header


def _is_none(path: Path, nature: Nature) -> NotARecording:
    return NotARecording(f"not a {nature.kind}", str(path), hint=nature.hint)
