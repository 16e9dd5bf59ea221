"""What is reported when time runs out: what failed, and not that the last try had no time."""

import socket
import time
from collections.abc import Callable
from queue import SimpleQueue

import pytest
from pika import spec

from medtrack_cli.broker.amqp.dialer import dial
from medtrack_cli.broker.amqp.errors import connection_failure
from medtrack_cli.core.connection_settings import Host, TlsSettings
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import BrokerUnreachable, TimedOut
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message
from tests.faults.fake_broker import Answer, Send, fake_broker
from tests.faults.proxy import LOOPBACK, free_port, serving, silence

RETRY_FOR = 2


def closing(code: int) -> Answer:
    """Close each connection on which a message comes."""

    def close(send: Send, count: int) -> None:
        if count == 1:
            send(spec.Connection.Close(code, "because", 0, 0), channel=0)

    return close


@pytest.mark.parametrize(
    ("code", "messages"),
    [(320, 5), *(pytest.param(*each, marks=pytest.mark.long) for each in ((320, 1), (541, 5)))],
)
def test_a_broker_that_closes_each_connection_is_quoted(code: int, messages: int) -> None:
    """When the time to regain a connection is over, the broker's own words are the error."""
    with fake_broker(closing(code)) as port:
        settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, port),))
        sent = [message(each) for each in range(1, messages + 1)]
        published = publish(settings, sent, retry_for=RETRY_FOR)
    said = [
        published.error.what if published.error else "",
        *(r.reason for r in published.receipts),
    ]
    assert f"({code} because)" in "".join(said)
    assert "no answer in time" not in "".join(said)
    assert len(published.receipts) == messages


def hangs_up_then_hangs() -> Callable[[socket.socket], None]:
    """Reset the first client, and say nothing to the others."""
    seen: list[socket.socket] = []

    def answer(client: socket.socket) -> None:
        seen.append(client)
        if len(seen) == 1:
            client.recv(8)
            client.sendall(b"\x01")  # as a broker begins
            client.close()
        else:
            silence(client)

    return answer


def test_the_first_real_failure_is_kept() -> None:
    """A try that was only cut short tells less than one that failed before."""
    with serving(hangs_up_then_hangs()) as port:
        settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, port),))
        published = publish(settings, [message()], retry_for=RETRY_FOR + 1.5)
    assert isinstance(published.error, BrokerUnreachable)
    assert published.error.what == "not an AMQP broker"
    assert len([each for each in published.notes if each.startswith("connecting")]) > 1


@pytest.mark.parametrize("seconds", [0.3, 2.5])
def test_no_try_begins_in_the_last_second(seconds: float) -> None:
    """A try has a second at least, but for the first one, which is made however little there is."""
    settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, free_port()),))
    tries: list[float] = []
    started = time.monotonic()
    with pytest.raises(BrokerUnreachable, match="refused"):
        dial(
            settings,
            SimpleQueue(),
            lambda *_: None,
            seconds=seconds,
            again=True,
            note=lambda _line: tries.append(time.monotonic() - started),
            stop=Stop(),
        )
    assert tries
    assert all(each <= seconds - 0.8 for each in tries[1:]), tries


def test_a_timeout_names_what_failed_before_it() -> None:
    """--timeout that ends the search for a broker names the failure, and is a time-out."""
    settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, free_port()),))
    published = publish(settings, [message()], retry_for=60, timeout=1.5)
    assert isinstance(published.error, TimedOut)
    assert "connection refused" in published.error.what


def test_one_try_that_fails_is_no_timeout() -> None:
    """What fails at once is told as that, however near the end of --timeout is."""
    settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, free_port()),))
    published = publish(settings, [message()], timeout=0.5)
    assert isinstance(published.error, BrokerUnreachable)


@pytest.mark.parametrize(
    ("tls", "port", "is_named"),
    [
        (None, 15672, True),
        (None, 5671, True),
        (TlsSettings(), 5671, False),
        (TlsSettings(), 15671, True),
        (None, 5672, False),
    ],
)
def test_a_refused_port_of_another_protocol_is_named(
    tls: TlsSettings | None, port: int, *, is_named: bool
) -> None:
    """Who types the port of management, or of TLS, is told which one AMQP has."""
    settings = settings_of("amqp://a:b@h", tls=tls)
    failure = connection_failure(ConnectionRefusedError(), settings, Host(LOOPBACK, port))
    assert ("AMQP is on 5672" in (failure.error.hint or "")) == is_named


HTTP = b"HTTP/1.1 400 Bad Request\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
WORDS = {
    "SSH": (b"SSH-2.0-OpenSSH_9.2p1\r\n", "it speaks SSH"),
    "SMTP": (b"220 mail.example.org ESMTP Postfix\r\n", "it speaks SMTP or FTP"),
    "HTTP": (HTTP, "it speaks HTTP"),
    "AMQP 1.0": (b"AMQP\x00\x01\x00\x00", "it speaks AMQP 1.0, and not 0-9-1"),
    "AMQP 1.0, SASL": (b"AMQP\x03\x01\x00\x00", "it speaks AMQP 1.0, and not 0-9-1"),
    "AMQP 0-10": (b"AMQP\x01\x01\x00\x0a", "it speaks another version of AMQP than 0-9-1"),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x46", "this port speaks TLS"),
    "Redis": (b"-ERR unknown command\r\n", "it speaks Redis"),
    "PostgreSQL": (b"E\x00\x00\x00\x8dSFATAL\x00C08P01\x00", "it speaks PostgreSQL"),
    "MySQL": (b"\x4a\x00\x00\x00\x0a8.0.32\x00", "it speaks MySQL"),
    "IMAP": (b"* OK IMAP4rev1 ready\r\n", "it speaks IMAP"),
    "POP3": (b"+OK ready\r\n", "it speaks POP3"),
    "unknown": (b"Hello!\r\nWho are you?", "it begins with 'Hello!'"),
    "escape": (b"\x1b[0mHi\n", r"it begins with '\x1b[0mHi'"),
    "no line": (b"Hello, who are you?", "not an AMQP broker"),
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("at_a_time", [1, 1000], ids=["byte by byte", "at once"])
def test_another_protocol_is_named_at_once(name: str, at_a_time: int) -> None:
    """A server that speaks another protocol is named without a wait, though it holds the line."""
    words, named = WORDS[name]

    def answer(client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.recv(8)
        for start in range(0, len(words), at_a_time):
            client.sendall(words[start : start + at_a_time])
            time.sleep(0.001)
        silence(client)

    with serving(answer) as port:
        settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, port),))
        started = time.monotonic()
        published = publish(settings, [message()], timeout=9)
        seconds = time.monotonic() - started
    assert published.error is not None
    assert named in published.error.what
    assert seconds < 2, "the line is held for ever"
