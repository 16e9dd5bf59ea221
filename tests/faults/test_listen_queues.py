"""Listening while queues go and fill: never deaf in silence, never a burden to others."""

import os
import signal
import time

import pytest
from pika.exceptions import UnroutableError

from medtrack_cli import private_broker as private
from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.core.listening.sources import Tap
from medtrack_cli.core.ports import Interrupted, Listening, Resumed, Stop
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.cli.tool import Tool
from tests.faults.breaking import (
    alarmed,
    evaluate,
    queue_of,
)
from tests.faults.listening import (
    TAP,
    Reader,
    await_log,
    check_story,
    depth,
    impatient,
    keys,
    named_tap,
    say,
    stories,
)
from tests.faults.versions import is_from_4_3


def test_a_deleted_queue_is_told_and_replaced(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A tap whose queue the broker deletes is an interruption; a new one goes on listening."""
    running = away.listen()
    say(fragile_broker, "before.it")
    running.await_text("before.it", stream="out")
    private.rabbitmqctl(fragile_broker, "delete_queue", queue_of(running))
    running.await_text("deleted")
    check_story(running, fragile_broker)
    assert "medtrack.tap" not in private.rabbitmqctl(fragile_broker, "list_queues", "name")


def test_a_deleted_named_tap_is_told_and_replaced(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """A durable tap that is deleted is declared again, and what it held may be missing."""
    with named_tap(fragile_broker) as options:
        running = away.listen(*options)
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        with client(fragile_broker.amqp_url) as channel:
            channel.queue_delete(TAP)
        check_story(running, fragile_broker)


def test_a_queue_deleted_under_listen_ends_it(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A queue of others' that is deleted ends listening with 76: never with 0, never deaf."""
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare("tests.doomed", durable=True)
        running = away.listen("--queue", "tests.doomed", "--yes")
        channel.queue_delete("tests.doomed")
        ran = running.end()
    assert ran.code == 76
    assert [each["kind"] for each in stories(ran)] == ["listening", "interrupted", "error"]
    assert "tests.doomed" in stories(ran)[-1]["message"]


@pytest.mark.long
def test_an_exchange_deleted_under_listen_ends_it(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """A tap whose exchange is deleted would be deaf for ever: within 10 s it is 76 instead."""
    with client(fragile_broker.amqp_url) as channel:
        channel.exchange_declare("tests.doomed", "topic")
        running = away.listen("--exchange", "tests.doomed")
        channel.exchange_delete("tests.doomed")
        ran = running.end(10)
    assert ran.code == 76
    assert [each["kind"] for each in stories(ran)] == ["listening", "interrupted", "error"]
    assert "tests.doomed" in stories(ran)[-1]["message"]


@pytest.mark.long
def test_a_binding_that_was_removed_comes_back(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A tap that somebody unbinds is bound again within 10 s."""
    with named_tap(fragile_broker) as options, client(fragile_broker.amqp_url) as channel:
        running = away.listen(*options)
        channel.queue_unbind(TAP, EXCHANGE, "#")
        channel.confirm_delivery()
        with pytest.raises(UnroutableError):
            channel.basic_publish(EXCHANGE, "deaf", b"{}", mandatory=True)
        time.sleep(8)
        channel.basic_publish(EXCHANGE, "received", b"{}", mandatory=True)
        running.await_text("received", stream="out")


def test_a_stale_tag_is_told_and_healed(fragile_broker: PrivateBroker) -> None:
    """A channel closed for a tag that the broker doesn't know (406) is an interruption, healed."""
    with AmqpConsumer(settings_of(fragile_broker.amqp_url), Tap(), print, Stop()) as consumer:
        happenings = (each for each in consumer.deliveries() if not isinstance(each, list))
        assert isinstance(next(happenings), Listening)
        assert consumer._link
        consumer._link.call(lambda channel: channel.basic_ack(4711))
        interrupted = next(happenings)
        assert isinstance(interrupted, Interrupted)
        assert "unknown delivery tag" in interrupted.reason
        assert isinstance(next(happenings), Resumed)


def test_a_channel_closed_for_slowness_is_told_and_healed(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """When the broker loses patience with a blocked reader, that is told, and nothing is lost."""
    if is_from_4_3(fragile_broker):
        pytest.skip("RabbitMQ 4.3 has all patience with the readers of classic queues")
    reader = Reader()
    with impatient(fragile_broker, 2000), named_tap(fragile_broker) as options:
        running = away.listen(*options, "--count", "400", to=reader.writing)
        os.close(reader.writing)
        say(fragile_broker, *(f"slow.{number}" for number in range(400)))
        await_log(fragile_broker, "timed out")
        reader.start()
        ran = running.end()
        received = [each["routing_key"] for each in reader.finish()]
    assert ran.code == 0
    assert received == [f"slow.{number}" for number in range(400)]
    assert [each["kind"] for each in stories(ran)][1:3] == ["interrupted", "resumed"]
    assert "timed out" in stories(ran)[1]["reason"]


@pytest.mark.long
def test_a_slow_reader_never_costs_the_channel(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Blocked for longer than the broker's patience, listen gives back what it holds before."""
    log = fragile_broker.folder / "log" / "rabbitmq.log"
    complaints = log.read_text().count("timed out")
    wanted = [f"slow.{number}" for number in range(400)]
    reader = Reader()
    with impatient(fragile_broker, 60_000), named_tap(fragile_broker) as options:
        running = away.listen(*options, "--count", "400", to=reader.writing)
        os.close(reader.writing)
        say(fragile_broker, *wanted)
        time.sleep(75)
        assert depth(fragile_broker, TAP) > 0, "nothing was given back"
        reader.start()
        ran = running.end()
        received = [each["routing_key"] for each in reader.finish()]
    assert (ran.code, received) == (0, wanted)
    assert [each["kind"] for each in stories(ran)] == ["listening", "listened"]
    assert log.read_text().count("timed out") == complaints


@pytest.mark.long
def test_an_alarm_doesnt_hold_up_listening(away: Tool, fragile_broker: PrivateBroker) -> None:
    """While an alarm holds up publishers, what waits is taken and acknowledged."""
    with named_tap(fragile_broker) as options:
        away.listen(*options).process.kill()
        say(fragile_broker, *(f"waiting.{number}" for number in range(500)))
        with alarmed(fragile_broker):
            assert "memory" in evaluate(fragile_broker, "rabbit_alarm:get_alarms().")
            ran = away.run("listen", "-o", "json", *options, "--count", "500")
        assert depth(fragile_broker, TAP) == 0
    assert ran.code == 0
    assert keys(ran) == [f"waiting.{number}" for number in range(500)]


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("classic", 15_000),
        pytest.param("quorum", 15_000, marks=pytest.mark.long),
        pytest.param("classic", 1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
def test_a_flood_into_a_listener_that_hangs_harms_nobody(
    away: Tool, fragile_broker: PrivateBroker, kind: str, count: int
) -> None:
    """Publishers are never refused, the tap is capped, and the listener says that it overflowed."""
    reader = Reader()
    with named_tap(fragile_broker) as options:
        running = away.listen(
            *options, "--queue-type", kind, "--timeout", "3600", to=reader.writing
        )
        os.close(reader.writing)
        flood = ("publish", "student.created", "--count", str(count), "-o", "json", "-q")
        published = away.run(*flood, seconds=850)
        waiting = depth(fragile_broker, TAP)
        memory = int(evaluate(fragile_broker, "erlang:memory(total)."))
        reader.start()
        running.await_text('"resumed"')
        running.signal(signal.SIGTERM)
        ran = running.end()
        received = len(reader.finish())
    assert (published.code, published.summary["confirmed"]) == (0, count)
    assert waiting <= 10_000
    assert memory < 400 * 1024**2
    interrupted, resumed = stories(ran)[1:3]
    assert "full" in interrupted["reason"]
    assert resumed["may_have_missed"] is True
    assert received <= 10_000 + 500 + 500  # in the queue, on their way, written before it was full
