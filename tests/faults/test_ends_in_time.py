"""A time that is up, or a signal, ends each wait within a second, whatever the line does."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, NamedTuple

import pytest
from pika import spec

from medtrack_cli.core.connection_settings import ConnectionSettings, Host, TlsSettings
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import TimedOut
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.certificates import raw_server
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message
from tests.cli.tool import Tool
from tests.faults.breaking import alarmed, durable, paused
from tests.faults.fake_broker import Send, fake_broker
from tests.faults.proxy import LOOPBACK, Proxy, serving, silence

OVER = 1.0
AFTER = 1.2  # seconds, into the wait
SENT = 400


class Wait(NamedTuple):
    """What a publisher waits for: its broker, and what it reads, when it reads it."""

    settings: ConnectionSettings
    source: Iterator[Message]


def some(count: int = 20) -> Iterator[Message]:
    """Give a few messages."""
    return (message(each) for each in range(1, count + 1))


def at(port: int, **more: Any) -> ConnectionSettings:
    """Connect to a port of this machine."""
    return settings_of("amqp://admin:password@h", hosts=(Host(LOOPBACK, port),), **more)


@contextmanager
def black_hole(_broker: PrivateBroker) -> Iterator[Wait]:
    """Send the first packet of a connection, which nobody answers."""
    with socket.create_server((LOOPBACK, 0), backlog=0) as server, socket.socket() as filler:
        filler.connect(server.getsockname())
        with socket.socket() as another:  # some kernels take one more
            another.settimeout(0)
            another.connect_ex(server.getsockname())
            yield Wait(at(server.getsockname()[1]), some())


@contextmanager
def mute(_broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for the first word of a server."""
    with serving(silence) as port:
        yield Wait(at(port), some())


@contextmanager
def mute_tls(_broker: PrivateBroker) -> Iterator[Wait]:
    """Wait in the middle of a TLS handshake."""
    with serving(silence) as port:
        yield Wait(at(port, tls=TlsSettings()), some())


