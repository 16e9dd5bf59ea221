"""A person at the terminal, who can be asked."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from select import select
from typing import BinaryIO, TextIO

from medtrack_cli.output.safe_text import safe_text

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
