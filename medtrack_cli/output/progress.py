"""One line on a terminal that says how far a long run is."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Lock, Thread
from typing import Self, TextIO

ShareTerminal = Callable[[], AbstractContextManager[None]]
"""Gives a context in which others may write to the terminal."""

PATIENCE = 1.0
"""Seconds that a run may take without a word."""

PERIOD = 0.2
"""Seconds between two updates."""

_CLEAR = "\r\x1b[K"


class Progress:
    """Shows a line on a terminal after a second, updates it, clears it at the end."""

    def __init__(self, stderr: TextIO, line: Callable[[], str], *, quiet: bool) -> None:
        self._stderr = stderr
        self._line = line
        self._thread = (
            Thread(target=self._draw, daemon=True) if stderr.isatty() and not quiet else None
        )
        self._done = Event()
        self._lock = Lock()
        self._is_shown = False

    def __enter__(self) -> Self:
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread:
            self._thread.join()
        self._clear()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Clear the line while others write to the same terminal."""
        with self._lock:
            self._clear()
            yield

    def _draw(self) -> None:
        pause = PATIENCE
        while not self._done.wait(pause):
            pause = PERIOD
            with self._lock:
                self._stderr.write(_CLEAR + _fitting(self._line(), self._stderr))
                self._stderr.flush()
                self._is_shown = True

    def _clear(self) -> None:
        if self._is_shown:
            self._stderr.write(_CLEAR)
            self._stderr.flush()
            self._is_shown = False


def _fitting(line: str, stderr: TextIO) -> str:
    """Cut a line to the terminal's current width: one that wraps can't be cleared."""
    from rich.cells import set_cell_size

    room = os.get_terminal_size(stderr.fileno()).columns - 1
    return line if len(line.encode()) <= room or room < 1 else set_cell_size(line, room).rstrip()
