"""Running medtrack's own commands for the demo, apart because of what it imports."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Timer

from medtrack_cli import programs
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import DemoFailed
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime

STEP_SECONDS = 60
_ID = re.compile(r"\b([0-9a-f]{8})-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_READY = re.compile("listening|stands? in on")


def _ending() -> signal.Signals:
    """Choose Ctrl-C, unless it is ignored here, and so in what we start: in a shell's `demo &`."""
    is_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return signal.SIGTERM if is_ignored else signal.SIGINT


@dataclass
class Show:
    """Runs medtrack as a person would, and says what it runs; raises when a step goes wrong."""

    _runtime: Runtime
    _folder: Path
    _more: Mapping[str, str]
    _pauses: bool = False
    steps: int = 0

    def run(self, title: str, arguments: list[str], expected: int = 0) -> None:
        """Run a command to its end, with its output where ours goes."""
        self._say(title, arguments)
        done = programs.run(
            self._command(arguments),
            cwd=self._folder,
            environ=self._runtime.world.environ,
            more=self._more,
            stdout=self._runtime.world.stdout,
            stderr=self._runtime.world.stderr,
            seconds=STEP_SECONDS,
        )
        self._check(arguments, done.returncode, expected)

    @contextmanager
    def beside(
        self, title: str, arguments: Sequence[str], *, ends: bool = True
    ) -> Iterator["Beside"]:
        """Run a command beside others, from its ready line until it `ends`; else Ctrl-C ends it."""
        self._say(title, arguments)
        with subprocess.Popen(  # noqa: S603 -- ourselves
            self._command(arguments),
            cwd=self._folder,
            env=programs.for_others(self._runtime.world.environ, self._more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            watchdog = Timer(2 * STEP_SECONDS, process.kill)
            watchdog.start()
            try:
                if not any(map(_READY.search, process.stderr or ())):
                    self._check(arguments, process.wait(), 0)
                yield Beside(process, self._tell)
                if not ends:
                    process.send_signal(_ending())
                self._check(arguments, process.wait(), 0 if ends else 128 + _ending())
            finally:
                watchdog.cancel()
                process.kill()

    def _command(self, arguments: Sequence[str]) -> list[str]:
        look = ["-o", self._runtime.output, "--color", self._runtime.colour]
        return [sys.executable, "-m", "medtrack_cli", *arguments, *look]

    def _say(self, title: str, arguments: Sequence[str]) -> None:
        if self._pauses and self.steps:
            self._runtime.terminal.ask([], "\nEnter goes on ")
        self.steps += 1
        record = {"step": self.steps, "title": title, "command": ["medtrack", *arguments]}
        line = f"\n# {title}\n$ medtrack {' '.join(arguments)}"
        self._runtime.printer.show(Page(Kind.STEP, record, line))
        self._runtime.world.stdout.flush()

    def _tell(self, title: str, lines: Sequence[str]) -> None:
        stdout = self._runtime.world.stdout
        text = ("" if self._runtime.output == "json" else f"\n# {title}\n") + "".join(lines)
        if stdout.isatty():  # what ran into our pipe didn't know it
            text = _ID.sub(r"\1", text)
        stdout.write(text)
        stdout.flush()

    def _check(self, arguments: Sequence[str], code: int, expected: int) -> None:
        if code != expected:
            what = f"a step of the demo ended with exit code {code}, not {expected}"
            raise DemoFailed(what, f"medtrack {' '.join(arguments)}")


@dataclass(frozen=True)
class Beside:
    """A command that runs while others do."""

    _process: "subprocess.Popen[str]"
    _tell: Callable[[str, Sequence[str]], None]

    def show(self, title: str, count: int) -> None:
        """Wait for lines of its output, and show them."""
        lines = [*islice(self._process.stdout or (), count)]
        self._tell(title, lines)
        if len(lines) < count:
            raise DemoFailed("a step of the demo ended too soon", title)
