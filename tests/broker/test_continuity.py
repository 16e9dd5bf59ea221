"""When it can be excluded that a queue lost events: rarely, and only on proof."""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from medtrack_cli.broker.amqp.continuity import Broker, Loss, has_kept_all
from medtrack_cli.core.listening.sources import Queue, QueueType, Tap
from medtrack_cli.core.ports import Stop
from tests.broker.certificates import Received, raw_server
from tests.broker.witness import settings_of

TAP = Tap(name="tests")
NODE = {"name": "one", "uptime": 3_600_000}


def kept(
    answers: Mapping[str, Any],
    source: Tap | Queue = TAP,
    *,
    version: int = 3,
    closed: bool = False,
    returns: int = 1,
) -> bool:
    """Ask whether a loss ten seconds ago cost nothing, of an API that gives these answers."""

    def answer(client: socket.socket, _received: Received) -> None:
        path = client.recv(65536).split()[1].decode().removeprefix("/api/")
        known = {"cluster-name": {"name": "ours"}, **answers}
        body = json.dumps(known[path.partition("?")[0].partition("/")[0]]).encode()
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    loss = Loss(datetime.now(UTC) - timedelta(seconds=10), is_closed=closed, returns=returns)
    with raw_server(answer) as api:
        url = f"http://127.0.0.1:{api.port}"
        settings = settings_of("amqp://u:p@127.0.0.1:1/%2F", management_url=url)
        return has_kept_all(settings, source, Broker("ours", version), loss, Stop())


def samples(known: int) -> dict[str, Any]:
    """Give a node's statistics that go back so many seconds, of a minute that was asked for."""
    newest = 1_800_000_000_000
    back = range(0, 60, 5)
    rows = [{"timestamp": newest - ago * 1000, "sample": int(ago <= known)} for ago in back]
    return {"mem_used_details": {"samples": rows}}


@pytest.mark.parametrize(
    ("nodes", "closed", "excluded"),
    [
        ([NODE | samples(60)], True, True),
        ([NODE | samples(60)], False, True),
        ([NODE | samples(5)], False, False),
        ([NODE | samples(5) | {"uptime": 15_000}], False, True),
        ([NODE | samples(5) | {"uptime": 15_000}], True, False),
        ([NODE | samples(5) | {"uptime": 8_000}], False, False),
        ([NODE], False, True),
        ([NODE], True, False),
        ([NODE | {"uptime": 8_000}], False, False),
        ([{"name": "one"}], False, False),
        ([NODE, {"name": "two"}], False, False),
        ([], False, False),
        ({"error": "not_authorised"}, False, False),
        ([None], False, False),
        ([NODE | {"mem_used_details": [1]}], False, False),
    ],
    ids=[
        *("closed in between", "cut", "RabbitMQ restarted in its runtime", "a young broker"),
        *("a young broker that closed", "restarted", "no statistics", "no statistics, closed"),
        *("restarted, no statistics", "no uptime", "two", "none", "no list", "null", "odd"),
    ],
)
def test_one_node_is_proved_to_have_run(nodes: object, *, closed: bool, excluded: bool) -> None:
    """A classic queue has kept all if one node ran, and its RabbitMQ too, since before the loss."""
    assert kept({"nodes": nodes}, closed=closed) is excluded


def test_another_brokers_api_proves_nothing() -> None:
    """The API's broker must have the name that AMQP gave."""
    nodes = [NODE | samples(60)]
    assert kept({"nodes": nodes})
    assert not kept({"nodes": nodes, "cluster-name": {"name": "another"}})


@pytest.mark.parametrize(
    ("row", "version", "returns", "excluded"),
    [
        ({}, 3, 500, True),
        ({}, 4, 20, True),
        ({}, 4, 21, False),
        ({"arguments": {"x-delivery-limit": -1}}, 4, 500, True),
        ({"arguments": {"x-delivery-limit": -1}}, 3, 1, False),
        ({"arguments": {"x-delivery-limit": 2}}, 3, 3, False),
        ({"effective_policy_definition": {"delivery-limit": 2}}, 3, 3, False),
        (
            {
                "arguments": {"x-delivery-limit": -1},
                "effective_policy_definition": {"delivery-limit": 2},
            },
            *(4, 3, False),
        ),
        ({"arguments": {"x-delivery-limit": "2"}}, 4, 1, False),
        ({"type": "stream"}, 4, 1, False),
        ({"type": None}, 4, 1, False),
    ],
)
def test_a_quorum_queue_keeps_what_its_limit_lets_it(
    row: Mapping[str, Any], version: int, returns: int, *, excluded: bool
) -> None:
    """A quorum queue of others' has kept all, unless its delivery limit may have been passed."""
    queues = {"type": "quorum", "arguments": {}, **row}
    assert kept({"queues": queues}, Queue("q"), version=version, returns=returns) is excluded


def test_a_quorum_tap_needs_no_proof() -> None:
    """Of a tap that we declared as a quorum queue nobody is asked."""
    assert kept({}, Tap(name="tests", queue_type=QueueType.QUORUM), closed=True)
