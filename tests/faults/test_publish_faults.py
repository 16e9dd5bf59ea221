"""Publishing through faults: nothing confirmed is lost, and every event has one true receipt."""

import json
import signal
import threading
import time
from random import Random

import pytest

from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.messages import Outcome
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.publishing import publish
from tests.broker.witness import client, settings_of
from tests.builders import message, numbered
from tests.cli.tool import Tool
from tests.faults.accounts import WINDOW, judged, told, verdict
from tests.faults.breaking import (
    alarmed,
    await_receipts,
    close_connections,
    durable,
    held_by,
    kill,
    restart,
)
from tests.faults.proxy import LOOPBACK, Proxy

SENT = [message(position) for position in range(1, 6001)]
BODIES = [each.body for each in SENT]


def test_a_broker_killed_on_the_way_loses_nothing(
    away: Tool, fragile_broker: PrivateBroker, chance: Random
) -> None:
    """Killed and restarted amid 20,000 events: all confirmed, duplicates within the window."""
    sent = list(numbered(20_000))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.killed"):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "8000")
        await_receipts(running, chance.randrange(500, 12_000))
        kill(fragile_broker)
        restart(fragile_broker)
        ran = running.end(60)
        numbers = judged(ran, held_by(fragile_broker, "tests.killed"), sent, losses=1)
    assert ran.err.count("connected again") == 1, "the fault never happened"
    assert (ran.code, numbers["confirmed"]) == (0, 20_000), ran.err


def test_messages_are_persistent(fragile_broker: PrivateBroker) -> None:
    """What was confirmed is there after the broker was killed and started again."""
    with durable(fragile_broker, "tests.kept"):
        sent = [message(position) for position in range(1, 501)]
        published = publish(settings_of(fragile_broker.amqp_url), sent)
        kill(fragile_broker)
        held = held_by(restart(fragile_broker), "tests.kept")
    assert published.positions(Outcome.CONFIRMED) == list(range(1, 501))
    assert [each.message_id for each in held] == [f"id-{position}" for position in range(1, 501)]


def test_cut_connections_lose_nothing(fragile_broker: PrivateBroker, chance: Random) -> None:
    """Cut twice on the way, a publisher connects again and everything is confirmed."""
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.cut"):

        def again() -> None:
            proxy.cut()
            proxy.after(chance.randrange(1000, 200_000), proxy.cut)

        proxy.after(chance.randrange(1000, 200_000), again)
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        published = publish(settings, SENT)
        held = held_by(fragile_broker, "tests.cut")
    assert proxy.faults == 2
    assert published.error is None
    assert len(published.positions(Outcome.CONFIRMED)) == 6000
    verdict(told(published.receipts), held, BODIES, losses=2)


def test_a_half_open_connection_is_noticed(fragile_broker: PrivateBroker) -> None:
    """When nothing more arrives, though the connection stands, it is given up and replaced."""
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.frozen"):
        proxy.after(150_000, proxy.freeze)
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        published = publish(settings, SENT, confirm_timeout=1.0)
        held = held_by(fragile_broker, "tests.frozen")
    assert proxy.faults == 1
    assert any("no confirm for" in note for note in published.notes)
    assert len(published.positions(Outcome.CONFIRMED)) == 6000
    verdict(told(published.receipts), held, BODIES, losses=1)


def test_a_broker_that_stays_away_is_unreachable_in_time(fragile_broker: PrivateBroker) -> None:
    """A connection not regained in time ends the run; what was in flight is unknown."""
    with durable(fragile_broker, "tests.away"):
        with Proxy(fragile_broker.amqp_port) as proxy:
            settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
            proxy.after(200_000, threading.Thread(target=proxy.close).start)
            started = time.monotonic()
            published = publish(settings, SENT, retry_for=2)
            seconds = time.monotonic() - started
        held = held_by(fragile_broker, "tests.away")
    assert isinstance(published.error, BrokerUnreachable)
    assert seconds < 6
    assert 0 < len(published.positions(Outcome.UNKNOWN)) <= WINDOW
    read = len(published.receipts)  # what was read has its receipt; what follows is for `deliver`
    verdict(told(published.receipts), held, BODIES[:read])


def test_a_connection_lost_with_its_first_message_is_no_refusal(
    fragile_broker: PrivateBroker,
) -> None:
    """With --retry-for 0 a loss ends the run; the message it took along is unknown, not refused."""
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.first"):
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        large = [message(1, body=b"x" * 300_000), message(2)]
        proxy.after(100_000, proxy.cut)
        published = publish(settings, large, retry_for=0)
        held = held_by(fragile_broker, "tests.first")
    assert proxy.faults == 1
    assert isinstance(published.error, BrokerUnreachable)
    assert published.positions(Outcome.UNKNOWN) == [1]
    assert (published.positions(Outcome.UNSENT), held) == ([2], [])


