"""The tool on a terminal that is read as a person reads it: an emulator draws what it writes."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from copy import copy
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

import pyte

from tests.cli.tool import COMMAND, Tool

PATIENCE = 20
"""Seconds that a test waits for what must come."""

# All that the view may send: a frame's modes, cursor up, erasing, and colours of the 16.
OURS = re.compile(r"\x1b\[(?:\?(?:2026|25|7)[hl]|1A|2K|2J|H|(?:(?:0|1|2|3[0-79]);?)+m)")


class Emulator(pyte.HistoryScreen):
    """A screen that keeps what is erased from its top row on, as tmux does."""

    def erase_in_display(self, how: int = 0, *arguments: Any, **options: Any) -> None:
        if how == 0 and (self.cursor.x, self.cursor.y) == (0, 0):
            self.history.top.extend(copy(self.buffer[row]) for row in range(self.lines))
        super().erase_in_display(how, *arguments, **options)


# Makes the terminal the process's own, so that its keys become signals, and runs the rest.
CLAIMING = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """Runs the tool with stdin, stdout and stderr on a terminal of its own, as a shell does."""

    def __init__(
        self,
        tool: Tool,
        *arguments: str,
        width: int = 80,
        height: int = 24,
        program: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (height, width))
        self.before = termios.tcgetattr(self.theirs)
        self.emulator = Emulator(width, height, history=50_000, ratio=0.5)
        self._stream = pyte.ByteStream(self.emulator)
        self.written = bytearray()
        self._lock = Lock()
        self._is_gone = Event()
        self._reads = Event()
        self._reads.set()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIMING, *program, *COMMAND, *arguments],
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            cwd=tool.folder,
            env={**tool.environ, **(environ or {})},
            start_new_session=True,
        )
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.vanish()
        os.close(self.theirs)

    @property
    def rows(self) -> list[str]:
        """List the rows that are on the screen, without the empty ones at its end."""
        with self._lock:
            shown = "\n".join(row.rstrip() for row in self.emulator.display)
        return shown.rstrip("\n").split("\n")

    @property
    def scrolled(self) -> list[str]:
        """List the rows that have left the screen at its top, then those on it."""
        with self._lock:
            gone = [
                "".join(row[column].data for column in range(self.emulator.columns)).rstrip()
                for row in self.emulator.history.top
            ]
        return [*gone, *self.rows]

    @property
    def text(self) -> str:
        """Join the rows on the screen."""
        return "\n".join(self.rows)

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, self.text
            time.sleep(0.02)

    def await_text(self, *texts: str) -> None:
        """Wait until texts are on the screen together."""
        self.wait(lambda: all(text in self.text for text in texts))

    def await_ready(self) -> None:
        """Wait until the broker delivers."""
        self.await_text("listening to")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def signal(self, number: int) -> None:
        """Send the tool a signal."""
        self.process.send_signal(number)

    def resize(self, width: int, height: int) -> None:
        """Change the window's size."""
        with self._lock:
            self.emulator.resize(height, width)
            termios.tcsetwinsize(self.theirs, (height, width))

    def hang(self) -> None:
        """Stop reading, as a terminal does whose connection is stuck."""
        self._reads.clear()

    def go_on(self) -> None:
        """Read again."""
        self._reads.set()

    def vanish(self) -> None:
        """Hang up, as a terminal does whose window is closed."""
        if not self._is_gone.is_set():
            self._is_gone.set()
            self._reads.set()
            self._thread.join(10)
            os.close(self._ours)

    def end(self) -> int:
        """Wait for the end, and for all that was written; the exit code."""
        code = self.process.wait(PATIENCE)
        seen = -1
        while seen != len(self.written):
            seen = len(self.written)
            time.sleep(0.1)
        return code

    @property
    def attributes(self) -> list[Any]:
        """Give the terminal's modes as they are now."""
        return termios.tcgetattr(self.theirs)

    def _read(self) -> None:
        while not self._is_gone.is_set():
            if select.select([self._ours], [], [], 0.02)[0]:
                data = os.read(self._ours, 65536)
                with self._lock:
                    self.written += data
                    self._stream.feed(data)
            self._reads.wait()
