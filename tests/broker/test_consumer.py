"""Listening on a real broker: ready when it says so, exact, and nothing left behind."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pika.exceptions import ChannelClosedByBroker

from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.broker.amqp.subscription import PREFETCH
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Queue, Tap
from medtrack_cli.core.ports import Listening, Stop
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.builders import numbered
from tests.cli.tool import Running, Tool
from tests.conftest import Broker


def test_ready_means_ready(broker: Broker) -> None:
    """What is published right after the ready line is received, each of two hundred times."""
    settings = settings_of(broker.amqp_url)
    with client(broker.amqp_url) as channel:
        for number in range(200):
            with AmqpConsumer(settings, Tap(("tests.ready",)), lambda _: None, Stop()) as tap:
                happenings = tap.deliveries()
                assert isinstance(next(happenings), Listening)
                body = b"%d" % number
                channel.basic_publish(EXCHANGE, "tests.ready", body)
                batch: object = []
                until = time.monotonic() + 10
                while not batch and time.monotonic() < until:
                    batch = next(happenings)
                assert isinstance(batch, list)
                assert [each.body for each in batch] == [body]


def test_names_of_taps_are_never_the_same(broker: Broker) -> None:
    """Each tap's queue has a random name that tells whose it is, on the broker, too."""
    names = []
    for _ in range(3):
        with AmqpConsumer(settings_of(broker.amqp_url), Tap(), print, Stop()) as tap:
            ready = next(tap.deliveries())
            assert isinstance(ready, Listening)
            names.append(ready.queue)
            with client(broker.amqp_url) as channel, pytest.raises(ChannelClosedByBroker) as no:
                channel.queue_declare(ready.queue, passive=True)
            assert no.value.reply_code == 405, "it is there, and exclusive"
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"medtrack\.tap\.[0-9a-f]{16}", name) for name in names)


def receive(tap: AmqpConsumer, count: int, seconds: float, *, acknowledge: bool) -> list[Delivery]:
    """Hear up to so many deliveries in so many seconds, each after the ready line."""
    received: list[Delivery] = []
    happenings = tap.deliveries()
    assert isinstance(next(happenings), Listening)
    until = time.monotonic() + seconds
    with client(_url_of(tap)) as channel:
        for number in range(count):
            channel.basic_publish(EXCHANGE, "tests.acks", b"%d" % number)
    while len(received) < count and time.monotonic() < until:
        batch = next(happenings)
        assert isinstance(batch, list)
        received += batch
        if acknowledge:
            tap.acknowledge([each.token for each in batch])
    return received


def _url_of(tap: AmqpConsumer) -> str:
    settings = tap.settings
    login = f"{settings.username}:{settings.password.reveal()}"
    return f"amqp://{login}@{settings.hosts[0]}/{settings.vhost.replace('/', '%2F')}"


@pytest.mark.parametrize("acknowledge", [True, False])
def test_only_what_was_handled_is_acknowledged(broker: Broker, *, acknowledge: bool) -> None:
    """Acknowledged deliveries make room for more; without that the broker sends no further."""
    with AmqpConsumer(settings_of(broker.amqp_url), Tap(("tests.acks",)), print, Stop()) as tap:
        seconds = 20 if acknowledge else 1.5
        received = receive(tap, PREFETCH * 4, seconds, acknowledge=acknowledge)
    expected = PREFETCH * 4 if acknowledge else PREFETCH
    assert [each.body for each in received] == [b"%d" % number for number in range(expected)]
    assert not any(each.redelivered for each in received)


def queue_of(running: Running) -> str:
    """Read a listener's queue out of its ready line."""
    lines = [json.loads(line) for line in running.err.splitlines() if line.startswith("{")]
    return str(next(each["queue"] for each in lines if each["kind"] == "listening"))


