"""The tool on a terminal of its own."""

import os
import pty
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tests.cli.tool import COMMAND, Tool


def on_terminal(
    tool: Tool,
    *arguments: str,
    command: Sequence[str] = COMMAND,
    typed: bytes = b"",
    **environ: str,
) -> tuple[int, bytes]:
    """Run with stdin, stdout and stderr on a pseudo-terminal; give the exit code and all output.

    `typed` waits for whoever asks.
    """
    return answering(tool, arguments, environ, b"", typed, command)


def answering(  # noqa: PLR0913, PLR0917 -- what is run, and what is said to it
    tool: Tool,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    question: bytes,
    answer: bytes,
    command: Sequence[str] = COMMAND,
) -> tuple[int, bytes]:
    """Run on a pseudo-terminal, and type the answer when the question has been seen."""
    ours, theirs = pty.openpty()
    # In a session of its own there is no other terminal to ask.
    process = tool.begin(arguments, (theirs,) * 3, environ, command, session="new")
    os.close(theirs)
    seen = bytearray()
    with suppress(OSError):  # Linux: EIO when the other side is closed
        while data := os.read(ours, 65536):
            seen += data
            if answer and question in seen:
                os.write(ours, answer)
                answer = b""
    os.close(ours)
    return process.wait(30), bytes(seen)
