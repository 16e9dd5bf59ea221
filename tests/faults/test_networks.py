"""Networks that lose, delay, cut and stop: the same receipts, only later."""

import time
from random import Random

import pytest

from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.messages import Outcome
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.publishing import publish
from tests.broker.witness import settings_of
from tests.builders import message, numbered
from tests.cli.tool import Tool
from tests.faults.accounts import judged, told, verdict
from tests.faults.breaking import await_receipts, durable, held_by
from tests.faults.proxy import LOOPBACK, Proxy, Shape, Way

QUEUE = "tests.network"
SHAPES = {
    "one byte at a time": (Shape(slice=1), 100),
    "16 KB a second": (Shape(rate=16_000, slice=1000), 150),
    "half a second late": (Shape(delay=0.3, jitter=0.4), 3000),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if SHAPES[name][0].delay else [])
        for name in SHAPES
    ],
)
def test_a_bad_network_only_takes_longer(
    fragile_broker: PrivateBroker, name: str, chance: Random
) -> None:
    """Sliced, throttled or late, every event is confirmed once and arrives byte for byte."""
    shape, count = SHAPES[name]
    sent = [message(position, body=chance.randbytes(90)) for position in range(1, count + 1)]
    with (
        Proxy(fragile_broker.amqp_port, shape, chance) as proxy,
        durable(fragile_broker, QUEUE),
    ):
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        started = time.monotonic()
        published = publish(settings, sent, retry_for=60)
        seconds = time.monotonic() - started
        held = held_by(fragile_broker, QUEUE)
    assert proxy.faults > 10
    assert proxy.connections == 1
    numbers = verdict(told(published.receipts), held, [each.body for each in sent])
    assert numbers.outcomes[Outcome.CONFIRMED] == count
    assert seconds < 25


@pytest.mark.long
def test_a_large_event_has_its_time_on_a_slow_line(
    fragile_broker: PrivateBroker, chance: Random
) -> None:
    """While bytes leave, no answer is no silence: 16 MB at 400 KB/s are sent once."""
    sent = [message(1, body=chance.randbytes(16_000_000))]
    with (
        Proxy(fragile_broker.amqp_port, Shape(rate=400_000, slice=20_000), chance) as proxy,
        durable(fragile_broker, QUEUE),
    ):
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        published = publish(settings, sent)
        held = held_by(fragile_broker, QUEUE)
    assert proxy.connections == 1
    numbers = verdict(told(published.receipts), held, [each.body for each in sent])
    assert numbers.outcomes[Outcome.CONFIRMED] == 1


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    "offsets",
    [pytest.param(8, id="a few"), pytest.param(100, id="many", marks=pytest.mark.long)],
)
@pytest.mark.timeout(300)
def test_a_reset_at_any_byte_is_told_truly(
    fragile_broker: PrivateBroker, way: Way, offsets: int, chance: Random
) -> None:
    """Reset at any byte of handshake, events or answers: regained, or a clean error, and soon."""
    sent = [message(position) for position in range(1, 41)]
    length = {Way.UP: 7000, Way.DOWN: 1000}[way]  # of such a run's conversation, about
    step = length // offsets
    for start in range(0, length, step):
        offset = start + chance.randrange(step)
        with (
            Proxy(fragile_broker.amqp_port) as proxy,
            durable(fragile_broker, QUEUE),
        ):
            proxy.after(offset, proxy.cut, way)
            settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
            started = time.monotonic()
            published = publish(settings, sent)
            seconds = time.monotonic() - started
            held = held_by(fragile_broker, QUEUE)
        assert seconds < 15, f"byte {offset}"
        if published.error is None:
            assert len(published.positions(Outcome.CONFIRMED)) == 40, f"byte {offset}"
            verdict(told(published.receipts), held, [m.body for m in sent], losses=1)
        else:  # the first connection is tried once
            assert isinstance(published.error, BrokerUnreachable), f"byte {offset}"
            assert (published.receipts, held) == ([], []), f"byte {offset}"
        assert proxy.faults == 1 or offset > length / 2, f"byte {offset} never came"


@pytest.mark.long
@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "ways", [(Way.UP, Way.DOWN), (Way.DOWN,), (Way.UP,)], ids=["both", "answers", "events"]
)
def test_a_dead_line_is_noticed_in_time(
    away: Tool, fragile_broker: PrivateBroker, ways: tuple[Way, ...]
) -> None:
    """Half-open or deaf on one side, the line is given up within 30 s, and nothing is lost."""
    sent = list(numbered(20_000))
    name = away.write("events.ndjson", b"".join(sent))
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, QUEUE):
        url = proxy.through(fragile_broker.amqp_url)
        running = away.start("publish", "-f", name, "-o", "json", "--rate", "6000", "--url", url)
        await_receipts(running, 2000)
        proxy.freeze(*ways)
        started = time.monotonic()
        running.await_text("connected again", 60)
        noticed = time.monotonic() - started
        ran = running.end(60)
        held = held_by(fragile_broker, QUEUE)
    assert proxy.faults == 1
    numbers = judged(ran, held, sent, losses=1)
    assert (ran.code, numbers["confirmed"]) == (0, 20_000), ran.err
    assert noticed < 30


@pytest.mark.long
@pytest.mark.timeout(150)
def test_a_full_window_is_no_trap(away: Tool, fragile_broker: PrivateBroker) -> None:
    """When nobody reads and the TCP window is full, the line is given up and replaced."""
    lines = [line.strip() + b" " * 20_000 + b"\n" for line in numbered(1500)]
    name = away.write("events.ndjson", b"".join(lines))
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, QUEUE):
        url = proxy.through(fragile_broker.amqp_url)
        running = away.start("publish", "-f", name, "-o", "json", "--url", url)
        await_receipts(running, 100)
        proxy.stall()
        running.await_text("connected again", 60)
        ran = running.end(60)
        held = held_by(fragile_broker, QUEUE)
    assert proxy.faults == 1
    sent = [line.strip() for line in lines]
    numbers = judged(ran, held, sent, losses=1)
    assert (ran.code, numbers["confirmed"]) == (0, 1500), ran.err
