#!/usr/bin/env python3
"""Run `medtrack demo` in a terminal and draw what it printed: make_picture.py demo.svg."""

import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from io import StringIO
from pathlib import Path

WIDTH = 100
DEMO = ["-m", "medtrack_cli", "demo", "--install"]


def output_of(command: list[str]) -> str:
    """Run a command in a terminal of WIDTH columns; what it printed, colours included."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, WIDTH))
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123 -- a descriptor
        process = subprocess.Popen(  # noqa: S603 -- ourselves
            command,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(theirs)
        printed = bytearray()
        with suppress(OSError):  # Linux says so when the last writer has gone
            while piece := screen.read(4096):
                printed += piece
    if process.wait():
        sys.exit(f"{' '.join(command)} ended with {process.returncode}\n{printed.decode()}")
    return printed.decode().replace("\r\n", "\n")


def picture(printed: str) -> str:
    """Draw terminal output as an SVG that loads nothing from elsewhere."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    for line in printed.strip().split("\n"):
        text = Text.from_ansi(line)
        rows = text.divide(range(WIDTH, len(text), WIDTH))  # as a terminal breaks lines
        for row in rows:
            console.print(row, no_wrap=True, highlight=False)
    svg = console.export_svg(title="medtrack demo", unique_id="demo")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(output_of([sys.executable, *DEMO])), encoding="utf-8")
