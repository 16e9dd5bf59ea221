"""Writing to a terminal that may stop reading, without waiting long for it."""

import os
import select
import time
from contextlib import suppress
from typing import TextIO

PATIENCE = 0.1
"""Seconds that one write may take; a terminal that reads needs milliseconds."""

LAST_PATIENCE, LAST_SECONDS = 0.5, 5.0
"""Seconds to wait at the end for a terminal that takes nothing, and for a slow one."""


class Outlet:
    """Writes without blocking; what a terminal doesn't take yet is kept for the next time.

    The terminal is opened anew for it: the blocking mode of a descriptor is shared with the shell.
    Where it can't be opened, writing blocks as usual. After a hangup nothing is written, and that
    is no error: events may be recorded all the same.
    """

    def __init__(self, stdout: TextIO) -> None:
        self._encoding = stdout.encoding
        self._rest = b""
        self.is_gone = False  # the terminal has hung up
        self._own: int | None = None
        self._descriptor = stdout.fileno()
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
            self._own = os.open(os.ttyname(self._descriptor), flags)
            self._descriptor = self._own

    def write(self, text: str) -> None:
        """Write a text after what is left; characters the encoding lacks are escaped."""
        is_stalled = bool(self._rest)
        self._rest += text.encode(self._encoding, "backslashreplace")
        self._push(0 if is_stalled else PATIENCE)

    @property
    def is_free(self) -> bool:
        """Whether all was written; tries to write what is left."""
        self._push(0)
        return not self._rest and not self.is_gone

    def settle(self) -> None:
        """Write what is left, as long as the terminal takes any of it."""
        until, before = time.monotonic() + LAST_SECONDS, len(self._rest) + 1
        while len(self._rest) < before and time.monotonic() < until:
            before = len(self._rest)
            self._push(LAST_PATIENCE)

    def close(self) -> None:
        """Try once more to write what is left."""
        self.settle()
        if self._own is not None:
            os.close(self._own)
            self._own = None

    def _push(self, patience: float) -> None:
        until = time.monotonic() + patience
        while self._rest:
            try:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
            except BlockingIOError:
                left = until - time.monotonic()
                if left <= 0 or not select.select([], [self._descriptor], [], left)[1]:
                    return
            except OSError:
                self.is_gone, self._rest = True, b""
