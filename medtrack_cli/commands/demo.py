"""medtrack demo."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from medtrack_cli.commands.options import command
from medtrack_cli.errors import DemoFailed, ExitCode
from medtrack_cli.runtime import Runtime

STEP_SECONDS = 60
REGISTRATION = "sample-events/registration.yaml"
INVALID = """\
{
  "event_type": "student.created",
  "payload": {
    "student_id": "550e8400-e29b-41d4-a716-446655440000",
    "user_id": "660e9500-f39c-52e5-b827-557766551111",
    "cin": "ZZ123456",
    "email": "amina.example-at-example.org",
    "phone": "+0001234567",
    "first_nmae": "Amina",
    "last_name": "Example"
  },
  "service": "external-registration-service",
  "timestamp": "2025-01-15T10:00:00Z",
  "version": "1.0"
}
"""


def demo(
    runtime: Runtime,
    *,
    install: Annotated[
        bool, typer.Option("--install", help="Install RabbitMQ's package when there is none.")
    ] = False,
) -> int:
    """Show it all in a minute: validate, publish, listen, record, replay, refuse.

    Runs the very commands it shows, on a private RabbitMQ that is gone afterwards.
    """
    printer = runtime.printer
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medtrack-demo-")))
        shutil.copytree(runtime.sample_folder, folder / "sample-events")
        (folder / "invalid.json").write_text(INVALID)
        stack.callback(runtime.stop_broker, "demo", erase=True)
        printer.note("starting a private RabbitMQ")
        broker = runtime.start_broker("demo", install=install)
        environ = {**runtime.world.environ, "MEDTRACK_URL": broker.amqp_url}
        show = _Show(runtime, folder, environ)
        show.run("What is in the samples?", ["validate", "sample-events"])
        with show.listening("Listen and record", ["--record", "morning.ndjson"]):
            show.run("Publish the registration of a student", ["publish", "-f", REGISTRATION])
        with show.listening("Listen again"):
            replay = ["replay", "morning.ndjson", "--speed", "10"]
            show.run("Replay what was recorded, ten times as fast", replay)
        refused = ["publish", "-f", "invalid.json"]
        show.run("An invalid event is refused before anything leaves", refused, expected=1)
    printer.summary("demo", {"steps": show.steps, "exit_code": 0}, "the private RabbitMQ is gone")
    return ExitCode.DONE


class _Show:
    """Runs medtrack as a person would, and says what it runs; raises when a step goes wrong."""

    def __init__(self, runtime: Runtime, folder: Path, environ: Mapping[str, str]) -> None:
        self._runtime = runtime
        self._folder = folder
        self._environ = environ
        self.steps = 0

    def run(self, title: str, arguments: list[str], expected: int = 0) -> None:
        """Run a command to its end, with its output where ours goes."""
        self._say(title, arguments)
        done = subprocess.run(  # noqa: S603 -- ourselves
            self._command(arguments),
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=self._runtime.world.stdout,
            stderr=self._runtime.world.stderr,
            timeout=STEP_SECONDS,
            check=False,
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
            env=self._environ,
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
        return [sys.executable, "-m", "medtrack_cli", *arguments, "-o", self._runtime.output]

    def _say(self, title: str, arguments: Sequence[str]) -> None:
        self.steps += 1
        record = {"step": self.steps, "title": title, "command": ["medtrack", *arguments]}
        line = f"\n# {title}\n$ medtrack {' '.join(arguments)}"
        self._runtime.printer.page("step", record, line)
        self._runtime.world.stdout.flush()

    def _check(self, arguments: Sequence[str], code: int, expected: int) -> None:
        if code != expected:
            what = f"a step of the demo ended with exit code {code}, not {expected}"
            raise DemoFailed(what, f"medtrack {' '.join(arguments)}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "demo", examples=["medtrack demo", "medtrack demo --install"])(demo)
