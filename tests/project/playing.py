"""The shell blocks of a page, typed one after the other as a reader would."""

import ast
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyte

from tests.project.pages import ROOT

FENCE = re.compile(r"^```(\S*) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
NOT_RUN = re.compile(r"^\*Not run by the tests: (.+)\*$")
SHELLS = {"sh", "bash", "console"}
READY = re.compile(rb"listening to|stand in on|consuming")
ENDLESS = re.compile(
    r"medtrack (?:listen|simulate run)(?!.* --(?:\w+-)?(?:timeout|count|expect|until))"
)
COMMENT = re.compile(r"(?P<command>.*?)(?: +# (?:(?P<code>\d+): )?.*)?")
PATIENCE = 40.0  # seconds

# What differs from run to run, and what stands for it when two outputs are compared.
VARYING = (
    (r"\breplay-\d{8}T\d{6}-[0-9a-f]{8}\b", "RUN"),
    (r"\b[0-9a-f]{8}(?:-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})?\b", "ID"),
    (r"\d\d:\d\d:\d\d(?:\.\d{3})?Z?", "TIME"),
    (r"[\d-]{10} TIME(?: to [\d-]{10} TIME)? UTC", "SPAN"),
    (r"\b(?:localhost|127\.0\.0\.1):\d+,", "HOST,"),
    (r"\d+\.\d+ ?s\b", "SECONDS"),
    (r"amqp://admin@[\w.]+:\d+/%2F", "BROKER"),
    (r" {2,}\d+ bytes", " N bytes"),
)


class Block(NamedTuple):
    """A fenced block: its language, what follows that, its text, and why it isn't run."""

    language: str
    manner: str
    text: str
    excuse: str | None

    @property
    def is_shell(self) -> bool:
        return self.language in SHELLS


class Step(NamedTuple):
    """A command, what a page says that it prints, if it does, and the exit code it ends with."""

    command: str
    printed: str | None
    code: int
    in_order: bool = True

    @property
    def is_endless(self) -> bool:
        """Whether a reader ends it with Ctrl-C."""
        return bool(ENDLESS.search(self.command)) or self.command.startswith("python service")


def blocks_of(text: str) -> Iterator[Block]:
    """Find the fenced blocks of a page; the line above one may say why it isn't run."""
    for found in FENCE.finditer(text):
        above = text[: found.start()].rstrip("\n").rpartition("\n")[2]
        excuse = NOT_RUN.fullmatch(above)
        language, manner, block = found.groups()
        yield Block(language, manner, block, excuse[1] if excuse else None)


def steps_of(block: Block) -> list[Step]:
    """Read a block's commands; one that fails says so by `echo $?` below, or in its comment."""
    if block.language == "bash":
        return [Step(block.text, None, 0)]
    if block.language == "sh":
        lines = block.text.replace("\\\n", "").splitlines()
        found = [COMMENT.fullmatch(line) for line in lines if line and line[0] != "#"]
        return [Step(each["command"], None, int(each["code"] or 0)) for each in found if each]
    given = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    split = [each.partition("\n") for each in given]
    codes = [int(says) if then == "echo $?" else 0 for then, _, says in split[1:]]
    return [
        Step(command, printed, code, "any order" not in block.manner)
        for (command, _, printed), code in zip(split, [*codes, 0], strict=True)
    ]


class Typist:
    """Who types a page's commands: in a folder, with an environment that commands change."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._state = folder.parent / "state"
        self._code = 0
        self._second: tuple[Step, Terminal] | None = None

    def type(self, text: str) -> str:
        """Type what a page has; say what comes of it that the page doesn't say.

        What runs in the background is in a second terminal: until it has ended by itself after the
        next block, or until something else is typed there.
        """
        said = ""
        for block in blocks_of(text):
            if not block.is_shell:
                self._write(block)
            elif block.excuse:
                continue
            elif not block.manner.startswith("background"):
                said += "".join(self._take(step) for step in steps_of(block))
                said += self._leave(only_ended=True)
            elif block.text.startswith("$ "):
                said += self._leave()
                (step,) = steps_of(block)
                self._second = step, self._open(step)
                self._second[1].read_until(READY)
            elif self._second:  # what is seen there later
                step, terminal = self._second
                is_in_order = step.in_order and "any order" not in block.manner
                printed = (step.printed or "").removesuffix("…\n") + block.text
                step = step._replace(printed=printed.removesuffix("^C\n"), in_order=is_in_order)
                self._second = step, terminal
                said += self._leave() if printed.endswith("^C\n") else ""
        return said + self._leave()

    def _leave(self, *, only_ended: bool = False) -> str:
        """End what runs in the second terminal."""
        if self._second is None or (only_ended and self._second[0].is_endless):
            return ""
        step, terminal = self._second
        self._second = None
        return self._end(step, terminal)

    def _write(self, block: Block) -> None:
        """Write the file that a block's name says, or the function into the file that it is of."""
        manner, _, name = block.manner.rpartition(" ")
        if not re.fullmatch(r"[\w./-]+\.\w+", name):
            return
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(replaced(path.read_text(), block.text) if manner == "into" else block.text)

    def _take(self, step: Step) -> str:
        terminal = self._open(step)
        if step.is_endless:
            terminal.read_until(READY)
        said = self._end(step, terminal)
        if self._state.exists():
            pairs = self._state.read_text().rstrip("\0").split("\0")
            self._environ = dict(pair.split("=", 1) for pair in pairs)
        return said

    def _open(self, step: Step) -> "Terminal":
        keep = f"code=$?; env -0 > '{self._state}'; exit $code"
        script = f"set -o pipefail; (exit {self._code})\n{step.command}\n{keep}"
        return Terminal(script, self._folder, self._environ)

    def _end(self, step: Step, terminal: "Terminal") -> str:
        """End a step as a reader would; say what it did that the page doesn't say."""
        if step.is_endless:
            wanted = (step.printed or "").partition("…\n")[0].strip().splitlines()
            terminal.await_lines(len(wanted))
            terminal.interrupt()
        printed, self._code = terminal.end()
        codes = {step.code, 130} if step.is_endless else {step.code}
        if self._code not in codes:
            return f"$ {step.command}\n{printed}ended with {self._code}\n"
        if step.printed is None or alike(printed, step.printed, step.in_order):
            return ""
        return f"$ {step.command}\n{printed}"


def environment_of_a_reader(home: Path) -> dict[str, str]:
    """Make an environment in which `medtrack` is this checkout, with nobody's configuration."""
    for name, more in {"medtrack": "-m medtrack_cli", "python": ""}.items():
        program = home / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {more} "$@"\n')
        program.chmod(0o755)
    own = ("MEDTRACK_", "XDG_", "PYTHON")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    reader = {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}", "NO_COLOR": "1"}
    return kept | reader | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}


