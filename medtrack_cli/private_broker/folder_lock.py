"""One process at a time in a folder."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from medtrack_cli.errors import CannotCreate, TimedOut

_PAUSE = 0.05  # seconds between two tries


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[None]:
    """Create a folder for its owner alone and lock it; the system releases a dead process's lock.

    Raises TimedOut when another process holds it for `patience` seconds, CannotCreate.
    """
    until = time.monotonic() + patience
    while True:
        with _opened(folder) as stream:
            if _try_lock(stream):
                yield
                return
        if time.monotonic() > until:
            raise TimedOut("another start or stop still runs", str(folder), hint="try again later")
        time.sleep(_PAUSE)


def _opened(folder: Path) -> TextIO:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        return (folder / "lock").open("a", encoding="ascii")
    except OSError as error:
        raise CannotCreate(
            "the private broker's folder can't be made",
            str(folder),
            hint=f"{error.strerror}: set XDG_STATE_HOME to a folder you may write",
        ) from error


def _try_lock(stream: TextIO) -> bool:
    """Take the lock, unless it is held or its holder has erased the file meanwhile."""
    from medtrack_cli.files.state.locks import locks

    try:
        is_taken = locks(stream.fileno())
        return is_taken and os.path.samestat(os.fstat(stream.fileno()), Path(stream.name).stat())
    except FileNotFoundError:
        return False
