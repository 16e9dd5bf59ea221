"""The tool as a process: real arguments, real pipes, real signals."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "medtrack_cli"]


class Ran(NamedTuple):
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Stdout as the JSON lines it must consist of."""
        return [json.loads(line) for line in self.out.removesuffix("\n").split("\n") if self.out]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of stdout."""
        return self.records[-1]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Only the records of one kind."""
        return [each for each in self.records if each["kind"] == kind]


class Running:
    """A run under way; its output grows in files, so it never waits for a reader."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    def await_text(self, text: str, seconds: float = 20, stream: str = "err") -> None:
        """Wait until a text has been printed."""
        until = time.monotonic() + seconds
        while text not in getattr(self, stream):
            assert self.process.poll() is None, f"ended before it said {text!r}: {self.err}"
            assert time.monotonic() < until, f"never said {text!r}: {self.err}"
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, seconds: float = 30) -> Ran:
        """Wait for its end."""
        if self.process.stdin:
            self.process.stdin.close()
        code = self.process.wait(seconds)
        return Ran(code, self.out, self.err)


class Tool:
    """Runs the tool in a folder of its own, with a home, a state and a configuration of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._runs = 0
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(("MEDTRACK_", "XDG_"))}
        self.environ = {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TERM": "xterm-256color",
            **environ,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, *arguments: str, stdin: bytes = b"", seconds: float = 60, **environ: str) -> Ran:
        """Run to the end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env={**self.environ, **environ},
            timeout=seconds,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))
        assert "Traceback" not in ran.out + ran.err, ran.err
        return ran

    def start(
        self, *arguments: str, piped: bool = False, to: int | None = None, **environ: str
    ) -> Running:
        """Start a run; whatever is left of it is killed at the test's end.

        `to` is a descriptor for stdout in the place of the file.
        """
        self._runs += 1
        out, err = (self.folder / f"{self._runs}.{name}" for name in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=stdout if to is None else to,
                stderr=stderr,
                cwd=self.folder,
                env={**self.environ, **environ},
            )
        self._stack.callback(_kill, process)
        return Running(process, out, err)

    def listen(self, *arguments: str, to: int | None = None) -> Running:
        """Start to listen in JSON, and wait for the ready line."""
        running = self.start("listen", "-o", "json", *arguments, to=to)
        running.await_text('"listening"')
        return running

    def write(self, name: str, content: bytes | str) -> str:
        """Write a file into the folder; its name is returned as an argument."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.folder / name).write_bytes(data)
        return name


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait(10)
    if process.stdin:
        process.stdin.close()
