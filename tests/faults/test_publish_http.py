"""`publish --via http`: the same receipts through the management API, whatever breaks."""

import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.certificates import Received, raw_server
from tests.broker.publishing import publish
from tests.broker.witness import client, settings_of
from tests.builders import message, numbered
from tests.cli.tool import Tool
from tests.faults.breaking import durable, held_by
from tests.faults.permissions import account
from tests.faults.proxy import LOOPBACK, Proxy
from tests.faults.versions import is_from_4_3

SENT = [message(position) for position in range(1, 41)]
ONE: dict[str, Any] = {"window": 1, "retry_for": 5}


def by_http(broker: PrivateBroker, port: int | None = None) -> ConnectionSettings:
    """Lead to a broker's management API, or to a port in its place."""
    url = f"http://{LOOPBACK}:{port or broker.management_port}"
    return settings_of(broker.amqp_url, management_url=url, via_http=True)


@pytest.fixture
def proxy(fragile_broker: PrivateBroker) -> Iterator[Proxy]:
    """Give a way to the management API that can break."""
    with Proxy(fragile_broker.management_port) as made:
        yield made


def test_an_answer_that_is_lost_is_unknown_and_not_sent_again(
    fragile_broker: PrivateBroker, proxy: Proxy
) -> None:
    """Cut amid requests: what was sent and has no answer is unknown; each arrives at most once."""
    proxy.after(9000, proxy.cut)
    with durable(fragile_broker, "tests.http"):
        told = publish(by_http(fragile_broker, proxy.port), SENT, **ONE)
        held = [each.message_id for each in held_by(fragile_broker, "tests.http")]
    assert proxy.faults == 1
    unknown, confirmed = told.positions(Outcome.UNKNOWN), told.positions(Outcome.CONFIRMED)
    assert len(unknown) == 1, "the cut met no request"
    assert sorted(unknown + confirmed) == [each.position for each in SENT]
    assert len(held) == len(set(held))
    assert {f"id-{position}" for position in confirmed} <= set(held)
    assert told.error is None


def test_silence_is_unknown_and_ends_in_time(fragile_broker: PrivateBroker, proxy: Proxy) -> None:
    """A connection that says nothing more: that event is unknown, those after it go on anew."""
    proxy.after(9000, proxy.freeze)
    with durable(fragile_broker, "tests.http"):
        told = publish(by_http(fragile_broker, proxy.port), SENT, confirm_timeout=0.5, **ONE)
    assert proxy.faults == 1
    assert len(told.positions(Outcome.UNKNOWN)) == 1
    assert len(told.positions(Outcome.CONFIRMED)) == len(SENT) - 1


def test_what_found_no_connection_is_tried_again_and_then_unsent(
    fragile_broker: PrivateBroker, proxy: Proxy
) -> None:
    """With the way closed after some events, the rest is unsent: the API doesn't answer."""
    proxy.after(9000, proxy.close)
    with durable(fragile_broker, "tests.http"):
        told = publish(by_http(fragile_broker, proxy.port), SENT, window=1, retry_for=0.3)
        held = held_by(fragile_broker, "tests.http")
    assert isinstance(told.error, BrokerUnreachable)
    assert "doesn't answer (connection refused)" in told.error.what
    assert "`medtrack broker start`" in told.error.hint
    confirmed, unsent = told.positions(Outcome.CONFIRMED), told.positions(Outcome.UNSENT)
    positions = sorted(each.position for each in told.receipts)
    assert positions == list(range(1, len(positions) + 1))
    assert (len(confirmed) > 5, len(unsent) > 0) == (True, True)
    assert {f"id-{position}" for position in confirmed} <= {each.message_id for each in held}
    assert len(told.positions(Outcome.UNKNOWN)) <= 1


def test_several_requests_at_once_are_all_told(fragile_broker: PrivateBroker) -> None:
    """With a window of 8 everything is confirmed once, in whatever order."""
    with durable(fragile_broker, "tests.http"):
        told = publish(by_http(fragile_broker), SENT, window=8)
        held = sorted(each.message_id for each in held_by(fragile_broker, "tests.http"))
    assert sorted(told.positions(Outcome.CONFIRMED)) == [each.position for each in SENT]
    assert held == sorted(each.message_id for each in SENT)


