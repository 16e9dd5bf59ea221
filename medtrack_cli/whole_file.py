"""Files that are written completely, or not at all, whatever interrupts it."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def create(path: Path, text: str) -> None:
    """Write a new file for its owner alone; FileExistsError if there is a file or a link."""
    _write(path, text, replaces=False)


def replace(path: Path, text: str) -> None:
    """Write a file for its owner alone; a reader sees the old one or the new one."""
    _write(path, text, replaces=True)


def _write(path: Path, text: str, *, replaces: bool) -> None:
    descriptor, name = tempfile.mkstemp(".partial", f".{path.name}.", path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if replaces:
            partial.replace(path)
        else:
            _link(partial, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _link(partial: Path, path: Path) -> None:
    """Give a file its name, unless there is one of that name."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the race is short
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        partial.rename(path)
