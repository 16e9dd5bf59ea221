"""A reader that falls behind: what it may miss is told whole, what it gives back comes once."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from medtrack_cli.broker.amqp import subscription
from medtrack_cli.broker.amqp.consumer import AmqpConsumer, Happening
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Tap
from medtrack_cli.core.ports import Interrupted, Listening, Resumed, Stop
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, settings_of
from tests.faults.listening import TAP, depth, named_tap, say
from tests.faults.proxy import Proxy

Happenings = Iterator[Happening | list[Delivery]]


@pytest.fixture
def impatient_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give back what is held after half a second without progress, not after half a minute."""
    monkeypatch.setattr(subscription, "HOLD_SECONDS", 0.5)
    monkeypatch.setattr(subscription, "WATCH_SECONDS", 0.1)


def batch_of(happenings: Happenings) -> list[Delivery]:
    """Go on to the next batch that holds anything."""
    return next(each for each in happenings if isinstance(each, list) and each)


@pytest.mark.usefixtures("impatient_watch")
def test_equal_messages_that_were_given_back_are_written_once(
    fragile_broker: PrivateBroker,
) -> None:
    """Of two equal messages that were written and given back, neither is written again."""
    settings = settings_of(fragile_broker.amqp_url)
    with (
        named_tap(fragile_broker),
        AmqpConsumer(settings, Tap(("twin", "last"), TAP), print, Stop()) as tap,
    ):
        happenings = tap.deliveries()
        assert isinstance(next(happenings), Listening)
        say(fragile_broker, "twin", "twin")
        time.sleep(0.3)
        twins = batch_of(happenings)
        assert len(twins) == 2
        time.sleep(1)
        tap.acknowledge([each.token for each in twins])
        say(fragile_broker, "last")
        last = batch_of(happenings)
        assert [each.routing_key for each in last] == ["last"]
        tap.acknowledge([each.token for each in last])
        next(happenings)
        assert depth(fragile_broker, TAP) == 0


@pytest.mark.usefixtures("impatient_watch")
def test_an_equal_message_after_a_loss_is_written(fragile_broker: PrivateBroker) -> None:
    """What went with a tap doesn't come again: an equal event later is another one."""
    with Proxy(fragile_broker.amqp_port) as proxy:
        settings = settings_of(proxy.through(fragile_broker.amqp_url))
        with AmqpConsumer(settings, Tap(("twin",)), print, Stop()) as tap:
            happenings = tap.deliveries()
            assert isinstance(next(happenings), Listening)
            say(fragile_broker, "twin")
            (twin,) = batch_of(happenings)
            proxy.cut()
            time.sleep(0.5)
            tap.acknowledge([twin.token])
            next(each for each in happenings if isinstance(each, Resumed))
            say(fragile_broker, "twin")
            time.sleep(1)  # it is given back before it is looked at
            (received,) = batch_of(happenings)
        assert (received.routing_key, received.redelivered) == ("twin", True)
        assert proxy.faults == 1


def say_at(broker: PrivateBroker, count: int, size: int = 2) -> dict[bytes, datetime]:
    """Publish large messages; tell when each one went."""
    with client(broker.amqp_url) as channel:
        sent = {}
        for number in range(count):
            body = f"{number}".ljust(size).encode()
            sent[body] = datetime.now(UTC)
            channel.basic_publish(EXCHANGE, "late", body)
            time.sleep(0.001)
    return sent


def follow(
    tap: AmqpConsumer, happenings: Happenings, received: list[Delivery], seconds: float
) -> Iterator[Interrupted | Resumed]:
    """Handle what comes for so long; give what happens meanwhile."""
    until = time.monotonic() + seconds
    for each in happenings:
        if isinstance(each, list):
            received += each
            tap.acknowledge([delivery.token for delivery in each])
        elif isinstance(each, Interrupted | Resumed):
            yield each
        if time.monotonic() > until:
            return


def test_a_gap_begins_with_the_oldest_event_that_waited(fragile_broker: PrivateBroker) -> None:
    """What waits in a tap without a name for a slow reader goes with it: the gap begins there."""
    received: list[Delivery] = []
    with Proxy(fragile_broker.amqp_port) as proxy:
        settings = settings_of(proxy.through(fragile_broker.amqp_url))
        with AmqpConsumer(settings, Tap(("late",)), print, Stop()) as tap:
            happenings = tap.deliveries()
            assert list(follow(tap, happenings, received, 4)) == []
            began = datetime.now(UTC)
            sent = say_at(fragile_broker, 1500)
            batch = next(happenings)
            assert isinstance(batch, list)
            received += batch
            time.sleep(3)
            tap.acknowledge([each.token for each in batch])
            proxy.cut()
            interrupted, resumed = follow(tap, happenings, received, 5)
    missing = sent.keys() - {each.body for each in received}
    first = min(sent[body] for body in missing)
    assert isinstance(resumed, Resumed)
    assert interrupted.since == resumed.since
    assert interrupted.since is not None
    assert (began - interrupted.since).total_seconds() < 1, "all before was received"
    assert interrupted.since <= first < resumed.until
    assert proxy.faults == 1


