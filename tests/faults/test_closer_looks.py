"""Better words for an error: the network is asked once, for a second at most, by who waits."""

import socket
import ssl
import time
from queue import SimpleQueue
from typing import Any

import pytest

from medtrack_cli.broker.amqp.link import Link, Lost
from medtrack_cli.broker.amqp.publisher import confirm_mode
from medtrack_cli.core.connection_settings import ConnectionSettings, TlsSettings
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, TopologyError
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.certificates import Received, raw_server
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message
from tests.faults.proxy import CERTIFICATE, hang_up, serving, silence

QUESTION = 1.0
SLACK = 0.9  # for a connection, and a busy machine


def mute(client: socket.socket, _received: Received) -> None:
    """Take the question and give no answer."""
    silence(client)


def test_a_missing_exchange_waits_a_second_for_its_hint(fragile_broker: PrivateBroker) -> None:
    """A management API that says nothing is asked once, and costs a second; the hint is there."""
    with raw_server(mute) as api:
        settings = settings_of(
            fragile_broker.amqp_url,
            exchange="nowhere",
            management_url=f"http://127.0.0.1:{api.port}",
        )
        started = time.monotonic()
        published = publish(settings, [message(1), message(2)], retry_for=20)
        seconds = time.monotonic() - started
    assert isinstance(published.error, TopologyError)
    assert "rabbitmqctl list_exchanges" in published.error.hint
    assert api.clients == 1
    assert seconds < QUESTION + SLACK


def test_a_missing_vhost_waits_a_second_for_its_hint(fragile_broker: PrivateBroker) -> None:
    """So it is with a vhost, however long it may be tried."""
    with raw_server(mute) as api:
        url = fragile_broker.amqp_url.removesuffix("%2F") + "nowhere"
        settings = settings_of(url, management_url=f"http://127.0.0.1:{api.port}")
        started = time.monotonic()
        published = publish(settings, [message()], retry_for=20)
        seconds = time.monotonic() - started
    assert isinstance(published.error, TopologyError)
    assert "rabbitmqctl list_vhosts" in published.error.hint
    assert api.clients == 1
    assert seconds < QUESTION + SLACK


def test_a_loss_is_told_before_anybody_is_asked(fragile_broker: PrivateBroker) -> None:
    """The thread that reads from the broker asks nobody: the loss is told at once."""
    with raw_server(mute) as api:
        settings = settings_of(
            fragile_broker.amqp_url,
            exchange="nowhere",
            management_url=f"http://127.0.0.1:{api.port}",
        )
        inbox: SimpleQueue[Any] = SimpleQueue()
        link = Link(settings, settings.hosts[0], inbox, confirm_mode)
        link.start()
        inbox.get(timeout=10)
        link.call(lambda channel: channel.basic_publish("nowhere", "a", b""))
        lost = inbox.get(timeout=QUESTION / 2)
        asked_before = api.clients
        closer = lost.failure.looked_at(Stop())
        link.close()
    assert isinstance(lost, Lost)
    assert (asked_before, api.clients) == (0, 1)
    assert closer.error.what == lost.failure.error.what


def stalling(context: Any, *, taken: int) -> Any:
    """Take so many TLS connections, and stall in the handshakes of all others."""

    def answer(client: socket.socket, received: Received) -> None:
        if received.clients > taken:
            silence(client)
        with context.wrap_socket(client, server_side=True) as peer:
            silence(peer)

    return answer


def test_a_certificate_is_looked_at_for_a_second() -> None:
    """A server that stalls at the second look is told without the certificate's names or dates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with raw_server(stalling(context, taken=1)) as server:
        started = time.monotonic()
        published = publish(untrusted(server.port), [message()], retry_for=20)
        seconds = time.monotonic() - started
    assert isinstance(published.error, AccessRefused)
    assert "signed by itself" in published.error.what
    assert server.clients == 2
    assert seconds < QUESTION + SLACK


def untrusted(port: int) -> ConnectionSettings:
    """Want TLS of a server that nobody trusts."""
    return settings_of(f"amqps://a:b@localhost:{port}", tls=TlsSettings())


def test_a_host_that_hangs_up_is_looked_at_once() -> None:
    """Whether a host that hangs up speaks TLS is asked once, not at each of many tries."""
    seen: list[socket.socket] = []

    def answer(client: socket.socket) -> None:
        seen.append(client)
        hang_up(client) if client.recv(8).startswith(b"AMQP") else silence(client)

    with serving(answer) as port:
        started = time.monotonic()
        published = publish(settings_of(f"amqp://a:b@127.0.0.1:{port}"), [message()], retry_for=4)
        seconds = time.monotonic() - started
    assert isinstance(published.error, BrokerUnreachable)
    tries = sum(note.startswith("connecting") for note in published.notes)
    assert tries > 1
    assert len(seen) == tries + 1
    assert seconds < 4 + SLACK


@pytest.mark.parametrize("wanted", ["stop", "timeout"])
def test_whoever_wants_to_end_waits_for_no_hint(wanted: str, fragile_broker: PrivateBroker) -> None:
    """A question is left when a signal comes, or the time of the run is over."""
    stop = Stop()

    def ask(client: socket.socket, received: Received) -> None:
        if wanted == "stop":
            stop.request(130)
        mute(client, received)

    with raw_server(ask) as api:
        settings = settings_of(
            fragile_broker.amqp_url,
            exchange="nowhere",
            management_url=f"http://127.0.0.1:{api.port}",
        )
        started = time.monotonic()
        published = publish(
            settings, [message()], stop, timeout=0.3 if wanted == "timeout" else None
        )
        seconds = time.monotonic() - started
    assert len(published.receipts) == 1
    assert api.clients == 1
    assert seconds < SLACK + 0.4