def exists(broker: Broker, queue: str) -> bool:
    """Return whether a queue is there; an exclusive one of somebody else's is locked."""
    try:
        with client(broker.amqp_url) as channel:
            channel.queue_declare(queue, passive=True)
    except ChannelClosedByBroker as closed:
        return closed.reply_code != 404
    return True


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_listening_and_leaves_nothing(
    connected: Tool, broker: Broker, number: int, code: int
) -> None:
    """On a signal, listening ends at once with its exit code, and the queue is gone."""
    running = connected.listen()
    queue = queue_of(running)
    assert exists(broker, queue)
    started = time.monotonic()
    running.signal(number)
    ran = running.end(10)
    assert time.monotonic() - started < 3
    assert ran.code == code
    assert json.loads(ran.err.splitlines()[-1])["ended"] == "stopped"
    assert not exists(broker, queue)


def test_a_count_reached_leaves_nothing(connected: Tool, broker: Broker) -> None:
    """With --count reached, exit code 0, no more lines than asked for, and no queue is left."""
    running = connected.listen("--count", "3")
    queue = queue_of(running)
    with client(broker.amqp_url) as channel:
        for line in numbered(5):
            channel.basic_publish(EXCHANGE, "student.deleted", line)
    ran = running.end()
    assert ran.code == 0
    assert [each["body_text"].encode() for each in ran.records] == list(numbered(3))
    assert not exists(broker, queue)


@pytest.mark.parametrize(("more", "code"), [([], 0), (["--count", "1"], 1)])
def test_time_running_out_is_a_verdict_only_with_a_count(
    connected: Tool, more: list[str], code: int
) -> None:
    """--timeout alone ends with 0; before --count is reached it is 1. The reason is said."""
    ran = connected.run("listen", "-o", "json", "--timeout", "0.5", *more)
    assert (ran.code, ran.out) == (code, "")
    assert json.loads(ran.err.splitlines()[-1])["ended"] == "timeout"


def test_a_reader_that_leaves_ends_listening_quietly(connected: Tool, broker: Broker) -> None:
    """When the reader of a pipe goes, as `head -1` does: 141, and not a word of complaint."""
    reading, writing = os.pipe()
    running = connected.listen("--count", "5", to=writing)
    os.close(writing)
    with client(broker.amqp_url) as channel, os.fdopen(reading, "rb") as reader:
        channel.basic_publish(EXCHANGE, "tests.pipe", b"1")
        assert json.loads(reader.readline())["body_text"] == "1"
        reader.close()
        for _ in range(4):
            channel.basic_publish(EXCHANGE, "tests.pipe", b"2")
        ran = running.end()
    assert ran.code == 141
    assert all(line.startswith(("{", "connecting to ")) for line in ran.err.splitlines()), ran.err


def test_a_full_device_is_exit_code_74(connected: Tool, broker: Broker) -> None:
    """Output that can't be written is 74 with an error and a hint, and no traceback."""
    full = os.open("/dev/full", os.O_WRONLY)
    running = connected.listen("--count", "1", to=full)
    os.close(full)
    with client(broker.amqp_url) as channel:
        channel.basic_publish(EXCHANGE, "tests.full", b"1")
    ran = running.end()
    assert ran.code == 74
    assert '"cannot_write"' in ran.err
    assert "Traceback" not in ran.err
    assert "Exception" not in ran.err


NO_TOPICS = {
    "direct": "exchange tests.exchange is direct: student.* is a key to it as it is",
    "fanout": "exchange tests.exchange is a fanout exchange: all arrives",
    "headers": "exchange tests.exchange is a headers exchange: all arrives",
    "topic": None,
}


@pytest.mark.parametrize("kind", NO_TOPICS)
def test_what_patterns_are_to_an_exchange_is_said(private_broker: PrivateBroker, kind: str) -> None:
    """Where the exchange is no topic, the ready line says what becomes of patterns; it is so."""
    receives = {"direct": ["student.*"], "topic": ["student.x"]}.get(
        kind, ["student.*", "student.x"]
    )
    with client(private_broker.amqp_url) as channel:
        channel.exchange_declare("tests.exchange", kind)
        settings = managed(private_broker, exchange="tests.exchange")
        with AmqpConsumer(settings, Tap(("student.*",)), print, Stop()) as tap:
            happenings = tap.deliveries()
            ready = next(happenings)
            channel.basic_publish("tests.exchange", "student.x", b"{}")
            channel.basic_publish("tests.exchange", "student.*", b"{}")
            received = {each.routing_key for each in received_by(happenings, len(receives))}
        channel.exchange_delete("tests.exchange")
    assert isinstance(ready, Listening)
    assert (ready.caution or "").startswith(NO_TOPICS[kind] or "")
    assert (ready.caution is None) is (NO_TOPICS[kind] is None)
    assert received >= {*receives}


