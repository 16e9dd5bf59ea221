"""The terminal under the live view: modes, keys, painting below what scrolls, and its guard."""

import os
import select
import signal
import subprocess
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import ceil
from typing import Any, BinaryIO, NamedTuple, TextIO

from medtrack_cli import programs
from medtrack_cli.output.live.keyboard import is_unfinished
from medtrack_cli.output.live.outlet import Outlet

# Begin and end of a frame: drawn at once where the terminal can (mode 2026), with the cursor hidden
# and no wrapping, so that a character wider than we think can't move the lines.
_BEGIN, _END = "\x1b[?2026h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?2026l"
_SHOW_CURSOR = "\x1b[?25h"
# Never all below the cursor at once: from the top row tmux takes that for clearing the screen, and
# would fill its history with blocks.
_ERASE_ROW, _UP = "\x1b[2K", "\x1b[1A"
_HOME = "\x1b[H"
_CLEAR = f"\x1b[2J{_HOME}"
# The terminal's alternate screen: nothing of it is kept, however the window is resized.
_ALTERNATE, _BACK = "\x1b[?1049h", "\x1b[?1049l"
_MORE_SECONDS = 0.05  # for the rest of a key
# The modes that single keys turn off, by stty's names.
_TAKEN = (
    (tty.IFLAG, termios.IXON, "ixon"),
    (tty.IFLAG, termios.ICRNL, "icrnl"),
    (tty.LFLAG, termios.ICANON, "icanon"),
    (tty.LFLAG, termios.ECHO, "echo"),
)
# Reads which screen is shown, a line each time. If the input ends without a word, it shows the
# first screen again, with a cursor. Most shells set their own modes when a program is killed, so a
# moment later ours are only undone where they are still set.
_SCRIPT = r"""
exec 3>&1
ours=$(stty -g <&3)
while read -r screen; do last=$screen; done
case $last in
    alternate) printf '\033[?1049l\033[?25h\033[?7h\033[?2026l' ;;
    log) printf '\033[?25h\033[?7h\033[?2026l\n' ;;
    left) exit ;;
esac
sleep 0.2
[ $# = 0 ] || [ "$(stty -g <&3)" != "$ours" ] || stty "$@" <&3
"""

END_SECONDS = 1.0
"""Seconds that it may take to end."""


class Size(NamedTuple):
    """Columns and rows."""

    width: int
    height: int


class Row(NamedTuple):
    """A row of the block with its colours, and its width in cells."""

    text: str
    cells: int


class Keyboard:
    """Single keys without echo. Ctrl-C and Ctrl-Z stay signals.

    Without a terminal on stdin there are no keys.
    """

    def __init__(self, stdin: BinaryIO) -> None:
        self.is_there = stdin.isatty()
        self._descriptor = stdin.fileno() if self.is_there else -1
        self._before: Any = None  # the attributes, in termios' own form

    def enter(self) -> list[str]:
        """Read single keys, Ctrl-S and Ctrl-Q too; return stty's arguments for the modes before."""
        if not self.is_there:
            return []
        if self._before is None:
            self._before = termios.tcgetattr(self._descriptor)
        tty.setcbreak(self._descriptor, termios.TCSANOW)
        mode: Any = termios.tcgetattr(self._descriptor)
        mode[tty.IFLAG] &= ~termios.IXON
        termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)
        return [name for part, flag, name in _TAKEN if self._before[part] & flag]

    def leave(self) -> None:
        if self._before is not None:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
            self._before = None

    def read(self, seconds: float) -> bytes:
        """Wait up to a number of seconds for keys; b"" when none came."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return b""
        typed = self._typed()
        while is_unfinished(typed) and select.select([self._descriptor], [], [], _MORE_SECONDS)[0]:
            if not (more := self._typed()):
                break
            typed += more
        return typed

    def _typed(self) -> bytes:
        typed = b""
        with suppress(OSError):
            typed = os.read(self._descriptor, 1_024)
        self.is_there = bool(typed)
        return typed


class Guard:
    """A process that outlives ours by a moment, in a session of its own: no key ends it.

    Where it can't be started, there is none.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._process: subprocess.Popen[bytes] | None = None
        self._told = ""

    def begin(self, modes: Sequence[str]) -> None:
        """Guard a terminal whose modes we have set; stty's arguments restore them."""
        self.dismiss()
        with suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603 -- a script of our own
                ["/bin/sh", "-c", _SCRIPT, "sh", *modes],
                env=programs.for_others(),
                stdin=subprocess.PIPE,
                stdout=self._terminal,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )

    def tell(self, screen: str) -> None:
        """Say what is shown: the `log`, the `alternate` screen, or `none` of ours."""
        if self._process and self._process.stdin and screen != self._told:
            self._told = screen
            with suppress(OSError):  # it was killed
                self._process.stdin.write(f"{screen}\n".encode())

    def dismiss(self) -> None:
        self.tell("left")
        if process := self._process:
            self._process, self._told = None, ""
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=END_SECONDS)
            process.kill()
            process.wait()


