"""Events at which the broker closes the connection or the channel each time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random

import pytest

from medtrack_cli.core.connection_settings import Host
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.errors import BrokerUnreachable, TopologyError
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.publishing import Published, publish
from tests.broker.witness import Held, Witness, client, settings_of
from tests.builders import message
from tests.faults.accounts import WINDOW
from tests.faults.breaking import durable, held_by, setting
from tests.faults.proxy import LOOPBACK, Proxy

MIB = 1024 * 1024


@contextmanager
def stream_beside(broker: PrivateBroker) -> Iterator[Witness]:
    """Bind a stream, which RabbitMQ 3.10 can't write decimal headers to, and a witness."""
    with client(broker.amqp_url) as channel, Witness(channel) as witness:
        channel.queue_declare("tests.stream", durable=True, arguments={"x-queue-type": "stream"})
        channel.queue_bind("tests.stream", EXCHANGE, "#")
        try:
            yield witness
        finally:
            channel.queue_delete("tests.stream")


def poison(position: int) -> Message:
    """Make a message with a header that no stream of RabbitMQ 3.10 takes."""
    return message(position, headers={"amount": Decimal("1.5")})


def check(published: Published, held: list[Held], count: int, poisoned: set[int]) -> int:
    """Check that all but the poison is confirmed, there and in order; give the number of copies."""
    assert published.error is None
    assert set(published.positions(Outcome.REFUSED)) == poisoned
    confirmed = [each for each in range(1, count + 1) if each not in poisoned]
    assert published.positions(Outcome.CONFIRMED) == confirmed
    firsts = list(dict.fromkeys(int(each.message_id[3:]) for each in held))
    assert [each for each in firsts if each not in poisoned] == confirmed
    return len(held)


def test_a_poison_event_is_refused_alone(private_broker: PrivateBroker) -> None:
    """The event that ends each connection is refused with code and words, its neighbours sent."""
    with stream_beside(private_broker) as witness:
        sent = [poison(each) if each == 2 else message(each) for each in (1, 2, 3)]
        published = publish(settings_of(private_broker.amqp_url), sent, retry_for=20)
        check(published, witness.take(), 3, {2})
    (refused,) = [each for each in published.receipts if each.outcome is Outcome.REFUSED]
    assert "541 INTERNAL_ERROR" in refused.reason


@pytest.mark.long
def test_poison_among_thousands_costs_two_windows_each(
    private_broker: PrivateBroker, chance: Random
) -> None:
    """Five poison events among 10,000: 9,995 confirmed, in order, each sent at most so often."""
    poisoned = set(chance.sample(range(1, 10_001), 5))
    sent = [poison(each) if each in poisoned else message(each) for each in range(1, 10_001)]
    with stream_beside(private_broker) as witness:
        published = publish(settings_of(private_broker.amqp_url), sent)
        copies = check(published, witness.take(), 10_000, poisoned)
    assert copies <= 10_000 + 5 * 2 * WINDOW


def test_a_body_too_large_is_refused_among_others(fragile_broker: PrivateBroker) -> None:
    """The broker's own limit refuses each event that is over it, wherever it stands."""
    large = {1, 7, 8, 30}
    sent = [
        message(each, body=b"x" * (MIB + each)) if each in large else message(each)
        for each in range(1, 41)
    ]
    with durable(fragile_broker, "tests.size"), setting(fragile_broker, "max_message_size", MIB):
        published = publish(settings_of(fragile_broker.amqp_url), sent)
        held = held_by(fragile_broker, "tests.size")
    check(published, held, 40, large)
    reasons = [each.reason for each in published.receipts if each.outcome is Outcome.REFUSED]
    assert all("406" in each and "larger than" in each for each in reasons)


def test_ten_in_a_row_are_no_events_fault(fragile_broker: PrivateBroker) -> None:
    """After ten refused with one code the run ends with it, and the rest is unsent."""
    sent = [message(each, body=b"x" * (MIB + 1)) for each in range(1, 31)]
    with durable(fragile_broker, "tests.size"), setting(fragile_broker, "max_message_size", MIB):
        published = publish(settings_of(fragile_broker.amqp_url), sent)
        assert held_by(fragile_broker, "tests.size") == []
    assert isinstance(published.error, TopologyError)
    assert published.positions(Outcome.REFUSED) == list(range(1, 11))
    assert len(published.receipts) == 30
    assert published.positions(Outcome.UNSENT) == list(range(11, 31))


def test_cut_connections_are_no_poison(fragile_broker: PrivateBroker) -> None:
    """A line that is cut each time tells no code: nothing is refused, and the run ends in time."""
    with Proxy(fragile_broker.amqp_port) as proxy, durable(fragile_broker, "tests.each"):

        def each_time() -> None:
            proxy.after(100_000, each_time)
            proxy.cut()

        proxy.after(100_000, each_time)
        settings = settings_of(fragile_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        started = time.monotonic()
        published = publish(settings, [message(1, body=b"x" * 300_000)], retry_for=2)
    assert proxy.faults >= 2
    assert isinstance(published.error, BrokerUnreachable)
    assert published.positions(Outcome.UNKNOWN) == [1]
    assert time.monotonic() - started < 8
