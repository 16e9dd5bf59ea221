"""stderr as a best effort: what can't be written is dropped, and never ends or delays anything."""

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
"""Bytes kept for a slow reader or a stopped terminal; anything more is lost."""

PIECE = select.PIPE_BUF  # bytes that a pipe never mixes with those of other writers


class BestEffort(io.TextIOBase):
    """A text stream that never fails and never waits long.

    Where writing may block for ever, a thread of its own writes. The descriptor is not made
    non-blocking: that flag is shared with other processes, and with stdout under `2>&1`.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._may_block = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._line = ""  # not yet complete
        self._waiting = bytearray()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    @classmethod
    def in_place_of_stderr(cls) -> Self:
        """Replace sys.stderr, so that what Python itself writes there is best effort, too."""
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
        """Write all complete lines, as stderr does."""
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
        """Try once more to write what is left; Ctrl-C ends the wait."""
        with suppress(KeyboardInterrupt):
            self.flush()
            if self._writer:
                self._writer.join(PATIENCE)
            if self._waiting:  # a writer that ends may have missed the last text
                self._push()

    def _begin(self) -> None:
        """Begin without the locks and text of other threads, as a forked process must."""
        self._lock = RLock()
        self._writer: Thread | None = None
        self._waiting.clear()

    def _push(self) -> None:
        """Have the waiting text written; don't wait for a write that is already slow."""
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
    """Open /dev/null; as descriptor 2, too, or the next file opened would get what others write."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    try:
        os.fstat(2)
    except OSError:
        os.dup2(descriptor, 2)
    return descriptor