def test_what_the_broker_declines_is_refused_with_its_words(fragile_broker: PrivateBroker) -> None:
    """A full queue, a property that can't be, too large a request: refused, the next are sent."""
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    strange = message(3, properties={"user_id": "somebody"}, routing_key="tests.full")
    large = message(4, body=b"x" * 12_000_000, routing_key="tests.full")
    sent: Sequence[Message] = [
        message(1, routing_key="tests.full"),
        message(2, routing_key="tests.full"),
        strange,
        large,
        message(5, routing_key="nobody"),
    ]
    with client(fragile_broker.amqp_url) as channel:
        queue = channel.queue_declare("", exclusive=True, arguments=full).method.queue
        channel.queue_bind(queue, "medtrack.events", "tests.full")
        told = publish(by_http(fragile_broker), sent, window=1, retry_for=0)
    outcomes = [(each.position, each.outcome.value) for each in told.receipts]
    assert outcomes == [
        (1, "confirmed"),
        *((each, "refused") for each in (2, 3, 4)),
        (5, "unroutable"),
    ]
    assert "(nack)" in told.receipts[1].reason
    assert "user_id property set to 'somebody'" in told.receipts[2].reason
    # RabbitMQ 3 and 4.3 bound a request's body, others only the message in it.
    assert any(limit in told.receipts[3].reason for limit in ("(nack)", "body size limit"))


def test_a_queue_that_refuses_holds_up_no_other_key(fragile_broker: PrivateBroker) -> None:
    """While what a full queue refused is tried again, events of other keys are sent."""
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    keys = ["tests.full", "tests.full", "nobody", "nobody"]
    sent = [message(position, routing_key=key) for position, key in enumerate(keys, 1)]
    with client(fragile_broker.amqp_url) as channel:
        queue = channel.queue_declare("", exclusive=True, arguments=full).method.queue
        channel.queue_bind(queue, "medtrack.events", "tests.full")
        told = publish(by_http(fragile_broker), sent, window=1, retry_for=1)
    assert [each.position for each in told.receipts] == [1, 3, 4, 2]
    assert told.receipts[-1].outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("tags", "permissions", "words"),
    [
        ("", None, "the user has no tag for it"),
        ("management", None, "has no access to vhost '/'"),
        ("management", {"write": "^$"}, "may not write to exchange 'medtrack.events'"),
        ("management", {}, ""),
    ],
)
def test_rights_are_named(
    tool: Tool,
    fragile_broker: PrivateBroker,
    tags: str,
    permissions: dict[str, str] | None,
    words: str,
) -> None:
    """What a user lacks is said as by AMQP, with its code; with all rights it works."""
    tool.write("events.ndjson", b"".join(numbered(2)))
    with account(fragile_broker, tags) as user, durable(fragile_broker, "tests.http"):
        if permissions is not None:
            user.may(**permissions)
        ran = tool.run(
            *("publish", "-f", "events.ndjson", "--via", "http", "-o", "json"),
            MEDTRACK_URL=user.url,
            MEDTRACK_MANAGEMENT_URL=fragile_broker.web_address,
        )
        held = held_by(fragile_broker, "tests.http")
    if permissions is None and tags and is_from_4_3(fragile_broker):
        assert (ran.code, "and may you see it?" in ran.err) == (76, True), ran.err
        return
    assert (ran.code, len(held)) == (77, 0) if words else (0, 2)
    assert (words in ran.err, "a-users-secret" in ran.err + ran.out) == (True, False)
    assert ran.summary["broker"] == f"http://{user.name}@{fragile_broker.web_address[7:]}/%2F"


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [("404 Not Found", 69, "unsent"), ("413 Too Large", 1, "refused")],
)
def test_what_is_no_management_api_publishes_nothing(
    tool: Tool, status: str, code: int, outcome: str
) -> None:
    """A foreign 404 is no missing exchange; a proxy that refuses the size has refused the event."""

    def answer(peer: socket.socket, _received: Received) -> None:
        while said := peer.recv(65536):
            is_login = said.startswith(b"GET")
            body = b'{"name":"u"}' if is_login else b"no"
            head = f"HTTP/1.1 {'200 OK' if is_login else status}\r\nContent-Length: {len(body)}"
            peer.sendall(head.encode() + b"\r\n\r\n" + body)

    with raw_server(answer) as api:
        ran = tool.run(
            *("publish", "student.created", "--count", "1", "--via", "http", "-o", "json"),
            MEDTRACK_URL="amqp://u:p@127.0.0.1:5673",
            MEDTRACK_MANAGEMENT_URL=f"http://127.0.0.1:{api.port}",
        )
    assert (ran.code, ran.summary[outcome]) == (code, 1), ran.err