def test_a_message_that_breaks_each_connection_ends_in_time(
    fragile_broker: PrivateBroker,
) -> None:
    """When no connection lasts to an answer, the time to regain one isn't begun anew by each."""
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.each"):
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))

        def each_time() -> None:
            proxy.after(100_000, each_time)
            proxy.cut()

        proxy.after(100_000, each_time)
        started = time.monotonic()
        published = publish(settings, [message(1, body=b"x" * 300_000)], retry_for=3)
        seconds = time.monotonic() - started
    assert proxy.faults >= 2
    assert isinstance(published.error, BrokerUnreachable)
    assert published.positions(Outcome.UNKNOWN) == [1]
    assert 2 < seconds < 8


def test_connections_closed_by_an_operator_are_opened_again(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """Closed by the broker with 320 three times, the run goes on and loses nothing."""
    sent = list(numbered(6000))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.closed"):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "600")
        await_receipts(running, 200)
        closed = close_connections(fragile_broker, 3, 1.2)
        ran = running.end(60)
        held = held_by(fragile_broker, "tests.closed")
    numbers = judged(ran, held, sent, losses=closed)
    assert ran.err.count("connected again") == closed >= 2, ran.err
    assert "320" in ran.err
    assert numbers["confirmed"] == 6000


def test_an_exchange_deleted_on_the_way_ends_the_run(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """What was in flight when the exchange went is unknown, the rest unsent; exit code 76."""
    sent = list(numbered(20_000))
    name = away.write("events.ndjson", b"".join(sent))
    options = ("-o", "json", "--rate", "8000", "--exchange", "tests.doomed")
    with durable(fragile_broker, "tests.doomed", "tests.doomed"):
        running = away.start("publish", "-f", name, *options)
        await_receipts(running, 2000)
        with client(fragile_broker.amqp_url) as channel:
            channel.exchange_delete("tests.doomed")
        ran = running.end(60)
        held = held_by(fragile_broker, "tests.doomed")
    numbers = judged(ran, held, sent)
    assert (ran.code, "exchange 'tests.doomed' is missing" in ran.err) == (76, True), ran.err
    assert numbers["refused"] == 0
    assert numbers["unknown"] <= WINDOW
    assert numbers["unsent"] > 0


@pytest.mark.long
def test_an_alarm_is_waited_out_no_longer_than_asked(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """Under a memory alarm, --timeout ends the run with 75, soon, and the numbers add up."""
    sent = list(numbered(100))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.alarm"):
        with alarmed(fragile_broker):
            started = time.monotonic()
            ran = away.run("publish", "-f", name, "-o", "json", "--timeout", "2")
            seconds = time.monotonic() - started
        numbers = judged(ran, held_by(fragile_broker, "tests.alarm"), sent)
    assert ran.code == 75, ran.err
    assert seconds < 6
    assert "blocked by the broker: low on memory" in ran.err
    assert numbers["confirmed"] == 0
    assert json.loads(ran.err.splitlines()[-1])["code"] == "timed_out"


def test_ctrl_c_under_an_alarm_ends_in_seconds(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Blocked by an alarm, Ctrl-C ends the run with 130; what was sent is unknown."""
    sent = list(numbered(100))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.alarm"):
        with alarmed(fragile_broker):
            running = away.start("publish", "-f", name, "-o", "json")
            running.await_text("blocked by the broker")
            running.signal(signal.SIGINT)
            ran = running.end(12)
        numbers = judged(ran, held_by(fragile_broker, "tests.alarm"), sent)
    assert ran.code == 130
    assert numbers["confirmed"] == 0
    assert numbers["unknown"] + numbers["unsent"] == 100


def test_an_alarm_that_ends_is_survived(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A disk alarm is said within 2 s of the first event; when it is over, all is confirmed."""
    sent = list(numbered(100))
    name = away.write("events.ndjson", b"".join(sent))
    with durable(fragile_broker, "tests.alarm"):
        with alarmed(fragile_broker, "disk"):
            running = away.start("publish", "-f", name, "-o", "json")
            running.await_text("connecting to")
            running.await_text("blocked by the broker: low on disk", 2)
        ran = running.end(30)
        numbers = judged(ran, held_by(fragile_broker, "tests.alarm"), sent)
    assert "unblocked" in ran.err
    assert (ran.code, numbers["confirmed"]) == (0, 100)
