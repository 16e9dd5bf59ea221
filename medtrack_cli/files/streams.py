"""Opening what a source names, and reading it no further than needed."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
    if source.name.lower().endswith(".gz"):
        return cast("AbstractContextManager[BinaryIO]", gzip.open(source.path))
    return source.path.open("rb")


def read_some(stream: BinaryIO, size: int) -> bytes:
    """Read what is there, at most `size` bytes: a pipe isn't waited on to fill them."""
    read = getattr(stream, "read1", stream.read)
    return cast("bytes", read(size))
