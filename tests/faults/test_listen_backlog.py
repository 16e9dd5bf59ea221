"""A reader that falls behind: what is given back comes again once."""

import time
from collections.abc import Iterator

import pytest

from medtrack_cli.broker import subscription
from medtrack_cli.broker.consumer import AmqpConsumer, Happening
from medtrack_cli.broker.private import PrivateBroker
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Listening, Resumed, Stop, Tap
from tests.broker.witness import settings_of
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
        assert len(batch_of(happenings)) == 2
        time.sleep(1)
        tap.handled(2)
        say(fragile_broker, "last")
        assert [each.routing_key for each in batch_of(happenings)] == ["last"]
        tap.handled(1)
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
            assert len(batch_of(happenings)) == 1
            proxy.cut()
            time.sleep(0.5)
            tap.handled(1)
            next(each for each in happenings if isinstance(each, Resumed))
            say(fragile_broker, "twin")
            time.sleep(1)  # it is given back before it is looked at
            (heard,) = batch_of(happenings)
        assert (heard.routing_key, heard.redelivered) == ("twin", True)
        assert proxy.faults == 1
