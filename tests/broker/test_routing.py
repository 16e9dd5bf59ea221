"""Routing: the tool foretells what the broker does."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any, NamedTuple

import pika
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli import private_broker as private
from medtrack_cli.broker.management.client import Questions, Unanswered
from medtrack_cli.broker.management.topology import read_topology
from medtrack_cli.core.routing import queues_reached
from medtrack_cli.core.topology.model import Binding, Exchange, Topology
from medtrack_cli.core.topology.route import route
from medtrack_cli.core.topology.rows import topology_of
from medtrack_cli.files.definitions import Definitions
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.running import run

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
    {"CC": ["a.b", "b"]},
    {"BCC": ["a.b.c"], "one": 1},
)
MESSAGES = 60
"""Published into each random topology."""


Case = tuple[str, str, dict[str, Any]]
"""Exchange, key and headers of a message."""


class Declared(NamedTuple):
    """The names of what was declared; what reaches the mortal queue dies at once."""

    exchanges: list[str]
    queues: list[str]
    mortal: str


@contextmanager
def random_topology(channel: BlockingChannel, chance: Random) -> Iterator[Declared]:
    """Declare exchanges of every type, bound at random to queues and to each other."""
    prefix = f"tests.routing.{secrets.token_hex(4)}"
    types = {f"{prefix}.{number}": TYPES[number % 4] for number in range(8)}
    names = list(types)
    alternates = {names[0]: names[5], names[3]: names[6], names[6]: f"{prefix}.missing"}
    for name, kind in types.items():
        arguments = {"alternate-exchange": alternates[name]} if name in alternates else {}
        channel.exchange_declare(name, kind, arguments=arguments)
    dead: dict[str, Any] = {
        "x-dead-letter-exchange": chance.choice([*names, "", f"{prefix}.missing"])
    }
    if chance.random() < 0.5:
        dead["x-dead-letter-routing-key"] = chance.choice([*KEYS, f"{prefix}.qa"])
    mortal = f"{prefix}.qe"
    queues = [f"{prefix}.q{letter}" for letter in "abcde"]
    for queue in queues:
        arguments = {"x-message-ttl": 0} | dead if queue == mortal else {}
        channel.queue_declare(queue, durable=True, arguments=arguments)
    for _ in range(24):
        source = chance.choice(names)
        is_deeper = chance.random() < 0.3
        match = {"x-match": chance.choice(MODES), **chance.choice(HEADERS[1:5]), "two": None}
        bind = channel.exchange_bind if is_deeper else channel.queue_bind
        bind(
            chance.choice(names if is_deeper else queues),
            source,
            chance.choice(PATTERNS),
            match if types[source] == "headers" else {},
        )
    try:
        yield Declared(names, queues, mortal)
    finally:
        for name in names:
            channel.exchange_delete(name)
        for queue in queues:
            channel.queue_delete(queue)


def topologies(broker: PrivateBroker) -> tuple[Topology, ...]:
    """Read the broker's topology from it, and from both exports of its definitions."""
    url = f"http://127.0.0.1:{broker.management_port}"
    known = settings_of(broker.amqp_url, management_url=url)
    live = read_topology(known, 20, with_queues=True)
    questions = Questions(known, 20)
    exports = (questions.ask(path) for path in ("definitions", "definitions/%2F"))
    offline = (Definitions("", "", each) for each in exports)
    return live, *(topology_of(each.rows("/")) for each in offline)


Landed = dict[str, set[str]]
"""The queues in which each message lies."""


def foretold(topology: Topology, mortal: str, cases: dict[str, Case]) -> Landed:
    """Tell where messages will lie when the mortal queue has handed its own on."""
    found = {}
    for name, (exchange, key, headers) in cases.items():
        told = route(topology, exchange, key, headers, None)
        assert told.way.untold == {}
        queues = set(told.way.queues)
        if mortal in queues:
            (letters, *_) = told.dead_letters
            assert letters.queue == mortal
            if letters.way:
                assert letters.way.untold == {}
                queues |= set(letters.way.queues)
        found[name] = queues - {mortal}
    return found


def landed(
    channel: BlockingChannel, declared: Declared, cases: dict[str, Case], expected: Landed
) -> Landed:
    """Publish messages, and see where they lie; dead letters may be a moment late."""
    for name, (exchange, key, headers) in cases.items():
        properties = pika.BasicProperties(headers=headers, message_id=name)
        channel.basic_publish(exchange, key, b"", properties)
    found: Landed = {name: set() for name in cases}
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for queue in declared.queues:
            while (got := channel.basic_get(queue, auto_ack=True))[1] is not None:
                found[str(got[1].message_id)].add(queue)
        mortal = channel.queue_declare(declared.mortal, passive=True).method
        if found == expected and not mortal.message_count:
            break
    return found


def where_they_land(broker: PrivateBroker, chance: Random) -> None:
    """Compare what is foretold, by the broker and by its definitions, with what it does."""
    with client(broker.amqp_url) as channel, random_topology(channel, chance) as declared:
        read = topologies(broker)
        cases = {
            str(number): (
                chance.choice([*declared.exchanges, ""]),
                chance.choice([*KEYS, *declared.queues[:2]]),
                chance.choice(HEADERS),
            )
            for number in range(MESSAGES)
        }
        told = [foretold(each, declared.mortal, cases) for each in read]
        assert told == [landed(channel, declared, cases, told[0])] * 3