class Terminal:
    """A script that runs in a terminal of its own."""

    def __init__(self, script: str, folder: Path, environ: Mapping[str, str]) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 100))
        self._screen = ours
        self._printed = b""
        self._until = time.monotonic() + PATIENCE
        self._process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def _read(self) -> bool:
        """Read what is there, or wait for it; tell whether more may come."""
        with suppress(OSError):  # Linux says so when the last writer has gone
            there, _, _ = select.select(
                [self._screen], [], [], max(0, self._until - time.monotonic())
            )
            if not there:
                os.killpg(self._process.pid, signal.SIGKILL)
                return False
            if more := os.read(self._screen, 4096):
                self._printed += more
                return True
        return False

    def read_until(self, word: re.Pattern[bytes]) -> None:
        """Read on until a word was printed, or to the end."""
        while not word.search(self._printed) and self._read():
            pass

    def await_lines(self, number: int) -> None:
        """Read on until so many lines are on the screen, or to the end."""
        while len(left_on_screen(self._printed).split("\n")) <= number and self._read():
            pass

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> tuple[str, int]:
        """Wait for the end; what was printed, and the exit code."""
        while self._read():
            pass
        os.close(self._screen)
        return left_on_screen(self._printed), self._process.wait()


def left_on_screen(printed: bytes) -> str:
    """Give what a terminal shows in the end of all that was written to it."""
    if b"\x1b[" not in printed:  # nothing was drawn over
        return printed.decode(errors="ignore").replace("\r\n", "\n")
    screen = pyte.Screen(1_000, 100)
    pyte.ByteStream(screen).feed(printed)
    return "\n".join(row.rstrip() for row in screen.display).rstrip("\n") + "\n"


def shape(text: str) -> str:
    """Replace what differs from run to run."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def alike(printed: str, shown: str, in_order: bool) -> bool:  # noqa: FBT001 -- of a step
    """Tell whether a page shows what was printed, as far as it shows it: … is any lines."""
    if not in_order:
        lines = Counter(shape(shown).replace("…\n", "").splitlines())
        return not lines - Counter(shape(printed).splitlines())
    parts = [re.escape(part) for part in re.split(r"^ *…\n", shape(shown), flags=re.MULTILINE)]
    return re.fullmatch("(?s:.*?)".join(parts), shape(printed)) is not None


def replaced(text: str, function: str) -> str:
    """Put a function in the place of that of its name in a Python module."""
    name = re.findall(r"^def (\w+)", function)[0]
    tree = ast.parse(text)
    (old,) = (each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name)
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: old.lineno - 1], function, *lines[old.end_lineno :]])
