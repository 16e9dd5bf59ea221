"""`medtrack queue peek`: what waits is shown and stays where it was, in its order."""

import json
import time
from pathlib import Path

import pytest

from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import client
from tests.cel import needs_cel
from tests.cli.tool import Tool
from tests.faults.test_queues import Queues, queues
from tests.faults.versions import is_from_4_3

__all__ = ["queues"]


def fill(queues: Queues, name: str, count: int) -> str:
    """Make a durable quorum or classic queue with numbered messages."""
    for number in range(1, count + 1):
        queues.channel.basic_publish("", name, b'{"number":%d}' % number)
    return name


def made(queues: Queues, kind: str, **arguments: object) -> str:
    """Declare a durable queue of a type."""
    name = f"{queues.prefix}-peek"
    queues.channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind, **arguments})
    queues.made.append(name)
    return name


def numbers(queues: Queues, name: str) -> list[int]:
    """Take all that is in a queue."""
    found: list[int] = []
    until = time.monotonic() + 5
    while time.monotonic() < until:
        _, _, body = queues.channel.basic_get(name, auto_ack=True)
        if body is None:
            if found:
                break
            continue
        found.append(json.loads(body)["number"])
    return found


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_is_peeked_stays_in_its_order(queues: Queues, kind: str) -> None:
    """The next ones are shown, whole and exact, and are there as before; the mark is said."""
    name = fill(queues, made(queues, kind), 20)
    # RabbitMQ 4 gives quorum queues a limit.
    ran = queues.say("peek", name, "-n", "5", *["--spend-deliveries"] * (kind == "quorum"))
    assert ran.code == 0, ran.err
    assert [each["body"]["number"] for each in ran.of_kind("event")] == [1, 2, 3, 4, 5]
    assert "5 looked at, 5 shown; they are there as before, and marked as redelivered" in ran.err
    assert numbers(queues, name) == list(range(1, 21))


@needs_cel
def test_a_condition_chooses_what_is_shown(queues: Queues) -> None:
    """--where shows some, --record keeps all; a queue with less, or nothing, ends at once."""
    name = fill(queues, made(queues, "classic"), 4)
    record = queues.folder / "peeked.ndjson"
    ran = queues.say(
        *("peek", name, "-n", "50", "--where", "event.number > 2", "--record", str(record))
    )
    assert [each["body"]["number"] for each in ran.of_kind("event")] == [3, 4], ran.err
    assert len(record.read_text().splitlines()) == 1 + 2
    assert numbers(queues, name) == [1, 2, 3, 4]
    empty = queues.say("peek", name)
    assert (empty.code, "nothing waits" in empty.err) == (0, True)


def test_a_queue_with_a_limit_is_looked_at_only_when_that_is_typed(queues: Queues) -> None:
    """A look spends deliveries: 2 without the option; with it what was spent is told, or lost: 1.

    None but those looked at is lost, and none is said to be there that isn't.
    """
    name = fill(queues, made(queues, "quorum", **{"x-delivery-limit": 2}), 6)
    refused = queues.say("peek", name, "-n", "2")
    assert (refused.code, "--spend-deliveries" in refused.err) == (2, True), refused.err
    for _ in range(2):
        ran = queues.say("peek", name, "-n", "2", "--spend-deliveries")
        assert (ran.code, "each has spent one of 2 deliveries" in ran.err) == (0, True), ran.err
    assert [each["body"]["number"] for each in ran.of_kind("event")] == [1, 2]
    if is_from_4_3(queues.broker):
        assert numbers(queues, name) == [1, 2, 3, 4, 5, 6]
        return
    ran = queues.say("peek", name, "-n", "2", "--spend-deliveries")
    assert (ran.code, "2 had no delivery left" in ran.err) == (1, True), ran.err
    assert numbers(queues, name) == [3, 4, 5, 6]


def test_who_else_has_the_queue_is_told(queues: Queues) -> None:
    """Where another consumer alone gets what waits, that is said: 1."""
    name = fill(queues, made(queues, "classic", **{"x-single-active-consumer": True}), 3)
    with client(queues.broker.amqp_url) as other:
        other.basic_qos(prefetch_count=1)
        other.basic_consume(name, lambda *_: None)
        other.connection.process_data_events(0.5)
        ran = queues.say("peek", name)
    assert (ran.code, "another consumer has it" in ran.err) == (1, True), ran.err


def test_a_stream_is_read_from_an_offset(queues: Queues) -> None:
    """A stream is read and keeps all; other queues have no offsets: 2.

    Without the management API nothing is looked at: its type and its limit aren't known.
    """
    name = fill(queues, made(queues, "stream"), 6)
    for options, expected in ((("-n", "2"), [1, 2]), (("--offset", "4"), [5, 6])):
        ran = queues.say("peek", name, *options)
        assert [each["body"]["number"] for each in ran.of_kind("event")] == expected, ran.err
        assert (ran.code, "they are there as before" in ran.err) == (0, True)
    other = queues.declare("other", held=1)
    assert queues.say("peek", other, "--offset", "first").code == 2
    assert queues.say("peek", name, "--offset", "-1").code == 2
    ran = queues.say("peek", name, api=False)
    assert (ran.code, "MEDTRACK_MANAGEMENT_URL" in ran.err) == (78, True)


def test_killed_in_the_middle_it_loses_nothing(
    queues: Queues, tmp_path: Path, fragile_broker: PrivateBroker
) -> None:
    """Kill -9 while it holds messages: the broker has all of them again, in their order."""
    name = fill(queues, made(queues, "classic"), 30)
    with client(fragile_broker.amqp_url) as other:
        # Somebody else holds one, so that the peek waits for it.
        held = other.basic_get(name)[0]
        assert held is not None
        assert held.delivery_tag is not None
        with Tool(
            tmp_path,
            MEDTRACK_URL=fragile_broker.amqp_url,
            MEDTRACK_MANAGEMENT_URL=fragile_broker.web_address,
        ) as tool:
            running = tool.start("queue", "peek", name, "-n", "30", "-o", "json")
            running.await_text('"number":30', stream="out")
            running.process.kill()
            running.process.wait()
        other.basic_nack(held.delivery_tag)
        time.sleep(0.2)
    assert numbers(queues, name) == list(range(1, 31))
