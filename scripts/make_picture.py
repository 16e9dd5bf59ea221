#!/usr/bin/env python3
"""Run medtrack in a terminal and draw what it shows.

make_picture.py FILE.svg                what `medtrack demo` prints
make_picture.py FILE.svg listen WIDTH   what `medtrack listen` shows while events arrive
"""

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from threading import Thread

WIDTH = 100
HEIGHT = 50
LIVE_HEIGHT = 28
MEDTRACK = [sys.executable, "-m", "medtrack_cli"]

# What goes past while the picture is taken: the type, events a second, and for how many seconds.
TRAFFIC = (
    ("student.created", 2, 44),
    ("student.updated", 3, 16),
    ("stage.created", 1, 46),
    ("evaluation.created", 4, 9),
    ("user.created", 1, 30),
)
TYPO = '{"payload": {"evaluation_id": "9b2e0c1a-5d3f-4e6b-8a7c-1f2d3e4b5a6c", "scroe": 17}}'
SECONDS = 45


class Terminal:
    """Runs a command in a terminal of its own, and keeps what it writes, colours included."""

    def __init__(self, command: Sequence[str], width: int, height: int) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (height, width))
        self.process = subprocess.Popen(  # noqa: S603 -- ourselves
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(theirs)
        self._written = bytearray()
        self._thread = Thread(target=self._read)
        self._thread.start()

    @property
    def written(self) -> str:
        return self._written.decode(errors="replace").replace("\r\n", "\n")

    def end(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait()
        self._thread.join()
        os.close(self._ours)
        return code

    def _read(self) -> None:
        with suppress(OSError):  # Linux says so when the last writer has gone
            while piece := os.read(self._ours, 4096):
                self._written += piece


def demo() -> str:
    """Run the demo to its end; what it printed."""
    terminal = Terminal([*MEDTRACK, "demo", "--install"], WIDTH, HEIGHT)
    if code := terminal.end():
        sys.exit(f"the demo ended with {code}\n{terminal.written}")
    return terminal.written


def live_view(width: int) -> str:
    """Listen while events arrive; the last rows that the terminal showed meanwhile."""
    with broker():
        terminal = Terminal([*MEDTRACK, "listen"], width, LIVE_HEIGHT)
        while "listening to" not in terminal.written:
            if terminal.process.poll() is not None:
                sys.exit(f"listen has ended\n{terminal.written}")
            time.sleep(0.1)
        publish_traffic()
        shown = rows_of(terminal.written)
        terminal.process.send_signal(signal.SIGINT)
        terminal.end()
    return "\n".join(shown[-LIVE_HEIGHT:])


@contextmanager
def broker() -> Iterator[None]:
    """Run a private broker whose exchange is what medtrack connects to."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
        started = subprocess.run(  # noqa: S603
            [*MEDTRACK, "broker", "start"], check=True, capture_output=True, text=True
        )
        os.environ["MEDTRACK_URL"] = re.findall(r"MEDTRACK_URL=(\S+)", started.stdout)[0]
        try:
            yield
        finally:
            subprocess.run([*MEDTRACK, "broker", "stop"], check=True, capture_output=True)  # noqa: S603


def publish_traffic() -> None:
    """Publish the types side by side, each at its rate, and an event with a typo near the end."""
    running = [
        subprocess.Popen(  # noqa: S603
            [*MEDTRACK, "publish", name, f"--rate={rate}", f"--count={rate * seconds}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, rate, seconds in TRAFFIC
    ]
    time.sleep(SECONDS - 1)
    wrong = ["publish", "evaluation.created", "--no-validate", f"--data={TYPO}"]
    subprocess.run([*MEDTRACK, *wrong], check=False, capture_output=True)  # noqa: S603
    for process in running:
        process.wait()


def rows_of(written: str) -> list[str]:
    """Follow the view's frames, each of which erases the last block row by row, upwards."""
    rows = [""]
    erasing = r"(\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*)"
    for piece in re.split(erasing, re.sub(r"\x1b\[\?\d+[hl]", "", written)):
        if re.fullmatch(erasing, piece):
            del rows[-piece.count("\x1b[2K") :]
            rows.append("")
        else:
            first, *more = piece.split("\n")
            rows[-1] += first
            rows += more
    return rows


def picture(printed: str, width: int, title: str) -> str:
    """Draw terminal output as an SVG that loads nothing from elsewhere."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=width, file=StringIO(), force_terminal=True)
    for line in printed.strip().split("\n"):
        text = Text.from_ansi(line)
        rows = text.divide(range(width, len(text), width))  # as a terminal breaks lines
        for row in rows:
            console.print(row, no_wrap=True, highlight=False)
    svg = console.export_svg(title=title, unique_id=title.replace("medtrack ", ""))
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main(file: str, what: str = "demo", width: str = str(WIDTH)) -> None:
    """Draw one picture."""
    printed = demo() if what == "demo" else live_view(int(width))
    Path(file).write_text(picture(printed, int(width), f"medtrack {what}"), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
