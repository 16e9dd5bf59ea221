"""The tool on a terminal of its own."""

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tests.cli.tool import COMMAND, Tool


def on_terminal(tool: Tool, *arguments: str, **environ: str) -> tuple[int, bytes]:
    """Run with stdin, stdout and stderr on a pseudo-terminal; give the exit code and all output."""
    return answering(tool, arguments, environ, b"", b"")


def answering(
    tool: Tool, arguments: Sequence[str], environ: Mapping[str, str], question: bytes, answer: bytes
) -> tuple[int, bytes]:
    """Run on a pseudo-terminal, and type the answer when the question has been seen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tool.folder,
        env={**tool.environ, **environ},
        start_new_session=True,  # no other terminal to ask
    )
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
