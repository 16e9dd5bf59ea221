"""The tool on a terminal of its own."""

import os
import pty
import subprocess
from contextlib import suppress

from tests.cli.tool import COMMAND, Tool


def on_terminal(tool: Tool, *arguments: str, **environ: str) -> tuple[int, bytes]:
    """Run with stdin, stdout and stderr on a pseudo-terminal; give the exit code and all output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tool.folder,
        env={**tool.environ, **environ},
    )
    os.close(theirs)
    seen = bytearray()
    with suppress(OSError):  # Linux: EIO when the other side is closed
        while data := os.read(ours, 65536):
            seen += data
    os.close(ours)
    return process.wait(30), bytes(seen)
