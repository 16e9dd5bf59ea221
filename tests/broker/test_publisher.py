"""Publishing to a real broker: what is reported confirmed is there, and nothing else."""

import secrets
import threading
import time
from collections.abc import Iterator

import pytest

from medtrack_cli.broker.amqp.publisher import AmqpPublisher
from medtrack_cli.core.connection_settings import Host, Secret
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import PublishPolicy, Stop
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, TopologyError
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.publishing import publish
from tests.broker.witness import Witness, client, settings_of
from tests.builders import message
from tests.conftest import Broker
from tests.faults.proxy import LOOPBACK, Proxy, free_port


def test_all_that_is_confirmed_is_there_in_order(broker: Broker, witness: Witness) -> None:
    """Of 5,000 messages each is confirmed once, and lies in a durable queue once, in order."""
    sent = [message(position) for position in range(1, 5001)]
    published = publish(settings_of(broker.amqp_url), sent)
    assert published.error is None
    assert published.positions(Outcome.CONFIRMED) == list(range(1, 5001))
    assert [(held.message_id, held.body) for held in witness.take()] == [
        (each.message_id, each.body) for each in sent
    ]


def test_returns_are_matched_to_their_messages(broker: Broker) -> None:
    """Among many, exactly the messages that no queue wanted are unroutable."""
    sent = [
        message(position, routing_key="tests.wanted" if position % 3 else "tests.unwanted")
        for position in range(1, 1501)
    ]
    with client(broker.amqp_url) as channel, Witness(channel, "tests.wanted") as wanted:
        published = publish(settings_of(broker.amqp_url), sent)
        held = wanted.take()
    unwanted = [each.position for each in sent if each.routing_key == "tests.unwanted"]
    assert published.positions(Outcome.UNROUTABLE) == unwanted
    assert len(published.positions(Outcome.CONFIRMED)) == len(held) == 1000


def test_a_missing_exchange_refuses_the_first_alone(broker: Broker) -> None:
    """Without the exchange the first message is refused, all others are unsent."""
    settings = settings_of(broker.amqp_url, exchange=f"missing.{secrets.token_hex(4)}")
    published = publish(settings, [message(position) for position in range(1, 201)])
    assert isinstance(published.error, TopologyError)
    assert settings.exchange in published.error.message
    assert published.positions(Outcome.REFUSED) == [1]
    assert set(published.positions(Outcome.UNSENT)) == {
        each.position for each in published.receipts if each.position > 1
    }


def test_a_full_queue_refuses(broker: Broker) -> None:
    """What a full queue nacks is tried again, then refused; what it took is confirmed."""
    full = {"x-max-length": 2, "x-overflow": "reject-publish"}
    with client(broker.amqp_url) as channel, Witness(channel, "tests.full", arguments=full) as held:
        sent = [message(position, routing_key="tests.full") for position in range(1, 6)]
        published = publish(settings_of(broker.amqp_url), sent, retry_for=1)
        kept = [each.message_id for each in held.take()]
    assert published.error is None
    assert len(published.receipts) == 5
    confirmed = published.positions(Outcome.CONFIRMED)
    assert sorted(kept) == [f"id-{position}" for position in confirmed]
    assert len(published.positions(Outcome.REFUSED)) == 5 - len(confirmed) >= 2


def test_an_input_that_fails_takes_nothing_along(broker: Broker, witness: Witness) -> None:
    """What was read before a bug in the input is sent and told; then the bug is raised."""

    def source() -> Iterator[Message]:
        for position in range(1, 100):
            yield message(position)
        raise ZeroDivisionError

    told: list[Receipt] = []
    publisher = AmqpPublisher(
        settings_of(broker.amqp_url), PublishPolicy(), lambda _text: None, Stop()
    )
    with pytest.raises(ZeroDivisionError), publisher:
        told.extend(publisher.publish(source()))
    held = [each.message_id for each in witness.take()]
    assert held == [f"id-{position}" for position in range(1, 100)]


def test_a_refused_key_keeps_its_order(broker: Broker) -> None:
    """A queue that is emptied slowly gets a key's events in order, while other keys go on."""
    full = {"x-max-length": 5, "x-overflow": "reject-publish"}
    taken: list[int] = []
    ended = threading.Event()

    def consume(queue: str) -> None:
        with client(broker.amqp_url) as channel:
            while not (ended.is_set() and len(taken) >= 40):
                _, properties, _ = channel.basic_get(queue, auto_ack=True)
                if properties is not None:
                    taken.append(int(str(properties.message_id)[3:]))
                time.sleep(0.01)

    with (
        client(broker.amqp_url) as channel,
        Witness(channel, "slow", arguments=full) as slow,
        Witness(channel, "quick"),
    ):
        reader = threading.Thread(target=consume, args=(slow.queue,))
        reader.start()
        keys = ("slow", "quick")
        sent = [message(each, routing_key=keys[each % 2]) for each in range(1, 81)]
        published = publish(settings_of(broker.amqp_url), sent, window=10, retry_for=30)
        ended.set()
        reader.join(10)
    assert len(published.positions(Outcome.CONFIRMED)) == 80
    answered = [each.position for each in published.receipts]
    assert answered.index(79) < answered.index(80)  # the quick ones are done before
    # What is in flight when the queue says no for the first time may be taken before it.
    assert taken[15:] == sorted(taken[15:])
    assert sorted(taken) == list(range(2, 81, 2))


def take_one(url: str, queue: str) -> None:
    """Take one message out of a full queue, when a first try to add to it has failed."""
    with client(url) as channel:
        time.sleep(0.4)
        channel.basic_get(queue, auto_ack=True)


