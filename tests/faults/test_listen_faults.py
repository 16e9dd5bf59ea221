"""Listening through lost connections: said with start and end; events come again afterwards."""

import os
import signal
import time
from datetime import UTC, datetime
from random import Random

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.builders import numbered
from tests.cli.tool import Tool
from tests.faults.breaking import (
    close_connections,
    kill,
    paused,
    queue_of,
    restart,
)
from tests.faults.listening import TAP, Reader, check_story, keys, named_tap, say, stories, told
from tests.faults.proxy import Proxy


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


@pytest.mark.long
def test_a_half_dead_connection_holds_up_nobody(away: Tool, fragile_broker: PrivateBroker) -> None:
    """While the broker still has the old connection and its tap, a new one receives at once."""
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
    """What is published while a durable tap's listener is away comes.

    That nothing is missing isn't said: no management API tells whether the broker is one node.
    Only what was acknowledged into the cut comes twice, marked as redelivered.
    """
    with Proxy(fragile_broker.amqp_port) as proxy, named_tap(fragile_broker) as options:
        running = away.listen(*options, "--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.cut()
        say(fragile_broker, "in.between", "in.between.too")
        ran = check_story(running, fragile_broker)
        assert proxy.faults == 1
    first = [each["routing_key"] for each in ran.of_kind("event") if not each["redelivered"]]
    assert first == ["before.it", "in.between", "in.between.too", "after.it"]
    assert set(keys(ran)) == set(first)
    assert len(keys(ran)) <= len(first) + 1


@pytest.mark.long
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_named_tap_on_a_bad_day(
    away: Tool, fragile_broker: PrivateBroker, chance: Random, kind: str
) -> None:
    """Cut again and again amid 10,000 events, a durable tap loses none and keeps their order.

    What comes twice is marked, and no more than what a connection holds. Only of a quorum queue
    it is known that nothing is missing.
    """
    count, cuts = 10_000, 8
    with Proxy(fragile_broker.amqp_port) as proxy, named_tap(fragile_broker) as options:
        url = proxy.through(fragile_broker.amqp_url)
        running = away.listen(*options, "--queue-type", kind, "--url", url)
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
    assert {each["may_have_missed"] for each in resumed} == {kind == "classic"}


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
    """A broker killed and restarted is an interruption, which ends within 5 s of its return."""
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
        check_story(running, fragile_broker)


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


@pytest.mark.long
@pytest.mark.parametrize("named", [True, False], ids=["durable", "exclusive"])
def test_a_frozen_broker_is_told_and_regained(
    away: Tool, fragile_broker: PrivateBroker, *, named: bool
) -> None:
    """A broker frozen for 60 s is an interruption since its last answer; 5 s after, all is well.

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
def test_a_dead_line_is_noticed_while_listening(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A line that swallows everything is noticed within 30 s, and the tap receives again."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        running = away.listen("--url", proxy.through(fragile_broker.amqp_url))
        say(fragile_broker, "before.it")
        running.await_text("before.it", stream="out")
        proxy.freeze()
        running.await_text('"interrupted"', 31)
        check_story(running, fragile_broker)
        assert proxy.faults == 1
