"""What is said of a management API that doesn't tell what it was asked."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle

import pytest

from medtrack_cli.broker.management.client import LARGEST, Questions, Unanswered
from tests.broker.certificates import Authority, Chain, Received, raw_server, tls_server
from tests.broker.witness import settings_of
from tests.cli.tool import Tool

DRY_RUN = ("publish", "user.created", "--count", "1", "--dry-run")
UNKNOWN = "which queues would get them isn't known: "
LOGIN = "kept-by-the-user"


def answering(*pieces: bytes, pause: float = 0) -> Callable[[socket.socket, Received], None]:
    """Answer whatever is asked by these pieces, the last of them for ever when there is a pause."""

    def answer(peer: socket.socket, received: Received) -> None:
        received.said += peer.recv(65536)
        with suppress(OSError):  # nobody waits for the rest
            for piece in _endless(pieces) if pause else pieces:
                peer.sendall(piece)
                time.sleep(pause)

    return answer


def _endless(pieces: tuple[bytes, ...]) -> Iterator[bytes]:
    yield from pieces
    yield from cycle(pieces[-1:])


def http(status: str, body: bytes = b"") -> bytes:
    """Make a whole answer."""
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http("401 Unauthorized"), "answered 401"),
        (http("302 Found\r\nLocation: http://127.0.0.1:1/"), "answered 302"),
        (http("200 OK", b" " * (LARGEST + 1)), "answered more than 32 MiB"),
        (http("200 OK", b"<html>"), "answered no JSON"),
        (http("200 OK", b"[" * 1_000_000), "answered no JSON"),
        (http("200 OK", b"[]"), "shows this user no exchange"),
        (http("200 OK", b"null"), "gave an answer that isn't RabbitMQ's"),
        (b"SSH-2.0-OpenSSH\r\n", "doesn't answer in HTTP"),
    ],
    ids=["401", "302", "large", "no JSON", "deep", "empty", "null", "no HTTP"],
)
def test_a_dry_run_says_why_the_queues_are_unknown(tool: Tool, answer: bytes, why: str) -> None:
    """A dry run ends with 0 and says what the management API did, without the login."""
    with raw_server(answering(answer)) as api:
        url = f"http://127.0.0.1:{api.port}"
        login = f"amqp://u:{LOGIN}@127.0.0.1:1"
        ran = tool.run(*DRY_RUN, MEDTRACK_URL=login, MEDTRACK_MANAGEMENT_URL=url)
    assert ran.code == 0
    assert f"{UNKNOWN}{url} {why}\n" in ran.err
    assert LOGIN not in ran.out + ran.err


@pytest.mark.parametrize(
    "pieces",
    [
        (b"H",),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["first line", "headers", "body", "chunks"],
)
def test_no_answer_in_pieces_takes_longer(pieces: tuple[bytes, ...]) -> None:
    """A question ends after two seconds, however the answer trickles in."""
    with raw_server(answering(*pieces, pause=0.2)) as api:
        url = f"http://127.0.0.1:{api.port}"
        of = settings_of("amqp://u:p@127.0.0.1", management_url=url)
        began = time.monotonic()
        with pytest.raises(Unanswered, match="gave no whole answer within 2 s"):
            Questions(of).ask("vhosts")
        assert time.monotonic() - began < 5  # the machine may be busy


def test_a_common_name_is_no_name_of_the_management_api(tool: Tool) -> None:
    """A certificate without subjectAltName gets no password, and the dry run says why."""
    pair, ca_file = Chain(names=()).write(tool.folder)
    with tls_server(pair) as api:
        url = f"https://localhost:{api.port}"
        login = f"amqps://u:{LOGIN}@localhost:1?cacertfile={ca_file}"
        ran = tool.run(*DRY_RUN, MEDTRACK_URL=login, MEDTRACK_MANAGEMENT_URL=url)
    assert (ran.code, api.clients, api.said) == (0, 1, b"")
    assert f"{UNKNOWN}{url} isn't trusted: its certificate is not for localhost" in ran.err


def test_a_certificate_that_is_not_trusted_is_told(tool: Tool) -> None:
    """A management API whose certificate is unknown here isn't said to be silent."""
    with tls_server(Authority(tool.folder).pair("server", "localhost")) as api:
        url = f"https://localhost:{api.port}"
        ran = tool.run(*DRY_RUN, MEDTRACK_MANAGEMENT_URL=url)
    assert (ran.code, f"{UNKNOWN}{url} isn't trusted" in ran.err) == (0, True), ran.err


def test_a_dry_run_needs_no_passphrase(tool: Tool) -> None:
    """Without a passphrase or password a dry run ends with 0: the queues are unknown."""
    certificate, key = Authority(tool.folder).encrypted("me", "me", "a-passphrase")
    url = "https://localhost:1"
    flags = ("--cert-file", str(certificate), "--key-file", str(key))
    tool.environ = {**tool.environ, "MEDTRACK_MANAGEMENT_URL": url}
    locked = tool.run(*DRY_RUN, *flags, MEDTRACK_URL="amqps://u:p@localhost")
    elsewhere = "https://broker.example:1"
    without = tool.run(*DRY_RUN, MEDTRACK_HOST="broker.example", MEDTRACK_MANAGEMENT_URL=elsewhere)
    assert (locked.code, without.code) == (0, 0), locked.err + without.err
    assert f"{UNKNOWN}{url} isn't asked: the private key is encrypted: {key}" in locked.err
    assert f"{UNKNOWN}{elsewhere} isn't asked: no password" in without.err


def test_no_password_crosses_a_network_in_the_clear(tool: Tool) -> None:
    """A dry run says that a management API of plain http beyond this machine isn't asked."""
    url = "http://broker.example:15672"
    login = "amqp://u:p@broker.example"
    ran = tool.run(*DRY_RUN, MEDTRACK_MANAGEMENT_URL=url, MEDTRACK_URL=login)
    assert f"{UNKNOWN}{url} isn't asked: the password would go there in the clear" in ran.err