def test_an_exchange_that_every_broker_has_is_known_by_name(broker: Broker) -> None:
    """Without the management API, too, amq.direct is no topic; of others nothing is said."""
    settings = settings_of(broker.amqp_url, exchange="amq.direct")
    with AmqpConsumer(settings, Tap(), print, Stop()) as tap:
        ready = next(tap.deliveries())
    assert isinstance(ready, Listening)
    assert (
        ready.caution == "exchange amq.direct is direct: # is a key to it as it is, and no pattern"
    )


def test_bindings_of_before_are_said(private_broker: PrivateBroker) -> None:
    """A durable tap that is used again says what it is bound to by other patterns."""
    settings = managed(private_broker)
    said = []
    for patterns in (("a.*", "b.#"), ("b.#", "c"), ("a.*", "b.#", "c")):
        with AmqpConsumer(settings, Tap(patterns, "tests.again"), print, Stop()) as tap:
            ready = next(tap.deliveries())
            assert isinstance(ready, Listening)
            said.append(ready.caution)
    with client(private_broker.amqp_url) as channel:
        channel.queue_delete("tests.again")
    assert said == [None, "queue tests.again is bound to a.*, too; a new name starts afresh", None]


def test_what_a_delivery_limit_costs_is_said(private_broker: PrivateBroker) -> None:
    """A queue that drops what goes back to it too often is named before anything is taken."""
    settings, name = managed(private_broker), "tests.limited"
    quorum = {"x-queue-type": "quorum", "x-delivery-limit": 3}
    with client(private_broker.amqp_url) as channel:
        channel.queue_declare(name, durable=True, arguments=quorum)
        with AmqpConsumer(settings, Queue(name), print, Stop()) as taken:
            ready = next(taken.deliveries())
        channel.queue_delete(name)
    assert isinstance(ready, Listening)
    assert ready.caution == (
        "queue tests.limited drops a message at its delivery limit, 3; what is read ahead and "
        "goes back when this ends counts as delivered"
    )


def managed(broker: PrivateBroker, **changes: object) -> ConnectionSettings:
    """Give the settings of a broker whose management API may be asked."""
    api = f"http://127.0.0.1:{broker.management_port}"
    return settings_of(broker.amqp_url, management_url=api, **changes)


def received_by(happenings: Iterator[object], count: int) -> list[Delivery]:
    """Wait for so many deliveries."""
    received: list[Delivery] = []
    until = time.monotonic() + 10
    while len(received) < count and time.monotonic() < until:
        batch = next(happenings)
        assert isinstance(batch, list)
        received += batch
    return received


def test_a_missing_exchange_is_exit_code_76(connected: Tool) -> None:
    """Listening to an exchange that isn't there is an error of topology that names it."""
    ran = connected.run("listen", "--exchange", "missing.exchange", "--timeout", "5")
    assert ran.code == 76
    assert "missing.exchange" in ran.err
    assert json.loads(ran.err.splitlines()[-1])["hint"]


def test_listening_on_a_closed_port_ends_in_time(tool: Tool, tmp_path: Path) -> None:
    """With no broker there, --retry-for bounds the tries, and nothing is recorded as received."""
    started = time.monotonic()
    ran = tool.run("listen", "--url", "amqp://127.0.0.1:9", "--retry-for", "1")
    assert time.monotonic() - started < 5
    assert ran.code == 69
    assert ran.out == ""
    assert list(tmp_path.glob("*.ndjson")) == []