@settings(max_examples=15, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_where_a_key_leads_is_where_it_lands(private_broker: PrivateBroker, seed: int) -> None:
    """Told by the broker, or offline by its definitions, a key's queues are those that get it."""
    where_they_land(private_broker, Random(seed))


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=500, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_where_500_topologies_lead(private_broker: PrivateBroker, seed: int) -> None:
    """So it is in 500 topologies."""
    where_they_land(private_broker, Random(seed))


def test_a_policy_names_the_alternate_exchange(private_broker: PrivateBroker) -> None:
    """An alternate exchange given by a policy gets what its exchange can't route."""
    url = f"http://127.0.0.1:{private_broker.management_port}"
    known = settings_of(private_broker.amqp_url, management_url=url)
    name = f"tests.policy.{secrets.token_hex(4)}"
    definition = json.dumps({"alternate-exchange": "amq.fanout"})
    set_policy = ("set_policy", "--apply-to", "exchanges", name, f"^{name}$", definition)
    with client(private_broker.amqp_url) as channel:
        channel.exchange_declare(name, "topic")
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "amq.fanout")
        private.rabbitmqctl(private_broker, *set_policy)
        try:
            read = read_topology(known)
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
        known = settings_of("amqp://guest:guest@127.0.0.1", management_url=url)
        try:
            with pytest.raises(Unanswered, match="gave an answer that isn't RabbitMQ's"):
                read_topology(known)
        finally:
            server.shutdown()


def test_what_a_plugin_decides_is_not_foretold() -> None:
    """After an exchange of a plugin's type, or one that isn't there, nothing is claimed."""
    to_plugin = Binding("a", "delayed", to_exchange=True, routing_key="#", arguments={})
    types = {"a": "topic", "delayed": "x-delayed-message"}
    exchanges = {name: Exchange(name, each) for name, each in types.items()}
    topology = Topology(exchanges, {"a": [to_plugin]})
    assert queues_reached(topology, "a", "key", {}) is None
    assert queues_reached(topology, "missing", "key", {}) is None


def test_route_asks_the_broker(private_broker: PrivateBroker) -> None:
    """The tree has the backlog and the consumers that the broker tells; a login refused is 77."""
    url, management = private_broker.amqp_url, private_broker.web_address
    known = {"MEDTRACK_URL": url, "MEDTRACK_MANAGEMENT_URL": management}
    ask = partial(run, "route", environ=known)
    name = f"tests.route.{secrets.token_hex(4)}"
    with client(private_broker.amqp_url) as channel:
        queue = channel.queue_declare(name, exclusive=True).method.queue
        channel.queue_bind(queue, EXCHANGE, name)
        channel.basic_publish(EXCHANGE, name, b"")
        until = time.monotonic() + 20
        while (told := ask(name, "-o", "json")).code == 0:
            (found,) = told.records[0]["queues"]
            if (found["ready"], found["consumers"]) == (1, 0):
                break
            assert time.monotonic() < until, found  # the broker's statistics come later
        tree = ask(name)
    assert f"{name} -> {queue}  classic, 1 ready, 0 consumers" in tree.out
    assert (tree.code, ask(name).code) == (0, 1)
    refused = run("route", name, environ=known | {"MEDTRACK_USERNAME": "nobody"})
    assert (refused.code, refused.out) == (77, "")


def test_lint_asks_the_broker(private_broker: PrivateBroker) -> None:
    """A queue that nobody reads is named, and no place in a file, until somebody reads it."""
    url, management = private_broker.amqp_url, private_broker.web_address
    known = {"MEDTRACK_URL": url, "MEDTRACK_MANAGEMENT_URL": management}
    name = f"tests.lint.{secrets.token_hex(4)}"

    def rules() -> set[str]:
        ran = run("topology", "lint", "-o", "json", environ=known)
        mine = [each for each in ran.of_kind("finding") if each["file"] == f"queue {name}"]
        assert {(each["line"], each["pointer"]) for each in mine} <= {(None, "")}
        return {each["rule"] for each in mine}

    def wait_for(*, is_read: bool) -> set[str]:
        until = time.monotonic() + 30
        while ("queue_without_consumer" in (found := rules())) is is_read:
            assert time.monotonic() < until, found
            channel.connection.process_data_events(1)
        return found

    with client(url) as channel:
        channel.queue_declare(name, durable=True)
        try:
            channel.queue_bind(name, EXCHANGE, "student.#")
            others = {"missing_dead_letter", "unbounded_queue"}
            assert wait_for(is_read=False) == {"queue_without_consumer", *others}
            channel.basic_consume(name, lambda *_: None)
            assert wait_for(is_read=True) == others
        finally:
            channel.queue_delete(name)


def test_a_broker_is_as_its_definitions_say(
    private_broker: PrivateBroker, tmp_path: Path, chance: Random
) -> None:
    """Nothing differs between a profile's broker and what it exports, until something does."""
    url, management = private_broker.amqp_url, private_broker.web_address
    config = tmp_path / "config.yaml"
    config.write_text(
        json.dumps({"profiles": {"here": {"url": url, "management_url": management}}})
    )
    config.chmod(0o600)
    exported = tmp_path / "definitions.json"
    diff = partial(run, "topology", "diff", "here", exported, "--config", config, "-o", "json")
    questions = Questions(settings_of(url, management_url=management), 20)
    with client(url) as channel, random_topology(channel, chance) as declared:
        exported.write_text(json.dumps(questions.ask("definitions")))
        same = diff(folder=tmp_path)
        channel.queue_bind(declared.queues[0], EXCHANGE, "student.created")
        other = diff(folder=tmp_path)
    assert (same.code, same.of_kind("change")) == (0, []), same.err
    changes = [(each["thing"], each["change"]) for each in other.of_kind("change")]
    assert (other.code, changes) == (1, [("binding", "removed"), ("event_type", "changed")])
