"""A broker that breaks in every way while 20,000 events go through it."""

import signal
import time
from collections.abc import Callable
from random import Random

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import client, drain
from tests.builders import numbered
from tests.cli.tool import Running, Tool
from tests.faults.accounts import judged
from tests.faults.breaking import (
    alarmed,
    await_receipts,
    close_connections,
    durable,
    held_by,
    kill,
    paused,
    restart,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

SENT = list(numbered(20_000))
QUEUE = "tests.breaks"


def killed_thrice(broker: PrivateBroker, running: Running, chance: Random) -> None:
    """Kill it three times, and bring it back after a while."""
    for _ in range(3):
        kill(broker)
        time.sleep(chance.uniform(0, 5))
        restart(broker)
        known = running.out.count("\n")
        await_receipts(running, min(known + chance.randrange(500, 3000), 18_000), 60)


def application_restarted(broker: PrivateBroker, _running: Running, _chance: Random) -> None:
    """Stop RabbitMQ inside its runtime, and start it again."""
    private.rabbitmqctl(broker, "stop_app")
    private.rabbitmqctl(broker, "start_app")


def connections_closed(broker: PrivateBroker, _running: Running, _chance: Random) -> None:
    """Close all connections twenty times."""
    assert close_connections(broker, 20, 0.9) >= 10


def paused_for_long(broker: PrivateBroker, running: Running, _chance: Random) -> None:
    """Stop the process until the tool has noticed, and for a while after."""
    with paused(broker):
        running.await_text("taking the connection for dead", 30)
        time.sleep(10)


@pytest.mark.parametrize(
    ("fault", "rate", "evidence"),
    [
        (killed_thrice, 2500, "connected again"),
        (application_restarted, 4000, "connected again"),
        (connections_closed, 1000, "320"),
        (paused_for_long, 4000, "connected again"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_everything_is_confirmed_after_all(  # noqa: PLR0913, PLR0917 -- fixtures
    away: Tool,
    fragile_broker: PrivateBroker,
    chance: Random,
    fault: Callable[[PrivateBroker, Running, Random], None],
    rate: int,
    evidence: str,
) -> None:
    """A fault that heals costs nothing but time and, for each loss, copies within a window."""
    name = away.write("events.ndjson", b"".join(SENT))
    with durable(fragile_broker, QUEUE):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", str(rate))
        await_receipts(running, chance.randrange(500, 3000))
        fault(fragile_broker, running, chance)
        ran = running.end(120)
        held = held_by(fragile_broker, QUEUE)
    losses = ran.err.count("connected again")
    numbers = judged(ran, held, SENT, losses=losses)
    assert evidence in ran.err, "the fault never happened"
    assert losses >= 1
    assert (ran.code, numbers["confirmed"]) == (0, 20_000), ran.err


def test_a_short_pause_is_no_fault(
    away: Tool, fragile_broker: PrivateBroker, chance: Random
) -> None:
    """Stopped for five seconds, the broker is waited for: no second copy, no new connection."""
    name = away.write("events.ndjson", b"".join(SENT))
    with durable(fragile_broker, QUEUE):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "5000")
        await_receipts(running, chance.randrange(500, 10_000))
        with paused(fragile_broker):
            time.sleep(0.5)
            before = running.out.count("\n")
            time.sleep(4.5)
            assert running.out.count("\n") == before, "the broker never paused"
        ran = running.end(60)
        numbers = judged(ran, held_by(fragile_broker, QUEUE), SENT, losses=0)
    assert "connected again" not in ran.err
    assert (ran.code, numbers["confirmed"]) == (0, 20_000)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_an_alarm_on_the_way_is_waited_out(
    away: Tool, fragile_broker: PrivateBroker, kind: str, chance: Random
) -> None:
    """An alarm of ten seconds is said within two with its reason, and costs ten seconds."""
    name = away.write("events.ndjson", b"".join(SENT))
    with durable(fragile_broker, QUEUE):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "5000")
        await_receipts(running, chance.randrange(500, 4000))
        with alarmed(fragile_broker, kind):
            running.await_text(f"blocked by the broker: low on {kind}", 2)
            time.sleep(10)
        ran = running.end(60)
        numbers = judged(ran, held_by(fragile_broker, QUEUE), SENT)
    assert "unblocked" in ran.err
    assert (ran.code, numbers["confirmed"]) == (0, 20_000)
    assert ran.summary["seconds"] > 10


def test_killed_and_never_back(away: Tool, fragile_broker: PrivateBroker, chance: Random) -> None:
    """Given up after --retry-for with 69: confirmed is there, unknown may be, unsent isn't."""
    name = away.write("events.ndjson", b"".join(SENT))
    options = ("-o", "json", "--rate", "5000", "--retry-for", "4")
    with durable(fragile_broker, QUEUE):
        running = away.start("publish", "-f", name, *options)
        await_receipts(running, chance.randrange(500, 12_000))
        kill(fragile_broker)
        ran = running.end(30)
        restart(fragile_broker)
        numbers = judged(ran, held_by(fragile_broker, QUEUE), SENT)
    assert ran.code == 69, ran.err
    assert 0 < numbers["unknown"] <= 500
    assert numbers["unsent"] > 0
    assert numbers["refused"] == 0


def test_the_tool_asleep_for_long(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Stopped as on a closed laptop until the broker drops it, the tool goes on by itself."""
    name = away.write("events.ndjson", b"".join(SENT))
    with durable(fragile_broker, QUEUE):
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "5000")
        await_receipts(running, 2000)
        running.signal(signal.SIGSTOP)
        time.sleep(20)
        until = time.monotonic() + 30
        while "->" in private.rabbitmqctl(fragile_broker, "list_connections", "name"):
            assert time.monotonic() < until, "the broker never dropped it"
            time.sleep(1)
        running.signal(signal.SIGCONT)
        ran = running.end(60)
        held = held_by(fragile_broker, QUEUE)
    numbers = judged(ran, held, SENT, losses=1)
    assert (ran.code, numbers["confirmed"]) == (0, 20_000)
    assert "connected again" in ran.err


def test_a_queue_that_fills_on_the_way(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Of 20,000 events a full queue refuses some; each of those, and none else, is told so."""
    name = away.write("events.ndjson", b"".join(SENT))
    full = {"x-max-length": 5000, "x-overflow": "reject-publish"}
    with client(fragile_broker.amqp_url) as channel:
        channel.queue_declare(QUEUE, durable=True, arguments=full)
        channel.queue_bind(QUEUE, "medtrack.events", "#")
        ran = away.run("publish", "-f", name, "-o", "json", seconds=200)
        held = drain(channel, QUEUE)
        channel.queue_delete(QUEUE)
    assert {"refused", "confirmed"} >= {each["outcome"] for each in ran.of_kind("receipt")}
    assert len(held) == ran.summary["confirmed"] >= 5000
    assert ran.summary["refused"] == 20_000 - ran.summary["confirmed"] > 0
    assert ran.code == ran.summary["exit_code"] == 1
    confirmed = {r["message_id"] for r in ran.of_kind("receipt") if r["outcome"] == "confirmed"}
    assert {each.message_id for each in held} == confirmed
