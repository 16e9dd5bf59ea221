"""The private broker: apart from the system, started once, ended whole."""

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pika
import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker, processes
from medtrack_cli.private_broker import node as private_node
from tests.broker.starting import command_lines, start, start_process, token


@contextmanager
def channel(broker: PrivateBroker) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
    """Open a channel with the broker's own URL."""
    with pika.BlockingConnection(pika.URLParameters(broker.amqp_url)) as connection:
        yield connection.channel()


def listening(pids: frozenset[int]) -> set[tuple[str, int]]:
    """Read from /proc where processes listen: addresses as the kernel writes them, and ports."""
    inodes = set()
    for pid in pids:
        with suppress(FileNotFoundError):  # it has ended, or closed it
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                if found := re.fullmatch(r"socket:\[([0-9]+)\]", str(descriptor.readlink())):
                    inodes.add(found[1])
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    local = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in inodes]
    return {(address, int(port, 16)) for address, port in local}


def test_every_listener_is_on_loopback(private_broker: PrivateBroker) -> None:
    """AMQP, management, distribution and epmd listen on 127.0.0.1 or ::1, and nothing else does."""
    node = private_node.load(private_broker.folder)
    assert node is not None
    found = listening(processes.marked(node.token))
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert {address for address, _ in found} <= loopback
    assert {port for _, port in found} == {
        node.amqp_port,
        node.management_port,
        node.distribution_port,
        node.epmd_port,
    }


def test_the_exchange_is_ready(private_broker: PrivateBroker) -> None:
    """After the start the guide's exchange is there: topic, durable."""
    listed = private.rabbitmqctl(private_broker, "list_exchanges", "name", "type", "durable")
    assert "medtrack.events\ttopic\ttrue" in listed.splitlines()


def test_management_answers_the_development_credentials(private_broker: PrivateBroker) -> None:
    """The management API takes the guide's credentials and reports the version we report."""
    url = f"http://127.0.0.1:{private_broker.management_port}/api/overview"
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    passwords.add_password(None, url, "admin", "password", is_authenticated=True)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    with opener.open(url, timeout=10) as answer:
        overview = json.load(answer)
    assert overview["rabbitmq_version"] == private_broker.version
    assert private_broker.management_url == (
        f"http://admin:password@127.0.0.1:{private_broker.management_port}"
    )


def test_starting_again_returns_the_running_one(private_broker: PrivateBroker) -> None:
    """A second start starts nothing and says so."""
    again = start(private_broker.folder)
    assert again.already_running
    assert not private_broker.already_running
    assert (again.pid, again.amqp_url) == (private_broker.pid, private_broker.amqp_url)
    assert private.status(private_broker.folder) == again


def test_secrets_stay_in_the_folder(private_broker: PrivateBroker) -> None:
    """The folder and cookie are their owner's alone, and the cookie is in no argument list."""
    cookie = private_broker.folder / "home" / ".erlang.cookie"
    assert private_broker.folder.stat().st_mode & 0o777 == 0o700
    assert cookie.stat().st_mode & 0o077 == 0
    assert (private_broker.folder / "rabbitmq.conf").stat().st_mode & 0o077 == 0
    listed = command_lines()
    assert str(private_broker.folder) in listed
    assert cookie.read_text() not in listed


def test_both_ways_of_finding_processes_agree(private_broker: PrivateBroker) -> None:
    """`ps` and /proc find the same processes: the runtime, epmd and Erlang's helpers."""
    mark = token(private_broker.folder)
    by_ps = processes.marked_by_ps(mark)
    assert by_ps == processes.marked(mark)
    assert private_broker.pid in by_ps
    assert len(by_ps) >= 4


def test_it_runs_in_a_session_of_its_own(private_broker: PrivateBroker) -> None:
    """No process of the broker shares our session or group, so that Ctrl-C reaches none."""
    for pid in processes.marked(token(private_broker.folder)):
        assert os.getsid(pid) != os.getsid(0)
        assert os.getpgid(pid) != os.getpgid(0)


def test_two_starts_at_once_give_one_broker(private_broker: PrivateBroker, state: Path) -> None:
    """Two processes that start a folder's broker get the same one, beside one that runs already."""
    with start_process(state) as one, start_process(state) as other:
        answers = sorted(json.loads(process.communicate()[0]) for process in (one, other))
    assert [already for already, _, _ in answers] == [False, True]
    assert answers[0][1:] == answers[1][1:]
    assert answers[0][2] != private_broker.amqp_port
    neighbour = private.status(private_broker.folder)
    assert neighbour is not None
    assert neighbour.ready


@pytest.mark.long
def test_data_and_ports_survive_a_kill_and_a_stop(state: Path) -> None:
    """A killed and a stopped broker come back on their ports, with their persistent messages."""
    first = start(state)
    with channel(first) as opened:
        opened.queue_declare("kept", durable=True)
        opened.confirm_delivery()
        opened.basic_publish("", "kept", b"x", pika.BasicProperties(delivery_mode=2))
    # RabbitMQ 3 writes a queue's declaration to disk a moment after it has agreed to it.
    private.rabbitmqctl(first, "eval", "mnesia:sync_log().")
    private.kill(first)
    killed = private.status(state)
    assert killed is None or not killed.ready
    second = start(state)
    assert private.stop(state)
    assert processes.marked(token(state)) == frozenset()
    assert private.status(state) is None
    assert not private.stop(state)
    third = start(state)
    assert first.amqp_url == second.amqp_url == third.amqp_url
    assert first.management_url == third.management_url
    assert len({first.pid, second.pid, third.pid}) == 3
    with channel(third) as opened:
        assert opened.queue_declare("kept", passive=True).method.message_count == 1
    assert private.stop(state, erase=True)
    assert not state.exists()


@pytest.mark.long
def test_settings_of_the_system_are_not_ours(state: Path, tmp_path: Path) -> None:
    """RABBITMQ_ and ERL_ variables of the caller's don't reach the broker, nor does HOME."""
    home = tmp_path / "home"
    home.mkdir()
    broker = start(
        state,
        HOME=str(home),
        RABBITMQ_NODENAME="somebody@localhost",
        RABBITMQ_NODE_PORT="5672",
        RABBITMQ_MNESIA_BASE=str(tmp_path / "theirs"),
        ERL_FLAGS="-bogus",
        ERL_EPMD_PORT="4369",
    )
    status = private.rabbitmqctl(broker, "eval", "node().")
    assert status.strip() == f"'medtrack-{token(state)}@localhost'"
    assert list(home.iterdir()) == []
    assert not (tmp_path / "theirs").exists()


def test_the_state_folder_follows_the_xdg_specification() -> None:
    """XDG_STATE_HOME counts when it is absolute; ~/.local/state stands in."""
    fallback = Path("/home/someone/.local/state/medtrack/broker/default")
    assert private.state_folder({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "demo") == Path(
        "/s/medtrack/broker/demo"
    )
    assert private.state_folder({"HOME": "/home/someone"}) == fallback
    assert private.state_folder({"HOME": "/home/someone", "XDG_STATE_HOME": "rel"}) == fallback
