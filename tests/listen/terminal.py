"""The tool on a terminal that is read as a person reads it: an emulator draws what it writes."""

import os
import pty
import re
import select
import termios
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from copy import copy
from threading import Event, Lock, Thread
from typing import Any, Self
from unicodedata import combining

import pyte
from wcwidth import wcwidth

from tests.cli.tool import COMMAND, Tool

PATIENCE = 20
"""Seconds that a test waits for what must come."""

# All that the view may send: a frame's modes, the other screen, cursor up, erasing, colours of
# the 16, and reverse.
OURS = re.compile(r"\x1b\[(?:\?(?:2026|1049|25|7)[hl]|1A|2K|2J|H|(?:(?:0|1|2|7|3[0-79]);?)+m)")

ASIDE = 1049  # the mode of a terminal's other screen


class Emulator(pyte.HistoryScreen):
    """A screen that does what today's terminals do, and pyte's alone doesn't.

    It keeps what is erased from its top row on, as tmux does; breaks rows that have become too
    wide; keeps the cursor's row when it becomes lower; has another screen; and draws what follows
    marks of any kind.
    """

    aside: tuple[dict[int, Any], int] | None = None  # the rows and the cursor's of the first one

    def text(self, row: Mapping[int, Any]) -> str:
        """Give what stands in a row; half a wide letter is nothing."""
        return "".join(row[column].data for column in range(self.columns)).rstrip()

    def draw(self, data: str) -> None:
        super().draw("".join(char for char in data if wcwidth(char) or combining(char)))

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        lines, columns = lines or self.lines, columns or self.columns
        rows, line = self._broken(columns), 0
        for number, (_, has_cursor) in enumerate(rows):
            line = number if has_cursor else line
        gone = 0 if self.aside else max(0, line - lines + 1)
        super().resize(lines, columns)
        self.history.top.extend(row for row, _ in rows[:gone])
        self.buffer.clear()
        self.buffer.update({at: row for at, (row, _) in enumerate(rows[gone : gone + lines])})
        self.cursor.x, self.cursor.y = min(self.cursor.x, columns - 1), min(line - gone, lines - 1)

    def _broken(self, columns: int) -> list[tuple[Any, bool]]:
        """Break the rows at a width; the cursor stays in the last piece of its row."""
        broken: list[tuple[Any, bool]] = []
        for number in range(self.lines):
            row = self.buffer[number]
            used = max((at + 1 for at, cell in row.items() if cell.data != " "), default=0)
            starts = range(0, max(used, 1), columns)
            for start in starts:
                piece = copy(row)
                piece.clear()
                piece.update({at - start: row[at] for at in row if start <= at < start + columns})
                is_last = start == starts[-1]
                broken.append((piece, is_last and number == self.cursor.y))
        return broken

    def set_mode(self, *modes: int, **options: Any) -> None:
        super().set_mode(*modes, **options)
        if ASIDE in modes and not self.aside:
            self.aside = {row: copy(line) for row, line in self.buffer.items()}, self.cursor.y
            super().erase_in_display(2)

    def reset_mode(self, *modes: int, **options: Any) -> None:
        super().reset_mode(*modes, **options)
        if ASIDE in modes and self.aside:
            (rows, line), self.aside = self.aside, None
            gone = max(0, line - self.lines + 1)  # a lower window keeps the row of the cursor
            self.history.top.extend(rows[row] for row in range(gone) if row in rows)
            self.buffer.clear()
            self.buffer.update({row - gone: rows[row] for row in rows if row >= gone})
            self.cursor.x, self.cursor.y = 0, line - gone
            self.dirty.update(range(self.lines))

    def erase_in_display(self, how: int = 0, *arguments: Any, **options: Any) -> None:
        if how == 0 and (self.cursor.x, self.cursor.y) == (0, 0):
            self.history.top.extend(copy(self.buffer[row]) for row in range(self.lines))
        super().erase_in_display(how, *arguments, **options)


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
        self._arrived: list[tuple[float, int]] = []  # when so much had been written
        self._later: list[bytes | tuple[int, int]] | None = None
        self._lock = Lock()
        self._is_gone = Event()
        self._reads = Event()
        self._reads.set()
        self.process = tool.begin(
            arguments,
            (self.theirs,) * 3,
            environ or {},
            command=[*program, *COMMAND] if program else COMMAND,
            session="with terminal",
        )
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.vanish()
        os.close(self.theirs)

    @property
    def rows(self) -> list[str]:
        """List the rows that are on the screen, without the empty ones at its end."""
        with self._lock:
            buffer = self.emulator.buffer
            shown = "\n".join(self.emulator.text(buffer[at]) for at in range(self.emulator.lines))
        return shown.rstrip("\n").split("\n")

    @property
    def scrolled(self) -> list[str]:
        """List the rows that have left the screen at its top, then those on it."""
        with self._lock:
            gone = [self.emulator.text(row) for row in self.emulator.history.top]
        return [*gone, *self.rows]

    @property
    def text(self) -> str:
        """Join the rows on the screen."""
        return "\n".join(self.rows)

    def wait(self, condition: Callable[[], object], pause: float = 0.02) -> None:
        """Wait until something is so."""
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, self.text
            time.sleep(pause)

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
            if self._later is None:
                self.emulator.resize(height, width)
            else:
                self._later.append((height, width))
            termios.tcsetwinsize(self.theirs, (height, width))

    def only_read(self) -> None:
        """Draw nothing for now: an emulator in Python is slower than the view."""
        with self._lock:
            self._later = []

    def catch_up(self) -> None:
        """Draw what has only been read."""
        with self._lock:
            for each in self._later or ():
                if isinstance(each, bytes):
                    self._stream.feed(each)
                else:
                    self.emulator.resize(*each)
            self._later = None

    def answered(self, keys: str, answer: bytes) -> float:
        """Press keys, and give the seconds until their answer is written."""
        began, before = time.monotonic(), len(self.written)
        self.type(keys)
        self.wait(lambda: answer in self.written[before:], pause=0.001)
        return time.monotonic() - began

    @property
    def frames(self) -> list[float]:
        """Give the time of each frame, as it was read."""
        places = (found.start() for found in re.finditer(rb"\x1b\[\?2026h", self.written))
        ends = [end for _, end in self._arrived]
        return [self._arrived[bisect_right(ends, place)][0] for place in places]

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
        while seen != len(self.written) or select.select([self._ours], [], [], 0)[0]:
            seen = len(self.written)
            time.sleep(0.1)
            with self._lock:  # what was read is drawn, which takes its time
                pass
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
                    self._arrived.append((time.monotonic(), len(self.written)))
                    if self._later is None:
                        self._stream.feed(data)
                    else:
                        self._later.append(data)
            self._reads.wait()
