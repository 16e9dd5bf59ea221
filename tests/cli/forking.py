"""Processes of the tool that are forked from one that has imported it.

Each has its own pid, streams, terminal, folder, environment and end, as any other; only Python's
start and the imports, nine tenths of the work of a short run, are done once. What tests just that
starts `COMMAND` itself.
"""

import atexit
import fcntl
import gc
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Literal

HEAD = struct.Struct("!Q")  # how long a wish is
# Variables that are read at Python's start or by an import, and never again.
AT_START = ("PYTHON", "LC_", "LANG", "LD_", "PYDANTIC_")

Session = Literal["", "new", "with terminal"]  # the terminal is the one on stdin


class Forked:
    """A process of the tool; its methods are those of a Popen."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid = int(self._hear())
        self.returncode: int | None = None

    def _hear(self) -> bytes:
        said = self._told.recv(64)
        assert said, "the process that forks has died"
        return said

    def poll(self) -> int | None:
        """Give the exit code, if it has ended."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give the exit code."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("medtrack", timeout or 0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        self.returncode = int(self._hear())
        self._told.close()

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just been waited for
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forker:
    """The process that forks, as seen from here."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._kept = _kept(environ)
        self._lock = Lock()
        self._wishes, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**environ},
                cwd=Path(__file__).parents[2],
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def close(self) -> None:
        """Let it end; what it has forked goes on."""
        self._wishes.close()
        self._process.wait(10)

    def serves(self, environ: Mapping[str, str]) -> bool:
        """Return whether Python would start in the same way."""
        return _kept(environ) == self._kept

    def fork(
        self,
        arguments: Sequence[str],
        streams: Sequence[int],
        folder: Path,
        environ: Mapping[str, str],
        session: Session = "",
    ) -> Forked:
        """Run a command line on three descriptors."""
        os.umask(umask := os.umask(0o77))
        wish = json.dumps([arguments, os.fspath(folder), umask, dict(environ), session]).encode()
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)  # each number comes by itself
        with theirs, self._lock:
            socket.send_fds(self._wishes, [HEAD.pack(len(wish))], [*streams, theirs.fileno()])
            self._wishes.sendall(wish)
        return Forked(ours)


def _kept(environ: Mapping[str, str]) -> list[object]:
    """Give what a process has from its start on, and what it inherits."""
    limits = [resource.getrlimit(each) for each in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)]
    ignored = [signal.getsignal(each) is signal.SIG_IGN for each in (signal.SIGHUP, signal.SIGINT)]
    return [limits, ignored, {name: environ[name] for name in environ if name.startswith(AT_START)}]


@cache
def forker() -> Forker:
    """Give this worker's own."""
    from tests.cli.tool import environment

    return Forker(environment())


def _import_all() -> None:
    """Import whatever the tool imports when it comes to it, and know its commands."""
    import medtrack_cli
    from medtrack_cli.app import tree

    others = ["medtrack_cli.pytest_plugin", "medtrack_cli.testing"]  # bring pytest, and its 7 MB
    if not find_spec("cel_expr_python"):  # an extra, without a wheel for some Pythons
        others.append("medtrack_cli.cel")
    for each in pkgutil.walk_packages(medtrack_cli.__path__, "medtrack_cli."):
        if not each.name.startswith(tuple(others)):
            import_module(each.name)
    tree()


def _serve(wishes: int) -> list[str] | None:
    """Fork at every wish; give the arguments in the process that was forked."""
    rung, bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(bell)
    running: dict[int, int] = {}
    with socket.socket(fileno=wishes) as control:
        while True:
            ready = select.select([wishes, rung], [], [])[0]
            if rung in ready:
                os.read(rung, 4096)
                _tell_of_ends(running)
            if wishes not in ready:
                continue
            head, received, _, _ = socket.recv_fds(control, HEAD.size, 4)
            if not head:
                return None
            wish = json.loads(control.recv(HEAD.unpack(head)[0], socket.MSG_WAITALL))
            *streams, told = received
            if pid := os.fork():
                for each in streams:
                    os.close(each)
                os.write(told, str(pid).encode())
                running[pid] = told
                continue
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (rung, bell, told, *running.values()):
                os.close(each)
            break
    return _become(streams, *wish)


def _tell_of_ends(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        told = running.pop(pid)
        with suppress(BrokenPipeError):  # nobody waits for it
            os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(told)


def _become(  # noqa: PLR0913, PLR0917 -- a process has as many parts
    streams: list[int],
    arguments: list[str],
    folder: str,
    umask: int,
    environ: dict[str, str],
    session: Session,
) -> list[str]:
    """Be as the start of Python would have made this process."""
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    if session:
        os.setsid()
    if session == "with terminal":
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(folder)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    old = sys.stdout
    sys.stdout = os.fdopen(1, "w", encoding=old.encoding, errors=old.errors, closefd=False)
    sys.argv[1:] = arguments
    return arguments


def _main() -> None:
    from medtrack_cli.__main__ import main

    _import_all()
    gc.collect()
    gc.freeze()
    arguments = _serve(int(sys.argv[1]))
    if arguments is not None:
        main(arguments)


if __name__ == "__main__":
    _main()
