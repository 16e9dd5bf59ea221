"""The lines that findings point at."""

import io
import zlib
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.reading.streams import BOM, READ_AHEAD, no_stdin, open_source, read_some

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_SHOWN = 512 * 1024
"""Bytes of a line that are kept: longer ones are cut."""


class FileLines:
    """Lines of a regular file by number, read forward as findings come.

    Reading begins at the byte `start`, after `lines_before` lines.
    """

    def __init__(self, source: Source, start: int = 0, lines_before: int = 0) -> None:
        self._source = source
        self._start = start
        self._lines_before = lines_before
        self._opened = ExitStack()
        self._stream: BinaryIO | None = None
        self._number = lines_before
        self._line = b""

    def __call__(self, number: int) -> str | None:
        """Give a line without its end, cut when it is very long; None when it isn't available."""
        try:
            if self._stream is None or number < self._number:
                self.close()
                opened = open_source(self._source, open_stdin=no_stdin)
                self._stream = self._opened.enter_context(opened)
                self._stream.seek(self._start)
            while self._number < number and self._next():
                pass
        except (OSError, EOFError, zlib.error):
            return None
        return _text(self._line) if self._number == number else None

    def close(self) -> None:
        """Close the file, if it was opened."""
        self._opened.close()
        self._stream = None
        self._number = self._lines_before

    def _next(self) -> bool:
        assert self._stream is not None  # noqa: S101 -- opened by the caller
        self._line = self._stream.readline(MAX_SHOWN)
        rest = self._line
        while len(rest) == MAX_SHOWN and not rest.endswith(b"\n"):
            rest = self._stream.readline(MAX_SHOWN)
        self._number += bool(self._line)
        return bool(self._line)


class StreamLines(io.RawIOBase):
    """A stream that can be read only once, and the last lines read from it."""

    def __init__(self) -> None:
        self._stream: BinaryIO = io.BytesIO()
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._first = 1  # the number of the line in which the kept bytes begin

    def keeping(self, stream: BinaryIO) -> BinaryIO:
        """Read a stream and keep its last lines."""
        self._stream = stream
        return io.BufferedReader(self, READ_AHEAD)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        data = read_some(self._stream, len(view))
        view[: len(data)] = data
        self._kept.append(data)
        self._size += len(data)
        while self._size > 2 * MAX_SHOWN:
            dropped = self._kept.popleft()
            self._size -= len(dropped)
            self._first += dropped.count(b"\n")
        return len(data)

    def __call__(self, number: int) -> str | None:
        """Give a line without its end; None when it is no longer kept, wholly or in part."""
        text = b"".join(self._kept)
        at = number - self._first
        if at < 0 or (at == 0 and number > 1):
            return None
        lines = text.split(b"\n", at + 1)
        return _text(lines[at][:MAX_SHOWN]) if at < len(lines) else None


def _text(line: bytes) -> str | None:
    if b"\0" in line:  # not UTF-8 text
        return None
    return line.removeprefix(BOM).rstrip(b"\r\n").decode("utf-8", "replace")
