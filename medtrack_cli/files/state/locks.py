"""Files that one process at a time writes."""

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from medtrack_cli.errors import CannotCreate

_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO would block


def open_locked(path: Path, what: str, *, busy: str, subject: str | None = None) -> int:
    """Open a file to add to and lock it, created for its owner alone; return its descriptor.

    `what` names it in errors; `busy` says who holds it, if another process does, and `subject` what
    is held, by default the file. The system releases a dead process's lock. Raises CannotCreate.
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
    if not _is_locked(descriptor):
        os.close(descriptor)
        hint = "wait for its end, or choose another name"
        raise CannotCreate(busy, subject or str(path), hint=hint)
    return descriptor


def _is_locked(descriptor: int) -> bool:
    """Lock a file; a process that only checks the lock releases it in a moment."""
    for pause in (0.01, 0.05, None):
        if locks(descriptor):
            return True
        if pause:
            time.sleep(pause)
    return False


def locks(descriptor: int) -> bool:
    """Lock a file, unless another process has; the system drops a dead process's lock."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def looked_at(path: Path) -> tuple[bool, bytes]:
    """Return whether a file's lock is held, and its content after that. May raise OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a FIFO would block
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        is_held = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except BlockingIOError:
            is_held = True
        return is_held, stream.read()


def write_whole(descriptor: int, data: bytes, size: int, *, is_lasting: bool) -> None:
    """Add data to a file of a size; on an OSError it keeps that: half a line would spoil the next.

    If it `is_lasting`, also put it on the disk.
    """
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        if is_lasting:
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def sync_folder(folder: Path) -> None:
    """Put a new file's name on the disk, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
