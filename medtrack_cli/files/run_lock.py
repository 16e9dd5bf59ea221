"""One process at a time under a run's name."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli.errors import CannotCreate


def runs_folder(environ: Mapping[str, str]) -> Path:
    """Name the folder of replays: `$XDG_STATE_HOME/medtrack/replays`."""
    state = Path(environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path(environ.get("HOME") or Path.home(), ".local", "state")
    return state / "medtrack" / "replays"


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Keep a name for this process; the system drops a dead one's lock.

    Raises CannotCreate when another process has it. The file stays: erased, it could be locked
    by two.
    """
    path = folder / f"{name}.lock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        hint = "set XDG_STATE_HOME to a folder you may write"
        what = f"the run's name can't be kept ({error.strerror})"
        raise CannotCreate(what, str(path), hint=hint) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        hint = "wait for its end, or choose another name"
        raise CannotCreate("another replay has this name now", name, hint=hint) from None
    try:
        yield
    finally:
        os.close(descriptor)
