"""stderr as a best effort: what can't be written there is dropped, and ends or delays nothing."""

import io
import os
import select
import stat
import sys
from contextlib import suppress
from threading import RLock, Thread
from typing import Self, TextIO, cast

PATIENCE = 0.5
"""Seconds that one write may take, and the last one at the end."""

MOST_WAITING = 64 * 1024
"""Bytes kept for a reader that is slow, or a terminal that is stopped; what comes then is lost."""

PIECE = select.PIPE_BUF  # bytes of which a pipe mixes none with those of others


class BestEffort(io.TextIOBase):
    """A text stream that never fails and never waits long.

    A thread of its own writes, where writing may take for ever. Not a descriptor that doesn't
    block: whether one does is shared with other processes, and with stdout behind `2>&1`.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._may_block = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._line = ""  # that hasn't ended
        self._waiting = bytearray()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    @classmethod
    def in_place_of_stderr(cls) -> Self:
        """Take the place of sys.stderr: whatever Python writes there by itself is dropped, too."""
        is_closed = sys.stderr is None
        made = cls(_nowhere(), "utf-8") if is_closed else cls(2, sys.stderr.encoding)
        sys.stderr = cast("TextIO", made)
        return made

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only, as every stream's
        return self._encoding

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Write all lines that have ended, as stderr does."""
        with self._lock:
            self._line += text
            if "\n" in text:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if not self._line:
            return
        with self._lock:
            data, self._line = self._line.encode(self._encoding, "backslashreplace"), ""
            if len(self._waiting) + len(data) <= MOST_WAITING:
                self._waiting += data
            self._push()

    def finish(self) -> None:
        """Give what is left a last chance; whoever presses Ctrl-C meanwhile waits no longer."""
        with suppress(KeyboardInterrupt):
            self.flush()
            if self._writer:
                self._writer.join(PATIENCE)
            if self._waiting:  # a writer that ends may have missed what came last
                self._push()

    def _begin(self) -> None:
        """Begin without what threads have held or left, as in a process that was forked."""
        self._lock = RLock()
        self._writer: Thread | None = None
        self._waiting.clear()

    def _push(self) -> None:
        """Have what waits written; where a write takes its time already, wait for none."""
        if self._writer and self._writer.is_alive():
            return
        if self._may_block:
            self._writer = Thread(target=self._drain, name="stderr", daemon=True)
            try:
                self._writer.start()
            except RuntimeError:  # no thread is left, or Python is at its end
                self._writer = None
            else:
                self._writer.join(PATIENCE)
                return
        self._drain()

    def _drain(self) -> None:
        while self._waiting:
            try:
                written = os.write(self._descriptor, self._waiting[:PIECE])
            except BlockingIOError:  # another process wants it so
                select.select((), (self._descriptor,), ())
            except OSError:
                self._waiting.clear()
            else:
                del self._waiting[:written]


def _nowhere() -> int:
    """Open nowhere; as descriptor 2, too, or the next file opened would be what others write to."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    try:
        os.fstat(2)
    except OSError:
        os.dup2(descriptor, 2)
    return descriptor
