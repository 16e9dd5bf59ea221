"""Publishing through faults: nothing confirmed is lost, and every event has one true receipt."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medtrack_cli.broker import private
from medtrack_cli.broker.private import PrivateBroker
from medtrack_cli.core.connection import Host
from medtrack_cli.core.messages import Outcome, Receipt
from medtrack_cli.errors import BrokerUnreachable
from tests.broker.publishing import publish
from tests.broker.witness import Held, client, drain, settings_of
from tests.cli.tool import Tool, numbered
from tests.core.values import message
from tests.faults.proxy import LOOPBACK, Proxy

WINDOW = 500


@pytest.fixture
def away(tmp_path: Path, fragile_broker: PrivateBroker) -> Iterator[Tool]:
    """Give the tool with the broker that may fail in its environment."""
    with Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as made:
        yield made


@contextmanager
def durable(broker: PrivateBroker, queue: str) -> Iterator[None]:
    """Keep a durable queue on a broker that may be killed meanwhile."""
    with client(broker.amqp_url) as channel:
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, private.EXCHANGE, "#")
    yield
    with client(broker.amqp_url) as channel:
        channel.queue_delete(queue)


def held_by(broker: PrivateBroker, queue: str) -> list[Held]:
    """Take all out of a queue, on a connection of its own."""
    with client(broker.amqp_url) as channel:
        return drain(channel, queue)


def restart(broker: PrivateBroker) -> None:
    """Bring a killed broker back, on its ports and with its data."""
    private.start(broker.folder, environ=os.environ, announce=print)


def kill(broker: PrivateBroker) -> None:
    """Kill the broker as it runs now."""
    now = private.status(broker.folder)
    assert now is not None
    private.kill(now)


def check_accounts(receipts: list[Receipt], held: list[Held], total: int) -> None:
    """One receipt an event; all confirmed are there; duplicates are bounded and alike."""
    assert sorted(each.position for each in receipts) == list(range(1, total + 1))
    ids = Counter(each.message_id for each in held)
    confirmed = {each.message_id for each in receipts if each.outcome is Outcome.CONFIRMED}
    assert confirmed <= set(ids), "an event reported confirmed is not there"
    assert ids.total() - len(ids) <= WINDOW
    assert len({(each.message_id, each.body) for each in held}) == len(ids)


def test_a_broker_killed_on_the_way_loses_nothing(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """Killed and restarted amid 20,000 events: all confirmed, duplicates within the window."""
    name = away.write("events.ndjson", b"".join(numbered(20_000)))
    with durable(fragile_broker, "tests.killed"):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "8000")
        until = time.monotonic() + 20
        while running.out.count("confirmed") < 2000:
            assert time.monotonic() < until, running.err
            time.sleep(0.02)
        kill(fragile_broker)
        restart(fragile_broker)
        ran = running.end(60)
        held = held_by(fragile_broker, "tests.killed")
    assert "connected again" in ran.err, "the fault never happened"
    assert (ran.code, ran.summary["confirmed"]) == (0, 20_000), ran.err
    bodies = Counter(each.body for each in held)
    assert set(bodies) == {line.strip() for line in numbered(20_000)}
    assert bodies.total() - len(bodies) <= WINDOW
    ids = {each.body: each.message_id for each in held}
    assert all(ids[each.body] == each.message_id for each in held), "a copy with another id"


def test_cut_connections_lose_nothing(fragile_broker: PrivateBroker) -> None:
    """Cut twice on the way, a publisher connects again and everything is confirmed."""
    sent = [message(position) for position in range(1, 6001)]
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.cut"):

        def again() -> None:
            proxy.cut()
            proxy.after(200_000, proxy.cut)

        proxy.after(200_000, again)
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        published = publish(settings, sent)
        held = held_by(fragile_broker, "tests.cut")
    assert proxy.faults == 2
    assert published.error is None
    assert len(published.positions(Outcome.CONFIRMED)) == 6000
    check_accounts(published.receipts, held, 6000)


def test_a_half_open_connection_is_noticed(fragile_broker: PrivateBroker) -> None:
    """When nothing more arrives, though the connection stands, it is given up and replaced."""
    sent = [message(position) for position in range(1, 3001)]
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.frozen"):
        proxy.after(150_000, proxy.freeze)
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        published = publish(settings, sent, confirm_timeout=1.0)
        held = held_by(fragile_broker, "tests.frozen")
    assert proxy.faults == 1
    assert any("no confirm for" in note for note in published.notes)
    assert len(published.positions(Outcome.CONFIRMED)) == 3000
    check_accounts(published.receipts, held, 3000)


def test_a_broker_that_stays_away_is_unreachable_in_time(fragile_broker: PrivateBroker) -> None:
    """A connection not regained in time ends the run; what was in flight is unknown."""
    sent = [message(position) for position in range(1, 5001)]
    with durable(fragile_broker, "tests.away"):
        with Proxy(fragile_broker.amqp_port) as proxy:
            settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
            proxy.after(200_000, threading.Thread(target=proxy.close).start)
            started = time.monotonic()
            published = publish(settings, sent, retry_for=2)
            seconds = time.monotonic() - started
        held = held_by(fragile_broker, "tests.away")
    assert isinstance(published.error, BrokerUnreachable)
    assert seconds < 6
    unknown = published.positions(Outcome.UNKNOWN)
    assert 0 < len(unknown) <= WINDOW
    confirmed = published.positions(Outcome.CONFIRMED)
    assert {f"id-{position}" for position in confirmed} <= {each.message_id for each in held}
    assert {each.message_id for each in held} <= {
        f"id-{position}" for position in (*confirmed, *unknown)
    }


@contextmanager
def alarmed(broker: PrivateBroker) -> Iterator[None]:
    """Let the broker believe that its memory is full."""
    private.rabbitmqctl(broker, "set_vm_memory_high_watermark", "0.0001")
    try:
        yield
    finally:
        private.rabbitmqctl(broker, "set_vm_memory_high_watermark", "0.4")


def test_an_alarm_is_waited_out_no_longer_than_asked(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """Under a memory alarm, --timeout ends the run with 75, soon, and the numbers add up."""
    name = away.write("events.ndjson", b"".join(numbered(100)))
    with durable(fragile_broker, "tests.alarm"), alarmed(fragile_broker):
        started = time.monotonic()
        ran = away.run("publish", "-f", name, "-o", "json", "--timeout", "2")
        seconds = time.monotonic() - started
    assert ran.code == 75, ran.err
    assert seconds < 6
    assert "blocked by the broker" in ran.err
    assert ran.summary["total"] == 100
    assert ran.summary["unknown"] + ran.summary["unsent"] == 100
    assert json.loads(ran.err.splitlines()[-1])["code"] == "timed_out"


def test_ctrl_c_under_an_alarm_ends_in_seconds(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Blocked by an alarm, Ctrl-C ends the run with 130; what was sent is unknown."""
    name = away.write("events.ndjson", b"".join(numbered(100)))
    with durable(fragile_broker, "tests.alarm"), alarmed(fragile_broker):
        running = away.start("publish", "-f", name, "-o", "json")
        running.await_text("blocked by the broker")
        running.signal(signal.SIGINT)
        ran = running.end(12)
    assert ran.code == ran.summary["exit_code"] == 130
    assert (ran.summary["total"], ran.summary["confirmed"]) == (100, 0)
    assert ran.summary["unknown"] + ran.summary["unsent"] == 100


def test_an_alarm_that_ends_is_survived(away: Tool, fragile_broker: PrivateBroker) -> None:
    """When the alarm is over, everything is confirmed as if nothing had been."""
    name = away.write("events.ndjson", b"".join(numbered(100)))
    with durable(fragile_broker, "tests.alarm"):
        with alarmed(fragile_broker):
            running = away.start("publish", "-f", name, "-o", "json")
            running.await_text("blocked by the broker")
        ran = running.end(30)
        held = held_by(fragile_broker, "tests.alarm")
    assert "unblocked" in ran.err
    assert (ran.code, ran.summary["confirmed"], len(held)) == (0, 100, 100)
