"""What files are known by, so that a run goes on with the same ones."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from medtrack_cli.errors import UsageError
from medtrack_cli.files.sources import Source

_EDGE = 64 * 1024  # bytes at a file's start and end that identify it, with its size


def identify(sources: Sequence[Source], options: Sequence[object]) -> str:
    """Give a digest of an input and of the options that shape what is sent."""
    digest = sha256(json.dumps([str(each) for each in options]).encode())
    for source in sources:
        if source.path is None or not source.is_regular:
            hint = "write the input to a file first"
            raise UsageError("--checkpoint needs files", source.name, hint=hint)
        digest.update(edges(source.path))
    return digest.hexdigest()


def edges(path: Path) -> bytes:
    """Give a file's start, its end and its size."""
    with path.open("rb") as stream:
        start = stream.read(_EDGE)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _EDGE))
        return start + stream.read(_EDGE) + str(size).encode()