def test_a_queue_that_has_room_again_gets_what_was_nacked(broker: Broker) -> None:
    """A message nacked at first is confirmed when the queue has room before the last try."""
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    with client(broker.amqp_url) as channel, Witness(channel, "tests.full", arguments=full) as held:
        publish(settings_of(broker.amqp_url), [message(1, routing_key="tests.full")])
        room = threading.Thread(target=take_one, args=(broker.amqp_url, held.queue))
        room.start()
        again = message(2, routing_key="tests.full")
        published = publish(settings_of(broker.amqp_url), [again], retry_for=20)
        room.join(10)
        kept = [each.message_id for each in held.take()]
    assert published.positions(Outcome.CONFIRMED) == [2]
    assert kept == ["id-2"]


@pytest.mark.parametrize("size", [4087, 4088, 4089, 131_064, 131_065, 200_000, 1024 * 1024])
def test_large_bodies_are_exact(broker: Broker, witness: Witness, size: int) -> None:
    """A body around and beyond the size of a frame arrives byte for byte."""
    body = secrets.token_bytes(size)
    published = publish(settings_of(broker.amqp_url), [message(1, body=body), message(2)])
    assert published.positions(Outcome.CONFIRMED) == [1, 2]
    assert [held.body for held in witness.take()] == [body, message(2).body]


def test_a_wrong_password_is_tried_once(broker: Broker) -> None:
    """A refused login is an error at once, after one attempt in the broker's own log."""
    user = f"nobody-{secrets.token_hex(4)}"
    settings = settings_of(broker.amqp_url, username=user, password=Secret("wrong-horse"))
    published = publish(settings, [message()], retry_for=30)
    assert isinstance(published.error, AccessRefused)
    assert len(published.notes) == 1
    assert "wrong-horse" not in f"{published.notes} {published.error} {published.error.hint}"
    if isinstance(broker, PrivateBroker):
        log = broker.folder / "log" / "rabbitmq.log"
        until = time.monotonic() + 10
        while user not in log.read_text():
            assert time.monotonic() < until, "the broker logged no attempt"
            time.sleep(0.1)
        assert log.read_text().count(f"login refused: user '{user}'") == 1


def test_a_missing_vhost_is_an_error_of_topology(broker: Broker) -> None:
    """A vhost that isn't there is named, and not tried again."""
    published = publish(settings_of(broker.amqp_url, vhost="nowhere"), [message()], retry_for=30)
    assert isinstance(published.error, TopologyError)
    assert "nowhere" in published.error.what
    assert len(published.notes) == 1


def test_the_next_host_is_tried(broker: Broker, witness: Witness) -> None:
    """With several hosts the first that answers is taken, and each attempt is said."""
    real = settings_of(broker.amqp_url)
    settings = settings_of(broker.amqp_url, hosts=(Host(LOOPBACK, free_port()), *real.hosts))
    published = publish(settings, [message()])
    assert published.positions(Outcome.CONFIRMED) == [1]
    assert len(published.notes) == 2
    assert len(witness.take()) == 1


def test_each_loss_of_an_idle_connection_has_its_own_time(private_broker: PrivateBroker) -> None:
    """A connection lost twice with nothing to send in between is regained twice."""
    with (
        client(private_broker.amqp_url) as channel,
        Witness(channel),
        Proxy(private_broker.amqp_port) as proxy,
    ):

        def source() -> Iterator[Message]:
            yield message(1)
            for pause in (0.5, 1.5):
                time.sleep(pause)
                proxy.cut()
            time.sleep(0.5)
            yield message(2)

        settings = settings_of(private_broker.amqp_url, hosts=(Host(LOOPBACK, proxy.port),))
        published = publish(settings, source(), retry_for=1)
        assert proxy.faults == 2
    assert published.error is None
    assert published.positions(Outcome.CONFIRMED) == [1, 2]


@pytest.mark.usefixtures("witness")
def test_large_events_are_not_read_far_ahead(broker: Broker) -> None:
    """Memory holds a window's bytes and as many read ahead, however many messages that is."""
    read: list[int] = []

    def source() -> Iterator[Message]:
        for position in range(1, 41):
            read.append(position)
            yield message(position, body=b"x" * 1_000_000)

    publisher = AmqpPublisher(
        settings_of(broker.amqp_url), PublishPolicy(window_bytes=3_000_000), print, Stop()
    )
    with publisher:
        for handed_out, _ in enumerate(publisher.publish(source()), 1):
            assert len(read) - handed_out <= 8
    assert len(read) == 40


def test_stopping_with_nothing_in_flight_ends_at_once(broker: Broker) -> None:
    """While the input says nothing, a wish to stop ends publishing within a moment."""
    stop, ended = Stop(), threading.Event()

    def slow() -> Iterator[Message]:
        yield message(1)
        ended.wait(20)

    threading.Timer(0.5, stop.request, [130]).start()
    started = time.monotonic()
    published = publish(settings_of(broker.amqp_url), slow(), stop)
    assert time.monotonic() - started < 3
    ended.set()
    assert [each.position for each in published.receipts] == [1]


def test_an_unreachable_broker_is_no_topology_error(broker: Broker) -> None:
    """A port where nobody listens is BrokerUnreachable, also while it is tried again."""
    settings = settings_of(broker.amqp_url, hosts=(Host(LOOPBACK, free_port()),))
    published = publish(settings, [message()], retry_for=1.5)
    assert isinstance(published.error, BrokerUnreachable)
    assert published.receipts == []
