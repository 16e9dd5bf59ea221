"""A server that repeats the password it was sent: nothing that is shown of its words holds it."""

import html
import json
import socket
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from pika import spec

from medtrack_cli.core.connection_settings import ConnectionSettings, Host, Secret, TlsSettings
from medtrack_cli.core.hiding import without_secrets
from tests.broker.certificates import Chain, Received, raw_server, tls_server
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message
from tests.cli.tool import Tool
from tests.faults.fake_broker import Send, fake_broker
from tests.faults.proxy import LOOPBACK, serving, silence

USER, PASSWORD = "registration", 'Tr0ub4dor&3/"é'
LOGIN = f"{USER}:{PASSWORD}"


def base64(text: str) -> str:
    """Write a text as base64."""
    return b64encode(text.encode()).decode()


WAYS = {
    "plain": PASSWORD,
    "amid a word": f"x{PASSWORD}x",
    "in capitals": PASSWORD.upper(),
    "percent": quote(PASSWORD, safe=""),
    "percent, small": quote(PASSWORD, safe="").lower(),
    "percent, some": quote(PASSWORD),
    "form": quote_plus(PASSWORD),
    "JSON": json.dumps(PASSWORD),
    "Python": ascii(PASSWORD),
    "HTML": html.escape(PASSWORD),
    "hex": PASSWORD.encode().hex(),
    "base64": base64(PASSWORD),
    "base64, for URLs": urlsafe_b64encode(PASSWORD.encode()).decode(),
    "base64 of HTTP's login": base64(LOGIN),
    "base64 of AMQP's login": base64(f"\0{USER}\0{PASSWORD}"),
    "base64, 1 byte off": base64(f"a{PASSWORD} and more"),
    "base64, 2 bytes off": base64(f"ab{PASSWORD} and more"),
}


def settings(port: int, **more: object) -> ConnectionSettings:
    """Log in with that password."""
    login = {"username": USER, "password": Secret(PASSWORD)}
    return settings_of("amqp://h", hosts=(Host(LOOPBACK, port),), **login, **more)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_write_it_is_hidden(way: str) -> None:
    """However a server writes the password, what is shown has three stars in its place."""
    shown = without_secrets(f"no entry for {WAYS[way]} here", settings(1))
    assert "***" in shown
    assert shown.startswith("no entry for ")
    assert "adoR" not in shown
    assert WAYS[way] not in shown


@pytest.mark.parametrize(
    ("password", "text", "shown"),
    [
        ("guest", "refused for user 'guest'", "refused for user 'guest'"),
        ("", "refused", "refused"),
        ("no", "no queue 'now'", "*** queue 'now'"),
        ("ü", "is ü für uns", "is *** für uns"),
    ],
)
def test_words_are_left_that_hide_nothing(password: str, text: str, shown: str) -> None:
    """What everybody knows isn't hidden, and a very short password only where it stands alone."""
    of = ConnectionSettings((Host("h", 1),), password=Secret(password))
    assert without_secrets(text, of) == shown


TEXTS = (
    "{}",
    "connection limit ({}) is reached",
    "NOT_FOUND - no exchange '{}' in vhost '/'",
    "ACCESS_REFUSED - access to exchange '{}' in vhost '/' refused for user 'x'",
    "ACCESS_REFUSED - access to topic '{0}' in exchange '{0}' in vhost '/' refused",
    "PRECONDITION_FAILED - message size 7 of {} is larger",
    "ACCESS_REFUSED - queue '{}' in vhost '/' in exclusive use",
)
CLOSINGS: list[tuple[type[spec.Connection.Close | spec.Channel.Close], int]] = [
    *((spec.Connection.Close, code) for code in (320, 402, 501, 530, 541)),
    *((spec.Channel.Close, code) for code in (311, 403, 404, 405, 406, 504, 541)),
]


@pytest.mark.parametrize(("kind", "code"), CLOSINGS, ids=lambda each: getattr(each, "NAME", None))
def test_no_closing_shows_it(
    kind: type[spec.Connection.Close | spec.Channel.Close], code: int
) -> None:
    """Whatever the broker closes with, and with what words: error, hint, notes, receipts."""
    for text in TEXTS:
        close = kind(code, text.format(PASSWORD), 60, 40)

        def answer(send: Send, count: int, close: Any = close) -> None:
            if count:
                send(close, channel=int(kind is spec.Channel.Close))

        with fake_broker(answer) as port:
            published = publish(settings(port), [message()], retry_for=0)
        said = [*published.notes, *(each.reason for each in published.receipts)]
        if published.error:
            said += [published.error.message, published.error.hint]
        assert len(said) > 1
        assert not [each for each in said if "0ub4d" in each]


def test_no_alarm_shows_it() -> None:
    """Nor does the reason of a connection that is blocked, or one that is no UTF-8."""

    def answer(send: Send, count: int) -> None:
        if count == 1:
            send(spec.Connection.Blocked(PASSWORD), channel=0)
            reply = b"\xff" + PASSWORD.encode()
            send(spec.Connection.Close(320, reply, 0, 0), channel=0)  # type: ignore[arg-type] # as some would

    with fake_broker(answer) as port:
        published = publish(settings(port), [message()], retry_for=0)
    said = "".join(published.notes) + str(published.error)
    assert "blocked by the broker: ***" in said
    assert r"\xff***" in said
    assert "0ub4d" not in said


def test_no_first_words_show_it() -> None:
    """Nor do those of a server that is no broker."""

    def answer(client: socket.socket) -> None:
        client.sendall(f"I know {PASSWORD}!\r\n".encode())
        silence(client)

    with serving(answer) as port:
        published = publish(settings(port), [message()])
    assert published.error is not None
    assert "***" in published.error.what
    assert "0ub4d" not in published.error.what


def test_no_certificate_shows_it(tmp_path: Path) -> None:
    """Nor do the names in a certificate."""
    word = "Tr0ub4dor"
    pair, ca_file = Chain(names=(f"{word}.example",), common=word).write(tmp_path)
    with tls_server(pair) as received:
        of = settings_of(
            f"amqps://{USER}:{word}@localhost:{received.port}", tls=TlsSettings(ca_file=ca_file)
        )
        published = publish(of, [message()])
    assert published.error is not None
    assert "is for ***.example, not for localhost" in published.error.what


def test_no_name_of_a_queue_shows_it(tool: Tool) -> None:
    """Nor do the queues that a management API names, in a dry run."""
    word = "Tr0ub4dor"
    rows = {
        "exchanges": [{"name": "medtrack.events", "type": "topic", "arguments": {}}],
        "bindings": [
            {
                "source": "medtrack.events",
                "destination": f"q-{word}",
                "destination_type": "queue",
                "routing_key": "#",
                "arguments": {},
            }
        ],
    }

    def answer(peer: socket.socket, _received: Received) -> None:
        asked = peer.recv(65536).split()[1].decode().split("/")[2]
        body = json.dumps(rows[asked]).encode()
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with raw_server(answer) as api:
        ran = tool.run(
            *("publish", "user.created", "--count", "1", "--dry-run", "-o", "json"),
            MEDTRACK_URL=f"amqp://u:{word}@127.0.0.1:1",
            MEDTRACK_MANAGEMENT_URL=f"http://127.0.0.1:{api.port}",
        )
    assert ran.records[0]["queues"] == ["q-***"]
    assert word not in ran.out + ran.err