@contextmanager
def dead_line(broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for answers to what is in flight, on a line that has died."""
    with Proxy(broker.amqp_port) as proxy, durable(broker, "tests.ends"):

        def source() -> Iterator[Message]:
            yield from some(SENT)
            time.sleep(0.5)
            proxy.freeze()
            yield from (message(each) for each in range(SENT + 1, 2 * SENT + 1))

        yield Wait(settings_of(proxy.through(broker.amqp_url)), source())
        assert proxy.faults


@contextmanager
def full_window(broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for room in the socket, on a line from which nobody reads."""
    with Proxy(broker.amqp_port) as proxy, durable(broker, "tests.ends"):

        def source() -> Iterator[Message]:
            yield from some(SENT)
            time.sleep(0.5)
            proxy.stall()
            large = b"x" * 1_000_000
            yield from (message(each)._replace(body=large) for each in range(SENT + 1, SENT + 20))

        yield Wait(settings_of(proxy.through(broker.amqp_url)), source())
        assert proxy.faults


@contextmanager
def idle(broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for input that doesn't come, on a line that has died."""
    over = threading.Event()
    with Proxy(broker.amqp_port) as proxy, durable(broker, "tests.ends"):

        def source() -> Iterator[Message]:
            yield from some(SENT)
            time.sleep(0.5)
            proxy.freeze()
            over.wait()

        yield Wait(settings_of(proxy.through(broker.amqp_url)), source())
        over.set()
        assert proxy.faults


@contextmanager
def blocked(broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for the end of an alarm."""
    with durable(broker, "tests.ends"), alarmed(broker):
        yield Wait(settings_of(broker.amqp_url), some())


@contextmanager
def frozen(broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for a broker whose process is stopped."""
    with durable(broker, "tests.ends"):

        def source() -> Iterator[Message]:
            yield from some(SENT)
            time.sleep(0.5)
            stack.__enter__()
            yield from (message(each) for each in range(SENT + 1, 2 * SENT + 1))

        stack = paused(broker)
        yield Wait(settings_of(broker.amqp_url), source())
        stack.__exit__(None, None, None)


@contextmanager
def regaining(broker: PrivateBroker) -> Iterator[Wait]:
    """Wait for a connection in the place of one that was lost, where nobody answers now."""
    with Proxy(broker.amqp_port) as proxy, durable(broker, "tests.ends"), serving(silence) as port:
        hosts = (Host(LOOPBACK, proxy.port), Host(LOOPBACK, port))

        def source() -> Iterator[Message]:
            yield from some(SENT)
            time.sleep(0.5)
            proxy.faults += 1
            proxy.close()
            yield from (message(each) for each in range(SENT + 1, 2 * SENT + 1))

        yield Wait(settings_of(broker.amqp_url, hosts=hosts), source())
        assert proxy.faults


Phase = Callable[[PrivateBroker], AbstractContextManager[Wait]]
WAITS: tuple[Phase, ...] = (
    black_hole,
    mute,
    mute_tls,
    dead_line,
    full_window,
    idle,
    blocked,
    frozen,
    regaining,
)
QUICK = {mute, dead_line}
EACH = [
    pytest.param(each, id=each.__name__, marks=[] if each in QUICK else [pytest.mark.long])
    for each in WAITS
]


@pytest.mark.parametrize("phase", EACH)
def test_a_timeout_ends_each_wait(fragile_broker: PrivateBroker, phase: Phase) -> None:
    """--timeout is passed by a second at most, and each event has one receipt."""
    with phase(fragile_broker) as wait:
        started = time.monotonic()
        published = publish(wait.settings, wait.source, timeout=AFTER, retry_for=60)
        over = time.monotonic() - started - AFTER
    assert isinstance(published.error, TimedOut), published.error
    assert len({each.position for each in published.receipts}) == len(published.receipts)
    assert over < OVER


@pytest.mark.parametrize("phase", EACH)
def test_a_signal_ends_each_wait(fragile_broker: PrivateBroker, phase: Phase) -> None:
    """A signal ends within a second, on a line on which nothing comes, whatever is in flight."""
    stop = Stop()
    asked_at: list[float] = []

    def ask() -> None:
        asked_at.append(time.monotonic())
        stop.request(130)

    with phase(fragile_broker) as wait:
        timer = threading.Timer(AFTER, ask)
        timer.start()
        published = publish(wait.settings, wait.source, stop, retry_for=60)
        seconds = time.monotonic() - asked_at[0]
    assert len({each.position for each in published.receipts}) == len(published.receipts)
    assert seconds < OVER


@pytest.mark.parametrize(
    ("late", "outcome"),
    [(2, Outcome.CONFIRMED), pytest.param(7, Outcome.UNKNOWN, marks=pytest.mark.long)],
)
def test_a_broker_that_is_there_has_five_seconds(late: float, outcome: Outcome) -> None:
    """A signal waits for answers that are slow, as long as the broker says anything: 5 s."""
    stop = Stop()

    def answer(send: Send, count: int) -> None:
        if count:
            stop.request(130)
            threading.Timer(late, suppressing, (send, spec.Basic.Ack(count))).start()

    with fake_broker(answer) as port:
        started = time.monotonic()
        published = publish(at(port), some(1), stop)
        seconds = time.monotonic() - started
    assert [each.outcome for each in published.receipts] == [outcome]
    assert seconds < min(late, 5) + OVER


def suppressing(send: Send, ack: spec.Basic.Ack) -> None:
    """Answer whoever is still there."""
    with suppress(OSError):
        send(ack)


def test_a_dry_run_asks_no_longer_than_its_timeout(tool: Tool) -> None:
    """`publish --dry-run --timeout` leaves a management API that says nothing."""
    with raw_server(lambda peer, _received: silence(peer)) as api:
        url = f"http://127.0.0.1:{api.port}"
        command = ("publish", "user.created", "--count", "1", "--dry-run", "--timeout", "2")
        ran = tool.run(*command, MEDTRACK_MANAGEMENT_URL=url)
    assert ran.code == 0
    assert api.clients == 1
    assert "gave no whole answer within 2 s" in ran.err


def test_ctrl_c_ends_a_dry_run(tool: Tool) -> None:
    """A signal leaves a management API that says nothing."""
    with raw_server(lambda peer, _received: silence(peer)) as api:
        url = f"http://127.0.0.1:{api.port}"
        command = ("publish", "user.created", "--count", "1", "--dry-run")
        running = tool.start(*command, MEDTRACK_MANAGEMENT_URL=url)
        while not api.clients:
            time.sleep(0.01)
        running.signal(signal.SIGINT)
        started = time.monotonic()
        ran = running.end(10)
        seconds = time.monotonic() - started
    assert ran.code == 130
    assert seconds < OVER
