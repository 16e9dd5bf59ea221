"""Routing: the tool foretells what the broker does."""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random
from threading import Thread
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli import private_broker as private
from medtrack_cli.broker.management.client import Unanswered
from medtrack_cli.broker.management.topology import read_topology
from medtrack_cli.core.routing import Binding, Topology, queues_reached
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.conftest import Broker

TYPES = ("direct", "topic", "fanout", "headers")
KEYS = ("a", "a.b", "b", "a.b.c", "")
PATTERNS = (*KEYS, "#", "*", "a.*", "#.c")
MODES = ("all", "any", "all-with-x", "any-with-x")
HEADERS: tuple[dict[str, Any], ...] = (
    {},
    {"x-a": 1},
    {"one": 1},
    {"one": 1, "two": "2"},
    {"one": "1", "two": "2", "x-a": 1},
)


@contextmanager
def random_topology(channel: BlockingChannel, chance: Random) -> Iterator[tuple[Topology, str]]:
    """Declare exchanges of every type, bound at random to queues and to each other."""
    prefix = f"tests.routing.{secrets.token_hex(4)}"
    types = {f"{prefix}.{number}": TYPES[number % 4] for number in range(8)}
    names = list(types)
    alternates = {names[0]: names[5], names[3]: names[6], names[6]: f"{prefix}.missing"}
    for name, kind in types.items():
        arguments = {"alternate-exchange": alternates[name]} if name in alternates else {}
        channel.exchange_declare(name, kind, arguments=arguments)
    queues = [channel.queue_declare(f"{prefix}.q{n}", exclusive=True).method.queue for n in "abcde"]
    bindings = defaultdict(list)
    for _ in range(24):
        source = chance.choice(names)
        is_deeper = chance.random() < 0.3
        destination = chance.choice(names if is_deeper else queues)
        key = chance.choice(PATTERNS)
        match = {"x-match": chance.choice(MODES), **chance.choice(HEADERS[1:]), "two": None}
        arguments = match if types[source] == "headers" else {}
        bind = channel.exchange_bind if is_deeper else channel.queue_bind
        bind(destination, source, key, arguments)
        bindings[source].append(Binding(source, destination, is_deeper, key, arguments))
    try:
        yield Topology(types, alternates, bindings), prefix
    finally:
        for name in names:
            channel.exchange_delete(name)


@pytest.mark.parametrize("seed", range(4))
def test_queues_reached_are_those_that_get_it(broker: Broker, seed: int) -> None:
    """For random exchanges, bindings, keys and headers, the queues foretold get the message."""
    routed: dict[str, set[str]] = defaultdict(set)
    foretold: dict[str, set[str]] = {}
    with (
        client(broker.amqp_url) as channel,
        random_topology(channel, Random(seed)) as (topology, prefix),
    ):
        channel.confirm_delivery()
        for exchange in topology.types:
            for key in KEYS:
                for number, headers in enumerate(HEADERS):
                    case = f"{exchange} {key} {number}"
                    properties = pika.BasicProperties(headers=headers, message_id=case)
                    channel.basic_publish(exchange, key, b"", properties)
                    foretold[case] = set(queues_reached(topology, exchange, key, headers) or ())
        for letter in "abcde":
            queue = f"{prefix}.q{letter}"
            while (found := channel.basic_get(queue, auto_ack=True))[1] is not None:
                routed[str(found[1].message_id)].add(queue)
    assert foretold == {case: routed[case] for case in foretold}
    assert sum(map(bool, routed.values())) > 50, "the topologies route much of it"
    assert not all(routed.values()), "and not all"


def test_a_topology_is_read_from_the_broker(private_broker: PrivateBroker) -> None:
    """What the management API says leads to the same queues as what was declared."""
    url = f"http://127.0.0.1:{private_broker.management_port}"
    settings = settings_of(private_broker.amqp_url, management_url=url)
    with (
        client(private_broker.amqp_url) as channel,
        random_topology(channel, Random(0)) as (declared, _),
    ):
        read = read_topology(settings)
    cases = [(each, key, held) for each in declared.types for key in KEYS for held in HEADERS]
    foretold = [queues_reached(declared, *case) for case in cases]
    assert [queues_reached(read, *case) for case in cases] == foretold
    assert any(foretold)


def test_a_policy_names_the_alternate_exchange(private_broker: PrivateBroker) -> None:
    """An alternate exchange given by a policy gets what its exchange can't route."""
    url = f"http://127.0.0.1:{private_broker.management_port}"
    settings = settings_of(private_broker.amqp_url, management_url=url)
    name = f"tests.policy.{secrets.token_hex(4)}"
    definition = json.dumps({"alternate-exchange": "amq.fanout"})
    set_policy = ("set_policy", "--apply-to", "exchanges", name, f"^{name}$", definition)
    with client(private_broker.amqp_url) as channel:
        channel.exchange_declare(name, "topic")
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "amq.fanout")
        private.rabbitmqctl(private_broker, *set_policy)
        try:
            read = read_topology(settings)
        finally:
            private.rabbitmqctl(private_broker, "clear_policy", name)
            channel.exchange_delete(name)
    assert queues_reached(read, name, "student.created", {}) == [queue]


def test_a_dry_run_names_the_queues(tool: Tool, private_broker: PrivateBroker) -> None:
    """With a management API, --dry-run names the queues; without one, it says it can't tell."""
    generated = ("publish", "user.created", "--count", "1", "--dry-run")
    url = private_broker.amqp_url
    management = f"http://127.0.0.1:{private_broker.management_port}"
    tool.environ = {**tool.environ, "MEDTRACK_URL": url}
    unknown = tool.run(*generated, "-o", "json", "-v")
    mute = tool.run(*generated, MEDTRACK_MANAGEMENT_URL="http://127.0.0.1:1")
    with client(url) as channel:
        queue = channel.queue_declare(f"tests.{secrets.token_hex(4)}", exclusive=True).method.queue
        nowhere = tool.run(*generated, MEDTRACK_MANAGEMENT_URL=management)
        channel.queue_bind(queue, EXCHANGE, "user.#")
        there = tool.run(*generated, MEDTRACK_MANAGEMENT_URL=management)
        asked = tool.run(*generated, "-o", "json", MEDTRACK_MANAGEMENT_URL=management)
    assert "1 would reach no queue" in nowhere.out
    assert f"to {queue}" in there.out
    assert asked.records[0]["queues"] == [queue]
    assert unknown.records[0]["queues"] is None
    assert "management_url isn't set" in unknown.err
    assert "http://127.0.0.1:1 doesn't answer" in mute.err


@pytest.mark.parametrize("answer", [[1], [{}], {"name": "a"}, "a", [{"name": "a", "policy": "b"}]])
def test_what_is_no_rabbitmq_tells_nothing(answer: object) -> None:
    """JSON of something else at the management address is no topology, and no bug."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        settings = settings_of("amqp://guest:guest@127.0.0.1", management_url=url)
        try:
            with pytest.raises(Unanswered, match="answered what RabbitMQ doesn't"):
                read_topology(settings)
        finally:
            server.shutdown()


def test_what_a_plugin_decides_is_not_foretold() -> None:
    """Behind an exchange of a plugin's type, or one that isn't there, nothing is claimed."""
    to_plugin = Binding("a", "delayed", to_exchange=True, routing_key="#", arguments={})
    types = {"a": "topic", "delayed": "x-delayed-message"}
    topology = Topology(types, {}, {"a": [to_plugin]})
    assert queues_reached(topology, "a", "key", {}) is None
    assert queues_reached(topology, "missing", "key", {}) is None
