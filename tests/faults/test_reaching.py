"""Reaching a broker: past hosts that are down, mute or no brokers, and never all at once."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

import pytest

from medtrack_cli.broker.amqp.dialer import dial
from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.messages import Outcome
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import AccessRefused, BrokerUnreachable
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message, numbered
from tests.cli.tool import COMMAND, Tool
from tests.faults.breaking import durable
from tests.faults.fake_broker import CAPABILITIES, fake_broker
from tests.faults.memory import peak_memory
from tests.faults.proxy import LOOPBACK, free_port, garbage, hang_up, serving, silence


@pytest.mark.parametrize("dead", ["closed", "mute", "hangs up", "unknown name"])
def test_the_second_host_gets_its_turn(fragile_broker: PrivateBroker, dead: str) -> None:
    """Whatever is wrong with the first host, the second one is used within 11 s."""
    with (
        serving(silence) as mute,
        serving(hang_up) as hanging,
        durable(fragile_broker, "tests.second"),
    ):
        first = {
            "closed": Host(LOOPBACK, free_port()),
            "mute": Host(LOOPBACK, mute),
            "hangs up": Host(LOOPBACK, hanging),
            "unknown name": Host("nobody.invalid", 5672),
        }[dead]
        second = Host(LOOPBACK, fragile_broker.amqp_port)
        started = time.monotonic()
        published = publish(
            settings_of(fragile_broker.amqp_url, hosts=(first, second)), [message()]
        )
        seconds = time.monotonic() - started
    assert published.positions(Outcome.CONFIRMED) == [1], published.error
    assert [str(first) in published.notes[0], str(second) in published.notes[1]] == [True, True]
    assert seconds < 11


def test_a_proxy_whose_broker_is_down_is_tried_again(tool: Tool) -> None:
    """A connection that is taken and closed at once is no verdict: it is tried until time is up."""
    name = tool.write("events.ndjson", b"".join(numbered(2)))
    with serving(hang_up) as port:
        url = f"amqp://localhost:{port}/%2F"
        ran = tool.run("publish", "-f", name, "-o", "json", "--retry-for", "2", "--url", url)
    assert ran.code == 69
    assert ran.err.count("connecting to") > 1
    assert ran.summary["unsent"] == 2


@pytest.mark.parametrize("server", [silence, hang_up], ids=["mute", "hangs up"])
def test_the_timeout_counts_while_a_broker_is_sought(
    tool: Tool, server: Callable[[socket.socket], None]
) -> None:
    """When --timeout runs out before a connection stands, it is 75 in time; nothing was sent."""
    name = tool.write("events.ndjson", b"".join(numbered(2)))
    options = ("--retry-for", "60", "--timeout", "1.5")
    with serving(server) as port:
        started = time.monotonic()
        url = f"amqp://localhost:{port}/%2F"
        ran = tool.run("publish", "-f", name, "-o", "json", *options, "--url", url)
        seconds = time.monotonic() - started
    assert (ran.code, ran.summary["unsent"]) == (75, 2), ran.err
    assert seconds < 5


@pytest.mark.parametrize(
    ("mechanisms", "offered"),
    [
        ("EXTERNAL", "EXTERNAL"),
        ("SCRAM-SHA-256 EXTERNAL", "SCRAM-SHA-256, EXTERNAL"),
        ("", "none at all"),
    ],
)
def test_a_login_that_is_not_taken_is_no_wrong_password(mechanisms: str, offered: str) -> None:
    """A broker without PLAIN is told by what it takes, once, and nobody is sent to the password."""
    with fake_broker(lambda _send, _count: None, mechanisms) as port:
        settings = settings_of(f"amqp://a:hunter2@{LOOPBACK}:{port}")
        published = publish(settings, [message()], retry_for=20)
    assert isinstance(published.error, AccessRefused)
    assert published.error.what == f"the broker takes no login by PLAIN, but {offered}"
    assert "auth_mechanisms" in published.error.hint
    assert len(published.notes) == 1


@pytest.mark.parametrize("lacks", ["publisher_confirms", "basic.nack"])
def test_nothing_is_sent_that_cant_be_confirmed(lacks: str) -> None:
    """A broker without confirms is told so on the first try, and gets nothing."""
    came: list[int] = []
    capabilities = {name: name != lacks for name in CAPABILITIES}
    with fake_broker(lambda _send, count: came.append(count), capabilities=capabilities) as port:
        settings = settings_of(f"amqp://a:b@{LOOPBACK}:{port}")
        published = publish(settings, [message()], retry_for=20)
    assert isinstance(published.error, BrokerUnreachable)
    assert published.error.what.startswith("the broker can't confirm what it takes")
    assert (came, len(published.notes)) == ([], 1)


def test_a_flood_of_garbage_is_no_broker(tool: Tool) -> None:
    """A server that sends a gigabyte of nonsense is left in time, and the memory stays small."""
    name = tool.write("events.ndjson", b"".join(numbered(2)))
    with serving(garbage) as port:
        running = tool.start("publish", "-f", name, "--url", f"amqp://localhost:{port}/%2F")
        peak = peak_memory(running)
        ran = running.end()
    assert ran.code == 69, ran.err
    assert "Traceback" not in ran.err
    assert peak < 200


def test_clients_come_back_spread_out() -> None:
    """Of 100 clients that lost one broker, no moment of the first half second sees a crowd."""
    settings = ConnectionSettings((Host(LOOPBACK, free_port()),))
    firsts: list[float] = []

    def come_back() -> None:
        tries: list[float] = []
        with pytest.raises(BrokerUnreachable):
            dial(
                settings,
                SimpleQueue(),
                _nothing,
                seconds=0.6,
                again=True,
                note=lambda _line: tries.append(time.monotonic()),
                stop=Stop(),
            )
        firsts.append(tries[0])

    clients = [threading.Thread(target=come_back) for _ in range(100)]
    for each in clients:
        each.start()
    for each in clients:
        each.join(20)
    crowd = max(sum(start <= each < start + 0.05 for each in firsts) for start in firsts)
    assert len(firsts) == 100
    assert max(firsts) - min(firsts) > 0.4, "over 80 % of the first pause"
    assert crowd < 50


def _nothing(_link: object, _channel: object) -> None:
    """Set nothing up: nobody is reached."""


# Too few for both the socket and the file: whichever comes second is the error.
@pytest.mark.parametrize(("limit", "codes"), [(6, {66, 69}), (16, {0})])
def test_few_descriptors_are_enough_or_said(
    away: Tool, fragile_broker: PrivateBroker, limit: int, codes: set[int]
) -> None:
    """Sixteen open files are enough; where they are too few, that is the error."""
    name = away.write("events.ndjson", b"".join(numbered(3)))
    with durable(fragile_broker, "tests.few"):
        done = subprocess.run(
            ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *COMMAND, "publish", "-f", name],
            cwd=away.folder,
            env=away.environ,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode in codes, done.stderr
    assert "Traceback" not in done.stderr
    assert ("Too many open files" in done.stderr) is (limit < 16)
    assert ("ulimit -n" in done.stderr) is (done.returncode == 69)
    assert "broker start" not in done.stderr


def test_no_home_is_no_hindrance(away: Tool, fragile_broker: PrivateBroker) -> None:
    """With no home, or one that can't be written, publishing works."""
    name = away.write("events.ndjson", b"".join(numbered(3)))
    nowhere = "/proc/nowhere"
    with durable(fragile_broker, "tests.home"):
        ran = away.run(
            "publish", "-f", name, HOME=nowhere, XDG_STATE_HOME=nowhere, XDG_CONFIG_HOME=nowhere
        )
    assert ran.code == 0, ran.err
