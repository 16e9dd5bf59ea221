"""What publisher and consumer promise: kept by the real broker and by the fakes in memory."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import pytest

from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.broker.amqp.probes import Probes
from medtrack_cli.broker.amqp.queue_reader import AmqpQueueReader
from medtrack_cli.broker.amqp.redialer import AmqpDepths
from medtrack_cli.broker.amqp.taps import waiting
from medtrack_cli.broker.management.health import Health
from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Queue, Source, Tap
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Consumer, Listening, Publisher, PublishPolicy, Retry, Stop
from medtrack_cli.world import (
    CountWaiting,
    OpenConsumer,
    OpenDepths,
    OpenPublisher,
    OpenQueueReader,
    World,
)
from tests.broker.witness import settings_of
from tests.builders import message
from tests.contracts.fakes import MemoryBroker

if TYPE_CHECKING:
    from medtrack_cli.core.doctor.ports import OpenBroker, OpenManagement


class Doors(NamedTuple):
    """How to reach a broker, real or not."""

    settings: ConnectionSettings
    open_publisher: OpenPublisher
    open_consumer: OpenConsumer

    def publisher(self, stop: Stop | None = None) -> Publisher:
        policy = PublishPolicy(window=1) if self.settings.via_http else PublishPolicy()
        return self.open_publisher(self.settings, policy, print, stop or Stop())

    def tap(self, *patterns: str, name: str | None = None, stop: Stop | None = None) -> Consumer:
        return self.consumer(Tap(patterns, name), stop)

    def consumer(self, source: Source, stop: Stop | None = None) -> Consumer:
        return self.open_consumer(self.settings, source, print, stop or Stop(), Retry())


@pytest.fixture(params=["memory", "rabbitmq", "rabbitmq, published by HTTP"])
def doors(request: pytest.FixtureRequest) -> Doors:
    """Give the doors to a broker in memory, and to a real one."""
    if request.param == "memory":
        memory = MemoryBroker()
        return Doors(
            ConnectionSettings((Host("memory", 0),)), memory.open_publisher, memory.open_consumer
        )
    world = World()
    if "HTTP" in request.param:
        broker = request.getfixturevalue("private_broker")
        settings = settings_of(broker.amqp_url, management_url=broker.web_address, via_http=True)
    else:
        settings = settings_of(request.getfixturevalue("broker").amqp_url)
    return Doors(settings, world.open_publisher, world.open_consumer)


class Inbox:
    """A tap that is ready, and what it receives."""

    def __init__(self, tap: Consumer) -> None:
        self.tap = tap
        self._happenings = tap.deliveries()
        self.ready = next(self._happenings)

    def receive(self, count: int, *, acknowledge: bool = True) -> list[Delivery]:
        """Wait for so many deliveries, and acknowledge them at once or leave that."""
        received: list[Delivery] = []
        until = time.monotonic() + 20
        while len(received) < count:
            assert time.monotonic() < until, f"received only {len(received)} of {count}"
            batch = next(self._happenings)
            assert isinstance(batch, list)
            if acknowledge:
                self.tap.acknowledge([each.token for each in batch])
            received += batch
        return received


def test_adapters_fit_their_ports() -> None:
    """What the world opens has the type that it is declared with, which mypy sees here."""
    world = World()
    consumer: OpenConsumer = AmqpConsumer
    reader: OpenQueueReader = AmqpQueueReader
    depths: OpenDepths = AmqpDepths
    count: CountWaiting = waiting
    broker: OpenBroker = Probes
    management: OpenManagement = Health

    opened = (world.open_consumer, world.open_queue_reader, world.open_depths, world.count_waiting)
    doctors = (world.open_broker, world.open_management)
    adapters = (consumer, reader, depths, count, broker, management)
    for call, adapter in zip((*opened, *doctors), adapters, strict=True):
        with pytest.raises(TypeError) as itself:
            adapter()  # type: ignore[operator]
        with pytest.raises(TypeError, match=re.escape(str(itself.value))):
            call()  # type: ignore[operator]


def test_everything_is_confirmed_and_received_in_order(doors: Doors) -> None:
    """Each message has one receipt, confirmed, and arrives exact and in the order published."""
    number = 100 if doors.settings.via_http else 1200  # some windows
    sent = [message(position) for position in range(1, number + 1)]
    with doors.tap("student.#") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        receipts = list(publisher.publish(iter(sent)))
        received = inbox.receive(len(sent))
    assert receipts == [each.receipt(Outcome.CONFIRMED) for each in sent]
    assert [(each.body, each.message_id) for each in received] == [
        (each.body, each.message_id) for each in sent
    ]
    assert {(each.routing_key, each.exchange, each.redelivered) for each in received} == {
        ("student.deleted", "medtrack.events", False)
    }
    expected = {"content_type": "application/json", "delivery_mode": 2}
    assert all(each.properties == {**expected, "message_id": each.message_id} for each in received)


def test_a_tap_is_ready_at_its_first_word(doors: Doors) -> None:
    """The first thing a tap says is that it listens, to which patterns, and since when."""
    before = datetime.now(UTC)
    with doors.tap("a.*", "b") as tap:
        ready = Inbox(tap).ready
    assert isinstance(ready, Listening)
    assert ready.patterns == ("a.*", "b")
    assert before <= ready.since <= datetime.now(UTC)


def test_a_tap_hears_only_its_patterns(doors: Doors) -> None:
    """A message that no pattern matches is unroutable; one that two match is received once."""
    with doors.tap("stage.*", "stage.created") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        keys = ["stage.created", "student.created", "stage.accepted"]
        sent = [message(index, routing_key=key) for index, key in enumerate(keys, 1)]
        receipts = {each.position: each.outcome for each in publisher.publish(sent)}
        received = [each.routing_key for each in inbox.receive(2)]
    assert receipts == {1: Outcome.CONFIRMED, 2: Outcome.UNROUTABLE, 3: Outcome.CONFIRMED}
    assert received == ["stage.created", "stage.accepted"]


def test_nobody_listening_is_unroutable(doors: Doors) -> None:
    """With no queue that wants it, every message is unroutable, and the reason is said."""
    with doors.publisher() as publisher:
        receipts = list(publisher.publish([message(1), message(2)]))
    assert [each.outcome for each in receipts] == [Outcome.UNROUTABLE] * 2
    assert all(each.reason for each in receipts)


def test_receipts_in_the_source_pass_through(doors: Doors) -> None:
    """A receipt among the messages comes out as it is, and nothing is sent for it."""
    invalid = Receipt(2, "f", 2, None, None, Outcome.INVALID, "1 finding")
    with doors.tap("#") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        receipts = list(publisher.publish([message(1), invalid, message(3)]))
        received = inbox.receive(2)
    assert invalid in receipts
    assert sorted(each.position for each in receipts) == [1, 2, 3]
    assert [each.message_id for each in received] == ["id-1", "id-3"]


def test_properties_and_headers_keep_their_types(doors: Doors) -> None:
    """Properties and headers arrive with the values and types they were sent with, or not at all.

    HTTP's JSON has no types for some: a message that has them is refused.
    """
    properties = {
        "content_type": "application/x-thing",
        "content_encoding": "gzip",
        "delivery_mode": 1,
        "priority": 3,
        "correlation_id": "c",
        "timestamp": 1736935200,
        "type": "t",
        "app_id": "a",
    }
    headers = {
        "text": "é",
        "bytes": b"\xff\x00",
        "yes": True,
        "small": 1,
        "large": 2**62,
        "decimal": Decimal("1.25"),
        "time": datetime(2025, 1, 15, 10, tzinfo=UTC),
        "list": [1, "a", None],
        "table": {"deep": {"er": [b"x"]}},
    }
    sent = message(1, properties=properties, headers=headers)
    with doors.tap("#") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        (receipt,) = publisher.publish([sent])
        if doors.settings.via_http:
            assert (receipt.outcome, "types" in receipt.reason) == (Outcome.REFUSED, True)
            return
        (received,) = inbox.receive(1)
    assert received.properties == {**properties, "message_id": "id-1"}
    assert received.headers == headers
    assert type(received.headers["yes"]) is bool


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 3000, b"x" * 200_000, b"\xce"], ids=len)
def test_bodies_are_exact(doors: Doors, body: bytes) -> None:
    """A body of any length and content arrives byte for byte."""
    with doors.tap("#") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        (receipt,) = publisher.publish([message(1, body=body)])
        (received,) = inbox.receive(1)
    assert receipt.outcome is Outcome.CONFIRMED
    assert received.body == body


def test_a_key_beyond_amqps_limit_is_refused(doors: Doors) -> None:
    """A routing key of 256 bytes is refused with a reason; what follows it is sent."""
    with doors.tap("#") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        sent = [message(1, routing_key="é" * 128), message(2, routing_key="é" * 127)]
        receipts = {each.position: each for each in publisher.publish(sent)}
        assert [each.message_id for each in inbox.receive(1)] == ["id-2"]
    assert receipts[1].outcome is Outcome.REFUSED
    assert receipts[1].reason
    assert receipts[2].outcome is Outcome.CONFIRMED


def test_what_the_source_raises_comes_out_last(doors: Doors) -> None:
    """An error of the input ends the run after what was read before has its receipt."""

    def broken() -> Iterator[Message]:
        yield message(1)
        raise RuntimeError("the disk broke")

    with doors.publisher() as publisher:
        taken = publisher.publish(broken())
        assert next(taken).position == 1
        with pytest.raises(RuntimeError):
            next(taken)


def test_a_wish_to_stop_ends_publishing(doors: Doors) -> None:
    """Asked to stop, a publisher reads no further; what was read has one receipt each."""
    stop = Stop()
    read: list[int] = []

    def endless() -> Iterator[Message]:
        position = 0
        while True:
            position += 1
            read.append(position)
            if position == 100:
                stop.request(130)
            yield message(position)

    started = time.monotonic()
    with doors.publisher(stop) as publisher:
        receipts = list(publisher.publish(endless()))
    assert time.monotonic() - started < 5
    positions = sorted(each.position for each in receipts)
    assert positions == list(range(1, len(positions) + 1))
    assert len(read) - len(positions) <= 1


def test_a_wish_to_stop_ends_listening(doors: Doors) -> None:
    """Asked to stop, a tap's deliveries end by themselves."""
    stop = Stop()
    with doors.tap("#", stop=stop) as tap:
        happenings = tap.deliveries()
        next(happenings)
        stop.request(130)
        assert all(batch == [] for batch in happenings)


