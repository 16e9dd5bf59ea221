"""Listening through faults: said with start and end, and heard again afterwards."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from threading import Thread
from typing import Any

import pytest
from pika.exceptions import UnroutableError

from medtrack_cli.broker import private
from medtrack_cli.broker.consumer import AmqpConsumer
from medtrack_cli.broker.private import EXCHANGE, PrivateBroker
from medtrack_cli.core.ports import Interrupted, Listening, Resumed, Stop, Tap
from tests.broker.witness import client, settings_of
from tests.cli.tool import Ran, Running, Tool, numbered
from tests.faults.breaking import (
    alarmed,
    close_connections,
    evaluate,
    kill,
    paused,
    queue_of,
    restart,
)
from tests.faults.proxy import Proxy

TAP = "tests.fault"


def say(broker: PrivateBroker, *keys: str) -> None:
    """Publish messages that only their routing keys tell from others."""
    with client(broker.amqp_url) as channel:
        channel.confirm_delivery()
        for key in keys:
            channel.basic_publish(EXCHANGE, key, b"{}")


def stories(ran: Ran) -> list[dict[str, Any]]:
    """Read what was told on stderr."""
    return [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]


def told(running: Running, kind: str) -> dict[str, Any]:
    """Read the newest of one kind that was told so far."""
    lines = [line for line in running.err.splitlines() if line.startswith(f'{{"kind":"{kind}"')]
    last: dict[str, Any] = json.loads(lines[-1])
    return last


def keys(ran: Ran) -> list[str]:
    """Read back the routing keys heard."""
    return [each["routing_key"] for each in ran.of_kind("event")]


def check_story(running: Running, broker: PrivateBroker, *, missed: bool = True) -> Ran:
    """The interruption was told with start and end, and what came after it was heard."""
    running.await_text('"resumed"', 60)
    say(broker, "after.it")
    running.await_text("after.it", stream="out")
    running.signal(signal.SIGTERM)
    ran = running.end()
    assert ran.code == 143
    kinds = [each["kind"] for each in stories(ran)]
    assert kinds == ["listening", "interrupted", "resumed", "listened"]
    _, interrupted, resumed, listened = stories(ran)
    assert interrupted["reason"]
    assert interrupted["since"] == resumed["since"] < resumed["until"]
    assert resumed["may_have_missed"] is missed
    assert listened["interruptions"] == 1
    assert keys(ran)[0] == "before.it"
    assert keys(ran)[-1] == "after.it"
    return ran


@contextmanager
def named_tap(broker: PrivateBroker) -> Iterator[tuple[str, str]]:
    """Give the options of a durable tap that is gone at the end."""
    try:
        yield ("--durable", TAP)
    finally:
        with client(broker.amqp_url) as channel:
            channel.queue_delete(TAP)


def depth(broker: PrivateBroker, queue: str) -> int:
    """Count what waits in a queue."""
    with client(broker.amqp_url) as channel:
        return int(channel.queue_declare(queue, passive=True).method.message_count)


def test_a_cut_connection_is_told_and_regained(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A lost connection is shown with its start and end, and listening goes on within 3 s."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.cut()
        assert proxy.faults == 1
        running.await_text('"resumed"', 3)
        check_story(running, fragile_broker)


def test_a_half_dead_connection_holds_up_nobody(away: Tool, fragile_broker: PrivateBroker) -> None:
    """While the broker still has the old connection and its tap, a new one is heard at once."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        old = queue_of(running)
        proxy.leave()
        running.await_text('"resumed"', 3)
        assert old in private.rabbitmqctl(fragile_broker, "list_queues", "name")
        assert proxy.faults == 1
        check_story(running, fragile_broker)