class Screen(Outlet):
    """A block of rows at the end of what was printed, redrawn in place; lines go above it.

    While nothing scrolls, rows may fill the terminal's alternate screen instead. The guard restores
    the terminal if we can't.
    """

    def __init__(self, stdout: TextIO) -> None:
        super().__init__(stdout)
        self.guard = Guard(stdout.fileno())
        self._stdout = stdout
        self._drawn: Sequence[Row] | None = None
        self._is_alternate = False  # on the alternate screen

    @property
    def size(self) -> Size:
        with suppress(OSError):
            width, height = os.get_terminal_size(self._stdout.fileno())
            if width and height:
                return Size(width, height)
        return Size(80, 24)

    @property
    def is_ours(self) -> bool:
        """Whether we are in the foreground; without job control we always are."""
        with suppress(OSError):
            return os.tcgetpgrp(self._stdout.fileno()) == os.getpgrp()
        return True

    def draw(self, lines: Sequence[str], block: Sequence[Row], *, clear: bool = False) -> None:
        """Print lines for good, and redraw the block below them."""
        above = "".join(f"{line}\n" for line in lines)
        rows = "\n".join(row.text for row in block)
        erase = self._erasing() + (_CLEAR if clear else "")
        self.write(f"{_BEGIN}{erase}{above}{rows}{_END}")
        self.guard.tell("log")
        self._drawn = block

    def fill(self, rows: Sequence[str]) -> None:
        """Fill the alternate screen with rows, one for each of its own."""
        entering = "" if self._is_alternate else f"{self._erasing()}{_ALTERNATE}"
        text = "\n".join(f"{_ERASE_ROW}{row}" for row in rows)
        self.guard.tell("alternate")
        self.write(f"{_BEGIN}{entering}{_HOME}{text}{_END}")
        self._drawn, self._is_alternate = None, True

    def erase(self) -> None:
        """Erase the block; the cursor is where it began, and visible."""
        self.write(self._erasing() + _SHOW_CURSOR)
        self.guard.tell("none")
        self._drawn = None

    def close(self) -> None:
        super().close()
        self.guard.dismiss()

    def forget(self) -> None:
        """Leave the block where it is: others have written to the terminal meanwhile."""
        self._drawn, self._is_alternate = None, False

    def _erasing(self) -> str:
        """Erase the block from its last row up, or leave the alternate screen.

        The cursor is where the block began. A terminal that was made narrower has broken its rows
        into several.
        """
        if self._is_alternate:
            self._is_alternate = False
            return _BACK
        if self._drawn is None:
            return ""
        width = self.size.width
        rows = sum(max(1, ceil(row.cells / width)) for row in self._drawn)
        return f"\r{_ERASE_ROW}" + f"{_UP}{_ERASE_ROW}" * (rows - 1)


@contextmanager
def suspending(leave: Callable[[], None], resumed: Callable[[], None]) -> Iterator[None]:
    """Give the terminal back before Ctrl-Z stops us.

    `resumed` is called whenever we continue: a shell may have changed the terminal meanwhile.
    """

    def suspend(_number: int, _frame: object) -> None:
        leave()
        os.kill(os.getpid(), signal.SIGSTOP)

    before = (
        signal.signal(signal.SIGTSTP, suspend),
        signal.signal(signal.SIGCONT, lambda _number, _frame: resumed()),
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before[0])
        signal.signal(signal.SIGCONT, before[1])