@pytest.mark.parametrize("then", ["413 Too Large", "hang up"])
def test_what_a_queue_refused_is_never_unsent(tool: Tool, then: str) -> None:
    """Refused by a queue, then too large or without a connection: refused, not unsent, no hang."""
    posts: list[bytes] = []

    def answer(peer: socket.socket, _received: Received) -> None:
        if posts and then == "hang up":
            return
        while said := peer.recv(65536):
            is_login = said.startswith(b"GET")
            if not is_login:
                posts.append(said)
            status = "200 OK" if is_login else "400 Bad" if len(posts) == 1 else then
            body = b'{"name":"u"}' if is_login else b'{"reason":"rejected by a queue"}'
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close"
            peer.sendall(head.encode() + b"\r\n\r\n" + body)
            return

    with raw_server(answer) as api:
        ran = tool.run(
            *("publish", "student.created", "--count", "1", "--via", "http", "-o", "json"),
            *("--retry-for", "2"),
            MEDTRACK_URL="amqp://u:p@127.0.0.1:5673",
            MEDTRACK_MANAGEMENT_URL=f"http://127.0.0.1:{api.port}",
        )
    assert ran.summary["unsent"] == 0, ran.err
    assert ran.summary["refused"] + ran.summary["unknown"] == 1
    assert ran.code == 1


def test_a_silent_api_is_left_at_the_timeout(tool: Tool) -> None:
    """A management API that says nothing ends the run at --timeout: 75, and nothing was sent."""
    with raw_server(lambda peer, _received: _wait_for_the_end(peer)) as api:
        ran = tool.run(
            *("publish", "student.created", "--count", "1", "--via", "http", "-o", "json"),
            *("--timeout", "0.5"),
            MEDTRACK_URL="amqp://u:p@127.0.0.1:5673",
            MEDTRACK_MANAGEMENT_URL=f"http://127.0.0.1:{api.port}",
        )
    assert (ran.code, ran.summary["unsent"]) == (75, 1), ran.err


def _wait_for_the_end(peer: socket.socket) -> None:
    while peer.recv(65536):
        pass


def test_without_a_management_url_it_is_a_matter_of_configuration(tool: Tool) -> None:
    """78 and what to set, before anything is asked for; beyond loopback plain HTTP is warned of."""
    publishing = ("publish", "student.created", "--count", "1", "--via", "http", "-o", "json")
    ran = tool.run(*publishing, MEDTRACK_URL="amqp://u:p@127.0.0.1:5673")
    assert (ran.code, "MEDTRACK_MANAGEMENT_URL" in ran.err) == (78, True)
    ran = tool.run(
        *(*publishing, "--timeout", "0.2"),
        MEDTRACK_URL="amqp://u:p@192.0.2.1",
        MEDTRACK_MANAGEMENT_URL="http://192.0.2.1:15672",
    )
    notes = [json.loads(line) for line in ran.err.splitlines()]
    assert any("plain HTTP to 192.0.2.1:15672" in each["message"] for each in notes)
    assert (ran.code in {69, 75}, ran.summary["unsent"]) == (True, 1)