def test_a_named_tap_misses_nothing(away: Tool, fragile_broker: PrivateBroker) -> None:
    """What is published while a durable tap's listener is away comes, and it is said so.

    Only what was acknowledged into the cut comes twice, marked as redelivered.
    """
    with Proxy(fragile_broker.amqp_port) as proxy, named_tap(fragile_broker) as options:
        running = away.listen(*options, "--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.cut()
        say(fragile_broker, "in.between", "in.between.too")
        ran = check_story(running, fragile_broker, missed=False)
        assert proxy.faults == 1
    first = [each["routing_key"] for each in ran.of_kind("event") if not each["redelivered"]]
    assert first == ["before.it", "in.between", "in.between.too", "after.it"]
    assert set(keys(ran)) == set(first)
    assert len(keys(ran)) <= len(first) + 1


@pytest.mark.long
def test_a_named_tap_on_a_bad_day(
    away: Tool, fragile_broker: PrivateBroker, chance: Random
) -> None:
    """Cut again and again amid 10,000 events, a durable tap loses none and keeps their order.

    What comes twice is marked, and no more than what a connection holds.
    """
    count, cuts = 10_000, 8
    with Proxy(fragile_broker.amqp_port) as proxy, named_tap(fragile_broker) as options:
        running = away.listen(*options, "--url", proxy.through(fragile_broker.amqp_url))
        name = away.write("events.ndjson", b"".join(numbered(count)))
        publishing = away.start("publish", "-f", name, "-q", "--rate", "1500")
        for _ in range(cuts):
            time.sleep(chance.uniform(0.3, 1.2))
            proxy.cut()
        assert publishing.end().code == 0
        running.await_text(f'"{count:08d}-', 60, stream="out")
        running.signal(signal.SIGTERM)
        ran = running.end()
    assert ran.code == 143
    events = ran.of_kind("event")
    ids = [each["body"]["payload"]["student_id"] for each in events]
    assert list(dict.fromkeys(ids)) == [f"{n:08d}{ids[0][8:]}" for n in range(1, count + 1)]
    first = {one: place for place, one in reversed(list(enumerate(ids)))}
    twice = [each for place, each in enumerate(events) if first[ids[place]] != place]
    assert all(each["redelivered"] for each in twice)
    assert 0 < proxy.faults <= cuts
    assert len(twice) <= 200 * proxy.faults
    resumed = [each for each in stories(ran) if each["kind"] == "resumed"]
    assert 0 < len(resumed) <= proxy.faults, "some cuts hit a connection that was being made"
    assert not any(each["may_have_missed"] for each in resumed)


@pytest.mark.parametrize("options", [(), ("--durable", TAP)], ids=["exclusive", "durable"])
def test_what_had_arrived_is_written_after_a_cut(
    away: Tool, fragile_broker: PrivateBroker, options: tuple[str, ...]
) -> None:
    """What was in our hands when the connection was cut is written all the same, and once."""
    reader = Reader()
    sent = [f"held.{number}" for number in range(150)]
    with Proxy(fragile_broker.amqp_port) as proxy, named_tap(fragile_broker):
        url = proxy.through(fragile_broker.amqp_url)
        running = away.listen(*options, "--url", url, to=reader.writing)
        os.close(reader.writing)
        with client(fragile_broker.amqp_url) as channel:
            for key in sent:
                channel.basic_publish(EXCHANGE, key, b"x" * 4096)
        time.sleep(1)
        proxy.cut()
        assert proxy.faults == 1
        time.sleep(0.5)
        reader.start()
        running.await_text('"resumed"')
        time.sleep(1)
        running.signal(signal.SIGTERM)
        assert running.end().code == 143
    assert [each["routing_key"] for each in reader.finish()] == sent


def test_a_killed_broker_is_told_and_regained(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A broker killed and restarted is an interruption; it is heard within 5 s of its return."""
    running = away.listen()
    say(fragile_broker, "before.it")
    running.await_text("before.it", stream="out")
    kill(fragile_broker)
    restart(fragile_broker)
    running.await_text('"resumed"', 5)
    check_story(running, fragile_broker)


@pytest.mark.long
def test_a_named_tap_survives_the_broker(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A durable tap and the persistent messages in it survive a broker that is killed."""
    with named_tap(fragile_broker) as options:
        running = away.listen(*options)
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        kill(fragile_broker)
        restart(fragile_broker)
        check_story(running, fragile_broker, missed=False)


@pytest.mark.long
def test_a_stopped_rabbit_is_told_and_regained(away: Tool, fragile_broker: PrivateBroker) -> None:
    """RabbitMQ stopped and started inside its runtime is an interruption."""
    running = away.listen()
    say(fragile_broker, "before.it")
    running.await_text("before.it", stream="out")
    private.rabbitmqctl(fragile_broker, "stop_app")
    private.rabbitmqctl(fragile_broker, "start_app")
    running.await_text('"resumed"', 5)
    check_story(running, fragile_broker)


@pytest.mark.long
def test_connections_closed_by_an_operator(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Each closed connection is told once, and opened again once, with pauses that grow."""
    with named_tap(fragile_broker) as options:
        running = away.listen(*options)
        closed = close_connections(fragile_broker, 4, 1.5)
        assert closed >= 2
        say(fragile_broker, "after.it")
        running.await_text("after.it", stream="out")
        running.signal(signal.SIGTERM)
        ran = running.end()
    kinds = [each["kind"] for each in stories(ran)]
    assert kinds.count("interrupted") == kinds.count("resumed") == closed
    assert ran.err.count("connecting to") == closed + 1


def test_ctrl_c_ends_the_search_for_a_broker(away: Tool, fragile_broker: PrivateBroker) -> None:
    """While a lost connection is sought, Ctrl-C ends listening at once with 130."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        proxy.close()
    running.await_text("interrupted")
    running.signal(signal.SIGINT)
    ran = running.end(5)
    assert ran.code == 130
    assert '"listened"' in ran.err


def test_a_deleted_queue_is_told_and_replaced(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A tap whose queue the broker deletes is an interruption; a new one goes on hearing."""
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
        channel.basic_publish(EXCHANGE, "heard", b"{}", mandatory=True)
        running.await_text("heard", stream="out")


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


@contextmanager
def impatient(broker: PrivateBroker, milliseconds: int) -> Iterator[None]:
    """Let the broker close channels on which deliveries wait so long for an acknowledgement."""
    change = "application:set_env(rabbit, {}, {})."
    evaluate(broker, change.format("consumer_timeout", milliseconds))
    evaluate(broker, change.format("channel_tick_interval", 500))
    try:
        yield
    finally:
        evaluate(broker, change.format("consumer_timeout", 1_800_000))
        evaluate(broker, change.format("channel_tick_interval", 60_000))


class Reader:
    """The reader of a pipe who reads nothing until told to."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self.lines: list[bytes] = []
        self._thread = Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Read all from now on. The tool has the other end for itself."""
        self._thread.start()

    def finish(self) -> list[dict[str, Any]]:
        """Wait for the end, and give the lines as objects."""
        self._thread.join(30)
        return [json.loads(line) for line in self.lines]

    def _read(self) -> None:
        with os.fdopen(self._reading, "rb") as pipe:
            self.lines.extend(pipe)


def test_a_channel_closed_for_slowness_is_told_and_healed(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """When the broker loses patience with a blocked reader, that is told, and nothing is lost."""
    reader = Reader()
    with impatient(fragile_broker, 2000), named_tap(fragile_broker) as options:
        running = away.listen(*options, "--count", "400", to=reader.writing)
        os.close(reader.writing)
        say(fragile_broker, *(f"slow.{number}" for number in range(400)))
        await_log(fragile_broker, "timed out")
        reader.start()
        ran = running.end()
        heard = [each["routing_key"] for each in reader.finish()]
    assert ran.code == 0
    assert heard == [f"slow.{number}" for number in range(400)]
    assert [each["kind"] for each in stories(ran)][1:3] == ["interrupted", "resumed"]
    assert "timed out" in stories(ran)[1]["reason"]


def await_log(broker: PrivateBroker, text: str, seconds: float = 20) -> None:
    """Wait until the broker has logged something."""
    until = time.monotonic() + seconds
    while text not in (broker.folder / "log" / "rabbitmq.log").read_text():
        assert time.monotonic() < until, f"never logged: {text}"
        time.sleep(0.1)


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
        heard = [each["routing_key"] for each in reader.finish()]
    assert (ran.code, heard) == (0, wanted)
    assert [each["kind"] for each in stories(ran)] == ["listening", "listened"]
    assert log.read_text().count("timed out") == complaints


@pytest.mark.long
@pytest.mark.parametrize("named", [True, False], ids=["durable", "exclusive"])
def test_a_frozen_broker_is_told_and_regained(
    away: Tool, fragile_broker: PrivateBroker, *, named: bool
) -> None:
    """A broker frozen for 60 s is an interruption since it was last heard; 5 s after, all is well.

    Its old connection is still in its eyes when it awakes: a durable tap waits for its end.
    """
    with named_tap(fragile_broker) as durable:
        running = away.listen(*(durable if named else ()))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        frozen = datetime.now(UTC)
        with paused(fragile_broker):
            running.await_text('"interrupted"', 35)
            time.sleep(60 - (datetime.now(UTC) - frozen).total_seconds())
        running.await_text('"resumed"', 5)
        since = datetime.fromisoformat(told(running, "interrupted")["since"])
        assert abs((since - frozen).total_seconds()) < 12, "a heartbeat, and what it takes"
        check_story(running, fragile_broker, missed=not named)


@pytest.mark.long
@pytest.mark.parametrize("named", [True, False], ids=["durable", "exclusive"])
def test_the_listener_asleep_for_long(
    away: Tool, fragile_broker: PrivateBroker, *, named: bool
) -> None:
    """After 40 s of sleep, of which the broker got tired, the gap begins where the sleep did."""
    with named_tap(fragile_broker) as durable:
        running = away.listen(*(durable if named else ()))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        asleep = datetime.now(UTC)
        running.signal(signal.SIGSTOP)
        time.sleep(38)
        say(fragile_broker, "in.between")
        time.sleep(2)
        running.signal(signal.SIGCONT)
        running.await_text('"resumed"', 5)
        since = datetime.fromisoformat(told(running, "interrupted")["since"])
        assert (since - asleep).total_seconds() < 2
        ran = check_story(running, fragile_broker, missed=not named)
    assert keys(ran).count("in.between") == int(named)


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


@pytest.mark.long
def test_a_dead_line_is_noticed_while_listening(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A line that swallows everything is noticed within 30 s, and the tap is heard again."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.freeze()
        running.await_text('"interrupted"', 31)
        check_story(running, fragile_broker)
        assert proxy.faults == 1


@pytest.mark.parametrize(
    "count", [15_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_a_flood_into_a_listener_that_hangs_harms_nobody(
    away: Tool, fragile_broker: PrivateBroker, count: int
) -> None:
    """Publishers are never refused, the tap is capped, and the listener says that it overflowed."""
    reader = Reader()
    with named_tap(fragile_broker) as options:
        running = away.listen(*options, "--timeout", "3600", to=reader.writing)
        os.close(reader.writing)
        flood = ("publish", "student.created", "--count", str(count), "-o", "json", "-q")
        published = away.run(*flood, seconds=850)
        waiting = depth(fragile_broker, TAP)
        memory = int(evaluate(fragile_broker, "erlang:memory(total)."))
        reader.start()
        running.await_text('"resumed"')
        running.signal(signal.SIGTERM)
        ran = running.end()
        heard = len(reader.finish())
    assert (published.code, published.summary["confirmed"]) == (0, count)
    assert waiting <= 10_000
    assert memory < 400 * 1024**2
    interrupted, resumed = stories(ran)[1:3]
    assert "full" in interrupted["reason"]
    assert resumed["may_have_missed"] is True
    assert heard <= 10_000 + 500
