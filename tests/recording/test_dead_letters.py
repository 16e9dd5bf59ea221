"""Recorded dead letters are replayed to where somebody says, and nowhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import client
from tests.builders import encode, event
from tests.cli.tool import Tool
from tests.conftest import Broker

WORK, DEAD, GRAVE, OTHER = "tests.work", "tests.work.dead", "tests.grave", "tests.other"
BODIES = [encode(event() | {"service": f"dead-{number}"}) for number in range(3)]


class Got(NamedTuple):
    """A message as a queue gave it."""

    routing_key: str
    body: bytes
    headers: set[str]


@contextmanager
def queues(channel: BlockingChannel, queue_type: str) -> Iterator[None]:
    """Declare queues that are each the grave of the one before, the first bound to the exchange."""
    names = [WORK, DEAD, GRAVE, OTHER]
    for name, beyond in zip(names, [DEAD, GRAVE, None, None], strict=True):
        dies = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": beyond}
        arguments = {"x-queue-type": queue_type, **(dies if beyond else {})}
        channel.queue_declare(name, durable=True, arguments=arguments)
    channel.queue_bind(WORK, EXCHANGE, "student.created")
    channel.queue_bind(OTHER, EXCHANGE, "copied")
    try:
        yield
    finally:
        for name in names:
            channel.queue_delete(name)


def die(channel: BlockingChannel, queue: str, count: int) -> None:
    """Reject what comes into a queue, so that it goes on to the next."""
    until = time.monotonic() + 20
    while count:
        method, _, _ = channel.basic_get(queue)
        if method:
            channel.basic_reject(method.delivery_tag or 0, requeue=False)
            count -= 1
        assert time.monotonic() < until, queue


def taken(channel: BlockingChannel, queue: str, count: int) -> list[Got]:
    """Take all that is in a queue: so many messages, each confirmed before."""
    found = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None or properties is None:
            break
        found.append(Got(method.routing_key or "", body or b"", set(properties.headers or {})))
    assert len(found) == count
    return found


def record_dead_letters(tool: Tool, channel: BlockingChannel, url: str) -> None:
    """Record two dead letters, a third that died twice, and a message that never did."""
    for body in BODIES:
        properties = BasicProperties(headers={"CC": ["copied"]}, delivery_mode=2)
        channel.basic_publish(EXCHANGE, "student.created", body, properties)
    die(channel, WORK, 3)
    die(channel, DEAD, 1)
    channel.basic_publish("", DEAD, b"alive", BasicProperties(delivery_mode=2))
    for queue, count in ((DEAD, "3"), (GRAVE, "1")):
        taking = ("listen", "--queue", queue, "--yes", "--count", count, "--timeout", "20")
        ran = tool.run(*taking, "--record", "dead.ndjson", "-o", "json", "--url", url)
        assert ran.code == 0, ran.err
    taken(channel, OTHER, 3)  # the copies


def check_dead_letters(tool: Tool, url: str, queue_type: str) -> None:
    """Replay dead letters in each way, and look at what has come into the queues."""
    with client(url) as channel, queues(channel, queue_type):
        record_dead_letters(tool, channel, url)
        replay = ("replay", "dead.ndjson", "--speed", "max", "-o", "json", "--url", url)

        for options in ((), ("--dry-run",)):
            refused = tool.run(*replay, *options)
            assert (refused.code, refused.out) == (2, "")
            assert "3 recorded dead letters" in refused.err
            for to in ("exchange", "queue"):
                assert f"medtrack replay dead.ndjson --to {to}" in refused.err
        assert [taken(channel, each, 0) for each in (WORK, DEAD, GRAVE)] == [[]] * 3

        key = ("--key", "student.*")  # as they are judged
        for to, keys, copies in (("exchange", "student.created", 3), ("queue", WORK, 0)):
            planned = tool.run(*replay, *key, "--to", to, "--dry-run").of_kind("message")
            assert [each["routing_key"] for each in planned] == [keys] * 3
            sent = tool.run(*replay, *key, "--to", to)
            assert (sent.code, sent.summary["confirmed"]) == (0, 3)
            arrived = taken(channel, WORK, 3)
            assert sorted(each.body for each in arrived) == BODIES
            assert {each.routing_key for each in arrived} == {keys}
            assert not {name for each in arrived for name in each.headers if "death" in name}
            taken(channel, OTHER, copies)
        taken(channel, DEAD, 0)

        channel.queue_delete(WORK)
        gone = tool.run(*replay, *key, "--to", "queue")
        assert (gone.code, gone.summary["unroutable"]) == (1, 3)


@pytest.mark.parametrize("queue_type", ["classic", pytest.param("quorum", marks=pytest.mark.long)])
def test_dead_letters_go_where_they_are_sent(
    connected: Tool, broker: Broker, queue_type: str
) -> None:
    """Without a word nothing is sent; to the exchange each goes as at first, to its queue alone."""
    check_dead_letters(connected, broker.amqp_url, queue_type)


def test_a_dead_letter_in_a_pipe_ends_the_run(connected: Tool, broker: Broker) -> None:
    """What can be read only once ends at the first dead letter, which is never sent."""
    with client(broker.amqp_url) as channel, queues(channel, "classic"):
        record_dead_letters(connected, channel, broker.amqp_url)
        recorded = (connected.folder / "dead.ndjson").read_bytes()
        ran = connected.run("replay", "-", "--speed", "max", "-o", "json", stdin=recorded)
        assert ran.code == ran.summary["exit_code"] == 2
        assert [each["outcome"] for each in ran.of_kind("receipt")] == ["unsent"]
        assert taken(channel, WORK, 0) == taken(channel, DEAD, 0) == []
