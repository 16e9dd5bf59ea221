"""The processes of one private broker: found by a mark in their environment, and ended.

Erlang starts several (the runtime, epmd, a port helper, a resolver), in sessions of their own and
some of them detached; their environment is the one thing they all inherit. The mark contains a
random token, so that a recycled process id or another user's broker is never mistaken for ours.
"""

import os
import re
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from medtrack_cli import programs

MARK = "MEDTRACK_BROKER_PROCESS"
_PAUSE = 0.05  # seconds between two checks
_PROC = Path("/proc")


def marked(token: str) -> frozenset[int]:
    """Find the living processes with the token, but no zombies."""
    if Path("/proc/self/environ").exists():
        return marked_by_proc(token)
    return marked_by_ps(token)


def marked_by_proc(token: str) -> frozenset[int]:
    """Find them on Linux, where a minimal system has /proc but no `ps`."""
    mark = f"{MARK}={token}".encode()
    return frozenset(
        int(entry.name)
        for entry in _PROC.iterdir()
        if entry.name.isdigit() and mark in _environment(entry).split(b"\0")
    )


def marked_by_ps(token: str) -> frozenset[int]:
    """Find them with `ps`, on macOS and the BSDs."""
    listed = programs.run(["/bin/ps", "axeww", "-o", "pid=,command="])
    listed.check_returncode()
    line = re.compile(rf"^ *([0-9]+) .*\b{MARK}={re.escape(token)}(?: |$)", re.MULTILINE)
    return frozenset(
        int(found[1]) for found in line.finditer(listed.stdout.decode(errors="replace"))
    )


def any_runs(token: str, pids: frozenset[int]) -> bool:
    """Return whether one of these processes lives and has the token.

    During an exec a process shows no environment for a moment, so a living one is checked again.
    """
    for _ in range(10):
        if not pids.isdisjoint(marked(token)):
            return True
        if not any(_exists(pid) for pid in pids):
            return False
        time.sleep(_PAUSE)
    return False


def end(token: str, gently: int | None, patience: float) -> bool:
    """End every process with the token; False when there was none.

    `gently` is the Erlang runtime's process id, if known: it is asked with SIGTERM and given
    `patience` seconds to write its data. All that is left after that is killed.
    """
    found = marked(token)
    if gently in found and gently is not None:
        _send([gently], signal.SIGTERM)
        wait_gone(token, gently, patience)
    while left := marked(token):
        _send(left, signal.SIGKILL)
        time.sleep(_PAUSE)
    return bool(found)


def kill(token: str, pid: int) -> None:
    """Kill one process, if it has the token, and wait until it is gone."""
    if pid in marked(token):
        _send([pid], signal.SIGKILL)
        wait_gone(token, pid, patience=10)


def wait_gone(token: str, pid: int, patience: float) -> None:
    """Wait until a process has ended, at most `patience` seconds."""
    until = time.monotonic() + patience
    while pid in marked(token) and time.monotonic() < until:
        time.sleep(_PAUSE)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True


def _environment(entry: Path) -> bytes:
    try:
        return (entry / "environ").read_bytes()
    except OSError:  # another user's, or gone since it was listed
        return b""


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
