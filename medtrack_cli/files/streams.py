"""Opening what a source names, and reading it no further than needed."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

from medtrack_cli.files.sources import Source

BOM = b"\xef\xbb\xbf"


def open_source(
    source: Source, open_stdin: Callable[[], BinaryIO]
) -> AbstractContextManager[BinaryIO]:
    """Open a source for reading, gzip seen through; standard input is left open afterwards.

    Raises OSError.
    """
    if source.path is None:
        return nullcontext(open_stdin())
    if is_zipped(source.name):
        return cast("AbstractContextManager[BinaryIO]", gzip.open(source.path))
    stream = source.path.open("rb")
    if source.start:
        stream.seek(source.start)
    return stream


def is_zipped(name: str | Path) -> bool:
    """Tell by its name whether a file is gzip."""
    return str(name).lower().endswith(".gz")


def read_some(stream: BinaryIO, size: int) -> bytes:
    """Read what is there, at most `size` bytes: a pipe isn't waited on to fill them."""
    read = getattr(stream, "read1", stream.read)
    return cast("bytes", read(size))