@pytest.mark.long
def test_a_reader_that_keeps_up_has_a_short_gap(fragile_broker: PrivateBroker) -> None:
    """While events come without a pause and are taken, a gap begins seconds before the loss."""
    received: list[Delivery] = []
    with Proxy(fragile_broker.amqp_port) as proxy, client(fragile_broker.amqp_url) as channel:
        settings = settings_of(proxy.through(fragile_broker.amqp_url))
        with AmqpConsumer(settings, Tap(("late",)), print, Stop()) as tap:
            happenings = tap.deliveries()
            until = time.monotonic() + 6
            while time.monotonic() < until:
                channel.basic_publish(EXCHANGE, "late", b"{}")
                assert list(follow(tap, happenings, received, 0)) == []
            lost = datetime.now(UTC)
            proxy.cut()
            interrupted, _ = follow(tap, happenings, received, 4)
    assert interrupted.since is not None
    assert 0 < (lost - interrupted.since).total_seconds() < 4
    assert len(received) > 100


@pytest.mark.long
def test_a_gap_begins_before_the_line_fell_silent(fragile_broker: PrivateBroker) -> None:
    """An event published right after the broker's last word is not published before the gap."""
    received: list[Delivery] = []
    with Proxy(fragile_broker.amqp_port) as proxy:
        settings = settings_of(proxy.through(fragile_broker.amqp_url), heartbeat=1)
        with AmqpConsumer(settings, Tap(("late",)), print, Stop()) as tap:
            happenings = tap.deliveries()
            assert list(follow(tap, happenings, received, 2)) == []
            assert tap._link
            last = tap._link._last_answer
            while tap._link._last_answer == last:
                assert list(follow(tap, happenings, received, 0)) == []
            # A heartbeat, and no pulse yet.
            assert list(follow(tap, happenings, received, 0.6)) == []
            proxy.freeze()
            frozen = datetime.now(UTC)
            say(fragile_broker, "late")
            assert list(follow(tap, happenings, received, 1.5)) == []
            proxy.cut()
            interrupted, _ = follow(tap, happenings, received, 4)
    assert received == []
    assert interrupted.since is not None
    assert 0 < (frozen - interrupted.since).total_seconds() < 3


def test_a_subscription_ends_when_the_broker_says_so(fragile_broker: PrivateBroker) -> None:
    """A deleted tap is a gap from the deletion at the latest, however busy the reader is."""
    received: list[Delivery] = []
    settings = settings_of(fragile_broker.amqp_url)
    with (
        named_tap(fragile_broker),
        AmqpConsumer(settings, Tap(("late",), TAP), print, Stop()) as tap,
    ):
        happenings = tap.deliveries()
        assert list(follow(tap, happenings, received, 3)) == []
        with client(fragile_broker.amqp_url) as channel:
            channel.queue_delete(TAP)
        deleted = datetime.now(UTC)
        time.sleep(3)
        interrupted, resumed = follow(tap, happenings, received, 3)
    assert interrupted.since is not None
    assert interrupted.since < deleted + timedelta(milliseconds=200)
    assert isinstance(resumed, Resumed)
    assert resumed.may_have_missed


@pytest.mark.long
def test_a_tap_full_of_large_events_is_told(fragile_broker: PrivateBroker) -> None:
    """What drops out of a tap that is full by bytes is told, with a start before its publishing."""
    received: list[Delivery] = []
    settings = settings_of(fragile_broker.amqp_url)
    with (
        named_tap(fragile_broker),
        AmqpConsumer(settings, Tap(("late",), TAP), print, Stop()) as tap,
    ):
        happenings = tap.deliveries()
        say(fragile_broker, "late")
        assert list(follow(tap, happenings, received, 4)) == []
        sent = say_at(fragile_broker, 2500, 50_000)
        interrupted, resumed = follow(tap, happenings, received, 6)
    missing = sent.keys() - {each.body for each in received}
    first = min(sent[body] for body in missing)
    assert "full" in getattr(interrupted, "reason", "")
    assert isinstance(resumed, Resumed)
    assert resumed.since is not None
    assert interrupted.since == resumed.since <= first < resumed.until
