"""One connection: how it names itself, how it ends, what TLS it accepts."""

import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.broker.amqp.link import Link, Lost, Opened, connection_parameters
from medtrack_cli.broker.tls import ssl_context
from medtrack_cli.core.connection_settings import TlsSettings
from medtrack_cli.errors import AccessRefused
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import settings_of
from tests.conftest import Broker
from tests.faults.proxy import CERTIFICATE, serving, silence


def opened(url: str) -> tuple[Link, "SimpleQueue[Any]"]:
    """Open a link and wait until it is."""
    settings = settings_of(url)
    inbox: SimpleQueue[Any] = SimpleQueue()
    link = Link(settings, settings.hosts[0], inbox, lambda link, _channel: link.opened())
    link.start()
    assert inbox.get(timeout=10) == Opened(link)
    return link, inbox


def test_a_closed_link_says_nothing_more(broker: Broker) -> None:
    """After `close` nothing comes from a link, and closing takes no time on a healthy broker."""
    link, inbox = opened(broker.amqp_url)
    started = time.monotonic()
    link.close()
    assert time.monotonic() - started < 1
    link.call(lambda _channel: pytest.fail("called on a closed link"))
    with pytest.raises(Empty):
        inbox.get(timeout=0.3)


def test_a_connection_names_itself(private_broker: PrivateBroker) -> None:
    """The broker's list of connections says that this one is medtrack's."""
    link, _ = opened(private_broker.amqp_url)
    listed = private.rabbitmqctl(private_broker, "list_connections", "client_properties")
    link.close()
    assert "medtrack" in listed


def test_a_connection_is_closed_in_good_order(private_broker: PrivateBroker) -> None:
    """The broker logs a closed connection, not one that broke off."""
    log = private_broker.folder / "log" / "rabbitmq.log"
    size = -1
    while size != log.stat().st_size:  # what came before may be logged late
        size = log.stat().st_size
        time.sleep(0.5)
    before = log.read_text().count("client unexpectedly closed")
    link, _ = opened(private_broker.amqp_url)
    link.close()
    time.sleep(0.3)
    assert log.read_text().count("client unexpectedly closed") == before


def test_exactly_one_loss_is_told() -> None:
    """A link that can't be made tells one loss, with an error, and nothing else."""
    with serving(lambda client: client.close()) as port:
        settings = settings_of(f"amqp://a:b@127.0.0.1:{port}")
        inbox: SimpleQueue[Any] = SimpleQueue()
        link = Link(settings, settings.hosts[0], inbox, lambda link, _channel: link.opened())
        link.start()
        lost = inbox.get(timeout=10)
        assert isinstance(lost, Lost)
        with pytest.raises(Empty):
            inbox.get(timeout=0.3)
        link.close()


def test_a_link_that_never_opens_can_be_closed_soon() -> None:
    """Closing a link on which the server is silent takes no longer than it was given."""
    with serving(silence) as port:
        settings = settings_of(f"amqp://a:b@127.0.0.1:{port}")
        link = Link(settings, settings.hosts[0], SimpleQueue(), lambda *_: None)
        link.start()
        time.sleep(0.2)
        started = time.monotonic()
        link.close(0.5)
        assert time.monotonic() - started < 2


def test_tls_is_always_checked() -> None:
    """Certificates and host names are required, and nothing older than TLS 1.2 is spoken."""
    context = ssl_context(TlsSettings(ca_file=CERTIFICATE))
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.minimum_version.name == "TLSv1_2"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_tls_files_that_cant_be_used_are_named(tmp_path: Path, content: bytes | None) -> None:
    """A certificate file that is missing or none is an error that names it."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    settings = settings_of("amqps://a:b@localhost", tls=TlsSettings(ca_file=path))
    with pytest.raises(AccessRefused, match="CA certificates") as caught:
        connection_parameters(settings, settings.hosts[0])
    assert "ca.pem" in caught.value.subject
