"""The tool as a process: real arguments, real pipes, real signals."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from tests.cli.forking import Forked, Session, forker

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "medtrack_cli"]

# Makes the terminal the process's own, so that its keys become signals, and runs the rest.
CLAIM = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
CLAIMING = [sys.executable, "-c", CLAIM]

Process = subprocess.Popen[bytes] | Forked


def environment() -> dict[str, str]:
    """Give what every process of the tool gets: nothing that settings of it are in."""
    own = ("MEDTRACK_", "XDG_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


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

    def __init__(
        self, process: Process, out: Path, err: Path, stdin: IO[bytes] | None = None
    ) -> None:
        self.process = process
        self._stdin = stdin
        self._out = out
        self._err = err

    @property
    def stdin(self) -> IO[bytes]:
        assert self._stdin is not None
        return self._stdin

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
        if self._stdin:
            self._stdin.close()
        code = self.process.wait(seconds)
        return Ran(code, self.out, self.err)


class Tool:
    """Runs the tool in a folder of its own, with a home, a state and a configuration of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._runs = 0
        self.environ = {
            **environment(),
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            **environ,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, *arguments: str, stdin: bytes = b"", seconds: float = 60, **environ: str) -> Ran:
        """Run to the end."""
        fed, out, err = (os.pipe() for _ in range(3))
        process = self.begin(arguments, (fed[0], out[1], err[1]), environ)
        for each in (fed[0], out[1], err[1]):
            os.close(each)
        with ThreadPoolExecutor(3) as pool:
            pool.submit(_feed, fed[1], stdin)
            told = [pool.submit(_read, each[0]) for each in (out, err)]
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        ran = Ran(code, *(each.result().decode("utf-8") for each in told))
        assert "Traceback" not in ran.out + ran.err, ran.err
        return ran

    def start(
        self,
        *arguments: str,
        piped: bool = False,
        to: int | None = None,
        command: Sequence[str] = COMMAND,
        **environ: str,
    ) -> Running:
        """Start a run; whatever is left of it is killed at the test's end.

        `to` is a descriptor for stdout in the place of the file.
        """
        self._runs += 1
        out, err = (self.folder / f"{self._runs}.{name}" for name in ("out", "err"))
        stdout, stderr = (os.open(each, os.O_WRONLY | os.O_CREAT, 0o666) for each in (out, err))
        read, write = os.pipe() if piped else (os.open(os.devnull, os.O_RDONLY), None)
        if to is not None:
            os.dup2(to, stdout, inheritable=False)
        process = self.begin(arguments, (read, stdout, stderr), environ, command)
        for each in (read, stdout, stderr):
            os.close(each)
        stdin = None if write is None else self._stack.enter_context(os.fdopen(write, "wb"))
        self._stack.callback(_kill, process)
        return Running(process, out, err, stdin)

    def begin(
        self,
        arguments: Sequence[str],
        streams: Sequence[int],
        environ: Mapping[str, str],
        command: Sequence[str] = COMMAND,
        session: Session = "",
    ) -> Process:
        """Begin a process on three descriptors, forked unless it's another command or start."""
        given = {**self.environ, **environ}
        if command is COMMAND and forker().serves(given):
            return forker().fork(arguments, streams, self.folder, given, session)
        stdin, stdout, stderr = streams
        return subprocess.Popen(
            [*(CLAIMING if session == "with terminal" else ()), *command, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=self.folder,
            env=given,
            start_new_session=bool(session),
        )

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


def _feed(end: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(end, "wb") as pipe:
        pipe.write(data)


def _read(end: int) -> bytes:
    with os.fdopen(end, "rb") as pipe:
        return pipe.read()


def _kill(process: Process) -> None:
    if process.poll() is None:
        process.kill()
        process.wait(10)
