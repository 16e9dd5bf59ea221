"""stderr that takes nothing: exit code and stdout are those of a run whose stderr is read."""

import json
import os
import pty
import re
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from medtrack_cli.private_broker import PrivateBroker
from tests.builders import numbered
from tests.cli.tool import COMMAND, Tool
from tests.faults.breaking import durable
from tests.faults.proxy import Proxy, free_port

VARYING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+\.\d+ s\b|\"(seconds|received_at)\":[^,}]*"
)


def filled(descriptor: int) -> None:
    """Write until nobody takes more."""
    os.set_blocking(descriptor, False)
    try:
        while os.write(descriptor, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(descriptor, True)


@contextmanager
def full() -> Iterator[int]:
    """Give a file on a full disk."""
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@contextmanager
def left() -> Iterator[int]:
    """Give a pipe whose reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextmanager
def unread() -> Iterator[int]:
    """Give a full pipe that nobody reads."""
    reading, writing = os.pipe()
    filled(writing)
    yield writing
    os.close(reading)
    os.close(writing)


@contextmanager
def terminal(*, stopped: bool) -> Iterator[int]:
    """Give a terminal stopped by Ctrl-S, or one whose window hangs."""
    ours, theirs = pty.openpty()
    if stopped:
        termios.tcflow(theirs, termios.TCOOFF)
    else:
        filled(theirs)
    yield theirs
    os.close(ours)
    os.close(theirs)


@contextmanager
def closed() -> Iterator[None]:
    """Close it, as 2>&- does."""
    yield None


Kind = Callable[[], AbstractContextManager[int | None]]
KINDS: Mapping[str, Kind] = {
    "full": full,
    "closed": closed,
    "left": left,
    "unread": unread,
    "stopped": lambda: terminal(stopped=True),
    "hung": lambda: terminal(stopped=False),
}


def start(tool: Tool, arguments: tuple[str, ...], stderr: int | None) -> "subprocess.Popen[bytes]":
    """Start a run with this stderr; None: closed."""
    closing = [] if stderr is not None else ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh"]
    return subprocess.Popen(
        [*closing, *COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=tool.folder,
        env=tool.environ,
    )


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, list[str]]:
    """Give the exit code, and stdout without what differs from run to run."""
    out, _ = process.communicate(timeout=60)
    return process.returncode, alike(out.decode())


def alike(out: str) -> list[str]:
    """Leave out what differs from run to run, the order of receipts too: it is the broker's."""
    return sorted(VARYING.sub("…", out).splitlines())


def compare(tool: Tool, arguments: tuple[str, ...], code: int) -> None:
    """Run with each kind of stderr at once, and compare with a run whose stderr is read."""
    received = tool.run(*arguments)
    assert received.code == code, received.err
    with ExitStack() as stack:
        runs = {
            name: start(tool, arguments, stack.enter_context(kind()))
            for name, kind in KINDS.items()
        }
        found = {name: ended(process) for name, process in runs.items()}
    assert found == dict.fromkeys(KINDS, (code, alike(received.out)))


@pytest.fixture
def stocked(away: Tool) -> Tool:
    """Give the tool beside a recording, and files with events of which one is invalid."""
    away.write("events.ndjson", b"".join(numbered(3)))
    away.write("bad.ndjson", b"".join([*numbered(3), b"{}\n"]))
    away.write("broken.yaml", "profiles: [")
    return away


LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("publish -f bad.ndjson --keep-going --allow-unroutable -vv -o json", 1),
        *(
            pytest.param(*row, marks=LONG)
            for row in (
                ("--help", 0),
                ("nonsense", 2),
                ("publish --nonsense", 2),
                ("publish -f events.ndjson --window 0", 2),
                ("publish -f bad.ndjson", 1),
                ("publish -f events.ndjson --allow-unroutable", 0),
                ("publish -f events.ndjson --dry-run", 0),
                ("publish -f events.ndjson --exchange nowhere", 76),
                ("publish -f events.ndjson --url amqp://admin:wrong@{at}/", 77),
                ("publish -f events.ndjson --host 127.0.0.1 --port {closed} -o json", 69),
                ("replay events.ndjson --speed max -o json", 1),
                ("publish -f nowhere", 66),
                ("replay missing.ndjson", 66),
                ("listen --timeout 0.5", 0),
                ("listen --expect student.created --timeout 0.5 -o human -q", 1),
                ("listen --queue nowhere --yes", 76),
                ("listen --format {{}}", 2),
                ("validate bad.ndjson missing.json -o human", 1),
                ("validate bad.ndjson -o json", 1),
                ("stats events.ndjson", 0),
                ("schema list", 0),
                ("schema check nowhere", 65),
                ("config show --profile local", 0),
                ("config show --profile nowhere", 78),
                ("config show --config broken.yaml -o json", 78),
                ("broker status", 1),
            )
        ),
    ],
)
def test_stderr_is_never_a_verdict(
    stocked: Tool, fragile_broker: PrivateBroker, command: str, code: int
) -> None:
    """Full, closed, left, unread, stopped or hung: nothing differs but what can't be read."""
    at = f"127.0.0.1:{fragile_broker.amqp_port}"
    arguments = tuple(command.format(at=at, closed=free_port()).split())
    compare(stocked, arguments, code)


