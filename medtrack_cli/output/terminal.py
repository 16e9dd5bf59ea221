"""A person at the terminal, who can be asked, and is told how far a long run is."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from select import select
from threading import Event, Lock, Thread
from typing import BinaryIO, Self, TextIO

from medtrack_cli.output.safe_text import safe_text

ShareTerminal = Callable[[], AbstractContextManager[None]]
"""Gives a context in which others may write to the terminal."""

PATIENCE = 1.0
"""Seconds that a run may take without a word."""

PERIOD = 0.2
"""Seconds between two updates."""

_CLEAR = "\r\x1b[K"
_SIGNAL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where questions are asked and answered. Neither -q nor -o json silences a question."""

    stdin: BinaryIO
    stderr: TextIO

    @property
    def has_person(self) -> bool:
        """Whether stdin and stderr are a terminal: text from a pipe is nobody's answer."""
        return self.stdin.isatty() and self.stderr.isatty()

    def ask(self, told: Iterable[str], question: str) -> str:
        """Print lines and a question, and return the typed line; empty at the end of the input."""
        lines = [safe_text(line) + "\n" for line in told]
        self.stderr.write("".join(lines) + safe_text(question))
        self.stderr.flush()
        # A signal that comes just before a blocking read would wait for the next line.
        with suppress(OSError):  # Windows waits for sockets only
            while not select([self.stdin], [], [], _SIGNAL_SECONDS)[0]:
                pass
        return self.stdin.readline().decode("utf-8", "replace").strip()

    def ask_secret(self, question: str) -> str:
        """Ask without echo; empty when nothing was typed."""
        from getpass import getpass

        try:
            return getpass(safe_text(question), stream=self.stderr)
        except EOFError:
            return ""


def width_of(stdout: TextIO) -> int:
    """Give a terminal's columns; 80 where there is none."""
    try:
        return os.get_terminal_size(stdout.fileno()).columns or 80
    except OSError:  # no terminal, or none that is connected
        return 80


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
