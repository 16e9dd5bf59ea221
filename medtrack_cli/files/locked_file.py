"""Files that one process at a time writes."""

import fcntl
import os
import stat
from pathlib import Path

from medtrack_cli.errors import CannotCreate

_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO blocks


def open_locked(path: Path, what: str, *, busy: str, subject: str | None = None) -> int:
    """Open a file to add to, or create it for its owner alone, and lock it; give its descriptor.

    `what` names it in errors; `busy` says who has it, when another process has, and `subject`
    what it has, if not the file. The system drops a dead process's lock. Raises CannotCreate.
    """
    try:
        descriptor = os.open(path, _OPEN, 0o600)
    except OSError as error:
        why, hint = error.strerror, "does the folder exist, and may you write to it?"
        if os.path.islink(path):
            why, hint = "it is a link", "name the file that it leads to"
        raise CannotCreate(f"{what} can't be opened ({why})", str(path), hint=hint) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotCreate(f"{what} is no file", str(path), hint="name a file")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        hint = "wait for its end, or choose another name"
        raise CannotCreate(busy, subject or str(path), hint=hint) from None
    return descriptor
