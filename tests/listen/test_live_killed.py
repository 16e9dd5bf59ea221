"""What signals and kill -9 leave of a terminal on which the live view stands."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM

import pytest

from medtrack_cli.output.live.screen import Guard
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.listen.terminal import Terminal
from tests.listen.test_live_terminal import deleted, say

UP = "\x1b[A"
# A shell that leaves a terminal as a program has left it, as those do that run a script.
SHELL = ("sh", "-c", 'stty -a >before; "$@"; echo "ended: $?"; sleep 1; stty -a >after', "sh")


@contextmanager
def shown(
    tool: Tool, broker: Broker, keys: str, shell: tuple[str, ...] = SHELL
) -> Iterator[tuple[Terminal, int]]:
    """Run the live view from a shell, with some events and a pane; give its process, too."""
    with Terminal(tool, "listen", program=shell, width=100) as terminal:
        terminal.await_ready()
        say(broker, *deleted(3))
        terminal.await_text("3 received")
        terminal.type(keys)
        terminal.await_text("held" if keys else "● listening")
        (pid,) = started_by(terminal.process.pid)
        yield terminal, pid


def started_by(pid: int) -> list[int]:
    """List the processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(each) for task in tasks for each in task.read_text("ascii").split()]


def is_there(pid: int) -> bool:
    """Return whether a process runs."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text("ascii").rpartition(")")[2].split()[0] != "Z"


def await_end(terminal: Terminal, code: int) -> None:
    """Wait until the shell has said how the view ended, on whichever screen that was still."""
    terminal.wait(lambda: f"ended: {code}".encode() in terminal.written)


def check_left(tool: Tool, terminal: Terminal) -> None:
    """The shell has its terminal: the first screen, a cursor, wrapping, the modes of before."""
    assert terminal.end() == 0
    assert (tool.folder / "after").read_text() == (tool.folder / "before").read_text()
    assert not terminal.emulator.aside
    assert not terminal.emulator.cursor.hidden
    assert terminal.written.rfind(b"\x1b[?7h") > terminal.written.rfind(b"\x1b[?7l")
    assert terminal.written.rfind(b"\x1b[?2026l") > terminal.written.rfind(b"\x1b[?2026h")


def test_a_killed_view_leaves_a_terminal_and_no_process(connected: Tool, broker: Broker) -> None:
    """After kill -9 in a pane the first screen, the cursor and the modes are back."""
    with shown(connected, broker, UP) as (terminal, pid):
        (guard,) = started_by(pid)
        os.kill(pid, SIGKILL)
        await_end(terminal, 137)
        check_left(connected, terminal)
        assert not is_there(guard)


@pytest.mark.long
@pytest.mark.parametrize("keys", ["", UP, f"{UP}\r"], ids=["log", "list", "event"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(SIGKILL, 137), (SIGTERM, 143), (SIGHUP, 129), (SIGINT, 130), (SIGQUIT, 131)],
    ids=["kill", "term", "hup", "int", "quit"],
)
def test_a_signal_leaves_a_terminal(
    connected: Tool, broker: Broker, keys: str, number: int, code: int
) -> None:
    """Whatever ends the view, and whatever it shows, `stty -a` says the same before and after."""
    with shown(connected, broker, keys) as (terminal, pid):
        (guard,) = started_by(pid)
        os.kill(pid, number)
        await_end(terminal, code)
        check_left(connected, terminal)
        assert not is_there(guard)


@pytest.mark.long
@pytest.mark.parametrize("keys", ["", UP], ids=["log", "list"])
def test_a_shell_that_edits_lines_keeps_its_own_modes(
    connected: Tool, broker: Broker, keys: str
) -> None:
    """After kill -9 a shell with job control has its prompt; the guard doesn't meddle with it."""
    shell = ("bash", "--norc", "-i", "-c", 'set -m; "$@"; exec bash --norc -i', "sh")
    with shown(connected, broker, keys, shell) as (terminal, pid):
        os.kill(pid, SIGKILL)
        terminal.await_text("Killed")
        terminal.type("echo $((6 * 7)")
        terminal.await_text("echo $((6 * 7)")
        time.sleep(0.5)  # the guard looks at the modes meanwhile
        terminal.type("x\x7f)\r")
        terminal.await_text("echo $((6 * 7))\n42")
        assert not terminal.emulator.cursor.hidden
        assert not terminal.emulator.aside


@pytest.mark.long
@pytest.mark.parametrize("keys", ["", UP], ids=["log", "list"])
def test_a_stopped_view_leaves_a_terminal_and_takes_it_again(
    connected: Tool, broker: Broker, keys: str
) -> None:
    """Suspended it is as at the end; killed after it went on, too."""
    with shown(connected, broker, keys) as (terminal, pid):
        os.kill(pid, signal.SIGTSTP)
        terminal.wait(lambda: terminal.attributes == terminal.before)
        terminal.wait(lambda: not (terminal.emulator.cursor.hidden or terminal.emulator.aside))
        os.kill(pid, signal.SIGCONT)
        terminal.wait(lambda: terminal.attributes != terminal.before)
        terminal.wait(lambda: bool(terminal.emulator.aside) is bool(keys))
        guards = started_by(pid)
        os.kill(pid, SIGKILL)
        await_end(terminal, 137)
        check_left(connected, terminal)
        assert len(guards) == 1
        assert not is_there(guards[0])


@pytest.mark.long
@pytest.mark.parametrize("number", [SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_a_view_ends_without_its_guard(connected: Tool, broker: Broker, number: int) -> None:
    """Nothing waits for a guard that was killed, or that never ends."""
    with shown(connected, broker, "") as (terminal, pid):
        (guard,) = started_by(pid)
        os.kill(guard, number)
        terminal.type(f"{UP}q")
        terminal.await_text("● listening")
        terminal.type("q")
        await_end(terminal, 0)
        check_left(connected, terminal)
        assert not is_there(guard)


def test_where_nothing_can_be_started_there_is_no_guard(tmp_path: Path) -> None:
    """A view needs no process beside it."""
    with (tmp_path / "terminal").open("wb") as file:
        guard = Guard(file.fileno())
        before, others = resource.getrlimit(resource.RLIMIT_NOFILE), started_by(os.getpid())
        resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno() + 1, before[1]))
        try:
            guard.begin(["echo"])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert started_by(os.getpid()) == others
        guard.tell("log")
        guard.dismiss()
    assert not (tmp_path / "terminal").read_bytes()
