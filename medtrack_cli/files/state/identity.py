"""How files are recognised, so that a run continues with the same ones."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.errors import UsageError
from medtrack_cli.files.reading.sources import Source

_EDGE = 64 * 1024  # bytes at a file's start and end that identify it, with its size


def identify(sources: Sequence[Source], options: Sequence[object]) -> str:
    """Give a digest of an input and of the options that determine what is sent."""
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


class Known(NamedTuple):
    """What identifies a file, with the name it was given."""

    name: str
    size: int
    modified: int  # ns
    edges: str

    def is_like(self, other: "Known") -> bool:
        """Return whether a file may hold the same: nothing shows that it doesn't."""
        return (self.size, self.edges) == (other.size, other.edges)

    def is_same(self, other: "Known") -> bool:
        """Return whether a file holds the same, as far as its edges show."""
        return self.is_like(other) and self.modified == other.modified


def known(sources: Sequence[Source]) -> list[Known] | None:
    """Identify each file; None for what can be read only once."""
    found = []
    for source in sources:
        if source.path is None or source.fingerprint is None:
            return None
        size, modified, _ = source.fingerprint
        digest = sha256(edges(source.path)).hexdigest()
        found.append(Known(source.name, size, modified, digest))
    return found


def refuse_others(before: Sequence[Known], now: Sequence[Known]) -> bool:
    """Raise UsageError when these are other files; return whether all surely hold the same."""
    names, others = ({each.name for each in files} for files in (before, now))
    if len(before) != len(now):
        which = sorted(others - names or names - others) or ["a file"]
        what = "is new" if len(now) > len(before) else "is missing"
        raise UsageError(f"{CHANGED}: {what}", which[0], hint=ANEW)
    return all(map(Known.is_same, before, now))


def refuse_unlike(before: Sequence[Known], now: Sequence[Known], place: str) -> None:
    """Raise UsageError with the place where the compared input differs."""
    for was, now_is in zip(before, now, strict=True):
        if not was.is_like(now_is):
            where = place if place.startswith(f"{now_is.name}:") else f"{now_is.name}:1"
            raise UsageError(f"{CHANGED} from here on", where, hint=ANEW)


CHANGED = "the source is not what it was"
ANEW = "it has changed since; begin anew, under another name"