@pytest.mark.parametrize(
    "kind", ["full", *(pytest.param(name, marks=LONG) for name in ("left", "unread"))]
)
def test_a_loss_is_survived_without_stderr(
    away: Tool, fragile_broker: PrivateBroker, kind: str
) -> None:
    """A connection is lost and regained: every event has its receipt, and is confirmed."""
    count = 3000
    name = away.write("events.ndjson", b"".join(numbered(count)))
    with (
        Proxy(fragile_broker.amqp_port) as proxy,
        durable(fragile_broker, "tests.unreceived"),
        KINDS[kind]() as stderr,
    ):
        url = proxy.through(fragile_broker.amqp_url)
        command = ("publish", "-f", name, "-o", "json", "--rate", "3000", "--url", url)
        process = start(away, command, stderr)
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(700)]
        proxy.cut()
        lines = [*seen, *process.stdout]
        assert process.wait(30) == 0
    assert proxy.faults == 1
    assert len(lines) == count + 1
    assert json.loads(lines[-1])["confirmed"] == count


def test_the_first_signal_ends_a_run_whose_stderr_nobody_reads(away: Tool) -> None:
    """SIGTERM: 143 within moments, and what was read has its receipt."""
    name = away.write("events.ndjson", b"".join(numbered(20)))
    command = ("publish", "-f", name, "-o", "json", "--allow-unroutable", "--rate", "2", "-vv")
    with KINDS["unread"]() as stderr:
        process = start(away, command, stderr)
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        lines = [first, *process.stdout]
        assert process.wait(20) == 143
    assert time.monotonic() - began < 4
    assert len(lines) == 21


def test_stderr_in_the_same_pipe_as_stdout(stocked: Tool) -> None:
    """2>&1 to a reader that is late: all of stdout comes, and what is said with it."""
    stocked.write("many.ndjson", b"{}\n" * 3000)
    command = ("validate", "many.ndjson", "missing.json", "-o", "json")
    alone = stocked.run(*command)
    process = start(stocked, command, subprocess.STDOUT)
    time.sleep(1)
    out, _ = process.communicate(timeout=60)
    lines = [
        line for line in VARYING.sub("…", out.decode()).splitlines() if "missing.json" not in line
    ]
    assert process.returncode == alone.code == 1
    assert lines == VARYING.sub("…", alone.out).splitlines()


def test_lines_wait_for_a_terminal_that_was_stopped(tool: Tool) -> None:
    """What is said while Ctrl-S stops the terminal comes with Ctrl-Q, if the run goes on."""
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    with subprocess.Popen(
        [
            *COMMAND,
            "listen",
            "--retry-for",
            "2.5",
            "--host",
            "127.0.0.1",
            "--port",
            f"{free_port()}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=tool.folder,
        env=tool.environ,
    ) as process:
        time.sleep(1.5)
        termios.tcflow(theirs, termios.TCOON)
        process.wait(20)
    said = os.read(ours, 65536)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 69
    assert b"connecting to" in said
