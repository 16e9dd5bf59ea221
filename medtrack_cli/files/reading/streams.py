"""Opening a source, and reading no more of it than needed."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from gzip import GzipFile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from medtrack_cli.files.known import GZIP
from medtrack_cli.files.reading.sources import Source

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BOM = b"\xef\xbb\xbf"

READ_AHEAD = 64 * 1024
"""Bytes taken from a pipe at once, if available."""


@contextmanager
def open_source(source: Source, open_stdin: Callable[[], BinaryIO]) -> Iterator[BinaryIO]:
    """Open a source for reading, gzip unpacked; standard input stays open afterwards.

    The stream can be peeked at. Raises OSError.
    """
    with ExitStack() as opened:
        stream: BinaryIO
        if source.content is not None:
            stream = io.BufferedReader(io.BytesIO(source.content))
        elif source.path is None:
            stream = open_stdin()
        else:
            stream = opened.enter_context(source.path.open("rb"))
        if source.start:
            stream.seek(source.start)
            yield stream
            return
        head = stream.read(len(GZIP))
        if source.is_regular:
            stream.seek(0)
        else:
            stream = opened.enter_context(io.BufferedReader(_Joined(head, stream), READ_AHEAD))
        if head == GZIP or is_zipped(source.name):
            stream = cast("BinaryIO", opened.enter_context(GzipFile(fileobj=stream)))
        yield stream


def no_stdin() -> BinaryIO:
    """Stand in for standard input where only files are read."""
    raise OSError("standard input is not read here")


class _Joined(io.RawIOBase):
    """What was taken from a stream, then the rest of the stream, which stays open."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        data = self._head + read_some(self._stream, len(view) - len(self._head))
        self._head = b""
        view[: len(data)] = data
        return len(data)


def is_zipped(name: str | Path) -> bool:
    """Return whether a file is gzip by its name."""
    return str(name).lower().endswith(".gz")


def is_packed(source: Source) -> bool:
    """Return whether a source is gzip by its name or by its first bytes, if it is a file."""
    if not is_zipped(source.name) and source.path is not None and source.is_regular:
        with suppress(OSError), source.path.open("rb") as stream:
            return stream.read(len(GZIP)) == GZIP
    return is_zipped(source.name)


def read_some(stream: BinaryIO, size: int) -> bytes:
    """Read what is available, at most `size` bytes, without waiting for a pipe to fill them."""
    read = getattr(stream, "read1", stream.read)
    return cast("bytes", read(size))
