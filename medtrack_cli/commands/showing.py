"""Running medtrack's own commands for the demo, apart because of what it imports."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli import programs
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import DemoFailed
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime

STEP_SECONDS = 60


class Show:
    """Runs medtrack as a person would, and says what it runs; raises when a step goes wrong."""

    def __init__(self, runtime: Runtime, folder: Path, more: Mapping[str, str]) -> None:
        self._runtime = runtime
        self._folder = folder
        self._more = more
        self.steps = 0

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
    def listening(self, title: str, more: Sequence[str] = ()) -> Iterator[None]:
        """Listen in the background until two events have come; they are shown at the end."""
        arguments = ["listen", "--count", "2", "--timeout", str(STEP_SECONDS), *more]
        self._say(title, arguments)
        with subprocess.Popen(  # noqa: S603 -- ourselves
            self._command(arguments),
            cwd=self._folder,
            env=programs.for_others(self._runtime.world.environ, self._more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as listener:
            try:
                self._await_ready(listener)
                yield
                heard, _ = listener.communicate(timeout=STEP_SECONDS)
            finally:
                listener.kill()
        heading = "" if self._runtime.output == "json" else "\n# What the listener saw\n"
        self._runtime.world.stdout.write(heading + heard)
        self._check(arguments, listener.returncode, 0)

    def _await_ready(self, listener: "subprocess.Popen[str]") -> None:
        """Wait for the line that says the broker delivers: no event can be missed after it."""
        for line in listener.stderr or ():
            if "listening" in line:
                return
        self._check(["listen"], listener.wait(STEP_SECONDS), 0)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        look = ["-o", self._runtime.output, "--color", self._runtime.colour]
        return [sys.executable, "-m", "medtrack_cli", *arguments, *look]

    def _say(self, title: str, arguments: Sequence[str]) -> None:
        self.steps += 1
        record = {"step": self.steps, "title": title, "command": ["medtrack", *arguments]}
        line = f"\n# {title}\n$ medtrack {' '.join(arguments)}"
        self._runtime.printer.show(Page(Kind.STEP, record, line))
        self._runtime.world.stdout.flush()

    def _check(self, arguments: Sequence[str], code: int, expected: int) -> None:
        if code != expected:
            what = f"a step of the demo ended with exit code {code}, not {expected}"
            raise DemoFailed(what, f"medtrack {' '.join(arguments)}")
