"""A private broker that fails, is killed or interrupted: what is said, and that nothing is left."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.errors import BrokerUnreachable, TimedOut
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker import processes, rabbitmq, telling_lines
from medtrack_cli.private_broker.folder_lock import locked
from medtrack_cli.private_broker.server import Server
from tests.broker.starting import await_runtime, command_lines, start, start_process, token


def test_an_interrupted_start_leaves_nothing(state: Path) -> None:
    """Ctrl-C during the start ends every process of the half-started broker."""
    with start_process(state) as starting:
        await_runtime(state)
        starting.send_signal(signal.SIGINT)
        starting.communicate()
    assert starting.returncode == -signal.SIGINT
    assert processes.marked(token(state)) == frozenset()


@pytest.mark.long
def test_a_start_that_was_killed_is_made_good_by_the_next(state: Path) -> None:
    """After SIGKILL in mid-start the next start gives one working broker and no second runtime."""
    with start_process(state) as starting:
        await_runtime(state)
        starting.kill()
    broker = start(state)
    assert broker.ready
    runtimes = [line for line in command_lines().splitlines() if f"{state}/home" in line]
    assert len(runtimes) == 1


def test_an_empty_cookie_is_made_anew(tmp_path: Path) -> None:
    """A cookie that a full disk has left empty keeps no later start from working."""
    node = private_node.Node(rabbitmq.Kind.SERVER, Path("server"), "token", 1, 2, 3, 4)
    server = Server(node, tmp_path)
    cookie = tmp_path / "home/.erlang.cookie"
    server.write_files()
    first = cookie.read_text()
    server.write_files()
    assert cookie.read_text() == first
    cookie.chmod(0o600)
    cookie.write_text("")
    server.write_files()
    assert len(cookie.read_text()) == len(first) == 48
    assert cookie.stat().st_mode & 0o777 == 0o600


def fake_server(folder: Path, text: str) -> dict[str, str]:
    """Put a server that fails in a way of its own where it is found first."""
    scripts = folder / "fake" / "sbin"
    scripts.mkdir(parents=True)
    for name in ("rabbitmq-server", "rabbitmq-env"):
        (scripts / name).write_text(f"#!/bin/sh\n{text}\n")
        (scripts / name).chmod(0o755)
    return {"RABBITMQ_HOME": str(folder / "fake")}


def test_a_crash_is_told_with_the_lines_that_matter(state: Path, tmp_path: Path) -> None:
    """A server that ends at once is an error whose hint quotes the telling lines of its log."""
    environ = fake_server(tmp_path, "echo starting; echo 'ERROR: port 5 in use'; echo bye; exit 1")
    with pytest.raises(BrokerUnreachable, match="ended while it started") as failure:
        start(state, **environ)
    assert failure.value.hint.splitlines()[1:] == ["ERROR: port 5 in use"]
    assert private.status(state) is None


def test_a_server_that_hangs_is_ended_at_the_deadline(state: Path, tmp_path: Path) -> None:
    """A broker that isn't ready in time is an error, and its processes are gone."""
    environ = os.environ | fake_server(tmp_path, "sleep 300")
    with pytest.raises(BrokerUnreachable, match=r"not ready in 0\.5 seconds"):
        private.start(state, environ=environ, announce=print, deadline=0.5)
    assert processes.marked(token(state)) == frozenset()


def test_a_port_taken_meanwhile_is_named(state: Path, tmp_path: Path) -> None:
    """RabbitMQ failing on a port somebody took is noticed at once, its port named, epmd ended."""
    real = rabbitmq.find_server(os.environ)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        environ = fake_server(tmp_path, f"export RABBITMQ_DIST_PORT={port}; exec {real}")
        with pytest.raises(BrokerUnreachable, match="ended while it started") as failure:
            start(state, **environ)
    assert f"port {port}" in failure.value.hint
    assert processes.marked(token(state)) == frozenset()


def test_ports_are_kept_unless_taken(state: Path) -> None:
    """A node keeps its ports from one start to the next, except for those in use by then."""
    installation = rabbitmq.Installation(rabbitmq.Kind.SERVER, state)
    first = private_node.prepare(installation, None)
    assert private_node.prepare(installation, first) == first
    with socket.create_server(("127.0.0.1", first.management_port)):
        second = private_node.prepare(installation, first)
    assert second.management_port != first.management_port
    assert (second.amqp_port, second.epmd_port) == (first.amqp_port, first.epmd_port)


def test_a_locked_folder_is_waited_for_and_given_up(state: Path) -> None:
    """While one start works on a folder another one waits, and fails when time is up."""
    with (
        locked(state, patience=0),
        pytest.raises(TimedOut, match="another start or stop"),
        locked(state, patience=0.1),
    ):
        pytest.fail("two held the lock")
    with locked(state, patience=0):
        assert (state / "lock").exists()


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (
            ["2026-01-01 00:00:00.0+00:00 [error] <0.1.0> reason: eaddrinuse", "an error", "bye"],
            ["reason: eaddrinuse"],
        ),
        (["start", "it failed", "bye"], ["it failed"]),
        (["one", "", "two"], ["one", "two"]),
        (["x" * 500 + "eacces"], ["…" + "x" * 100 + "eacces"]),
        (["2026-01-01 00:00:00.0+00:00 [info] <0.1.0> not found, never mind"], []),
    ],
)
def test_the_telling_lines_of_a_log(log: list[str], told: list[str]) -> None:
    """A cause goes before trouble, trouble before the last lines; long lines are cut."""
    assert telling_lines(log) == told


def test_a_stranger_with_our_old_process_id_is_left_alone(state: Path, tmp_path: Path) -> None:
    """A process id left in the folder that belongs to somebody else now is never signalled."""
    with pytest.raises(BrokerUnreachable):
        start(state, **fake_server(tmp_path, "exit 1"))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (state / "pid").write_text(str(stranger.pid))
        assert not private.stop(state)
        assert stranger.poll() is None
        stranger.kill()