def test_deliveries_are_acknowledged_and_given_back_in_any_order(doors: Doors) -> None:
    """What is given back comes again, marked; what was acknowledged doesn't; nothing is lost."""
    with doors.tap("#") as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        list(publisher.publish([message(position) for position in range(1, 7)]))
        tokens = {each.message_id: each.token for each in inbox.receive(6, acknowledge=False)}
        assert list(tokens.values()) == sorted(tokens.values())
        tap.acknowledge([tokens["id-4"], tokens["id-2"]])
        tap.give_back([tokens["id-5"], tokens["id-1"]])
        again = inbox.receive(2, acknowledge=False)
        assert {each.message_id for each in again} == {"id-1", "id-5"}
        assert all(each.redelivered for each in again)
        tap.acknowledge([tokens["id-6"], *(each.token for each in again), tokens["id-3"]])
        list(publisher.publish([message(7)]))
        assert [each.message_id for each in inbox.receive(1)] == ["id-7"]


def test_who_leaves_gets_nothing_again(doors: Doors) -> None:
    """What is put back on leaving is there for the next, in its order, returned but once."""
    name = f"tests.contract.{uuid4()}"
    with doors.tap("tests.left", name=name) as tap, doors.publisher() as publisher:
        sent = [message(number, routing_key="tests.left") for number in range(1, 9)]
        inbox = Inbox(tap)
        list(publisher.publish(sent))
        tap.leave([each.token for each in inbox.receive(8, acknowledge=False)])
    with doors.consumer(Queue(name)) as consumer:
        again = Inbox(consumer).receive(8)
    assert [each.message_id for each in again] == [each.message_id for each in sent]
    assert all(each.redelivered for each in again)


def test_what_is_not_acknowledged_stays_in_its_queue(doors: Doors) -> None:
    """Of a queue that stays, the next consumer gets what the last one didn't acknowledge."""
    name = f"tests.contract.{uuid4()}"
    with doors.tap("tests.kept", name=name) as tap, doors.publisher() as publisher:
        inbox = Inbox(tap)
        list(
            publisher.publish([message(number, routing_key="tests.kept") for number in range(1, 5)])
        )
        received = inbox.receive(4, acknowledge=False)
        tap.acknowledge([received[2].token, received[0].token])
    with doors.consumer(Queue(name)) as consumer:
        rest = Inbox(consumer).receive(2)
    assert [(each.message_id, each.redelivered) for each in rest] == [
        ("id-2", True),
        ("id-4", True),
    ]
