"""What is on its way when a consumer is cancelled is handed over: pika would reject it."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Timer
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.channel import Channel

from medtrack_cli.broker.amqp.deliveries import Arrival, consume
from medtrack_cli.broker.amqp.dialer import Answered, request
from medtrack_cli.broker.amqp.link import Link
from medtrack_cli.broker.amqp.queue_reader import AmqpQueueReader
from medtrack_cli.core.ports import Stop
from tests.broker.witness import client, settings_of
from tests.conftest import Broker

COUNT = 40


@contextmanager
def filled(broker: Broker, arguments: Mapping[str, Any]) -> Iterator[tuple[BlockingChannel, str]]:
    """Give a channel, and a queue that holds messages."""
    queue = f"tests.whole.{secrets.token_hex(4)}"
    with client(broker.amqp_url) as channel:
        channel.queue_declare(queue, durable=True, arguments=dict(arguments))
        for _ in range(COUNT):
            channel.basic_publish("", queue, bytes(100_000))
        while channel.queue_declare(queue, passive=True).method.message_count < COUNT:
            channel.connection.sleep(0.05)
        try:
            yield channel, queue
        finally:
            channel.queue_delete(queue)


def test_a_reader_that_is_stopped_takes_its_round(broker: Broker) -> None:
    """What a quorum queue is about to give has no delivery left: it is awaited, and can be sent."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1}
    with filled(broker, arguments) as (channel, queue):
        channel.basic_qos(prefetch_count=COUNT)
        for _ in range(COUNT):
            channel.basic_get(queue)
        channel.basic_nack(0, multiple=True)
        stop = Stop()
        with AmqpQueueReader(
            settings_of(broker.amqp_url), queue, lambda _text: None, stop
        ) as reader:
            while reader.waiting() < COUNT:
                channel.connection.sleep(0.05)
            stop.request(130)
            late = Timer(0.3, partial(channel.basic_publish, "", queue, b"late"))
            late.start()
            taken = reader.take(COUNT + 1, is_whole=True)
            late.join()
            assert len(taken) == COUNT + 1
            reader.acknowledge([each.token for each in taken])


def test_a_stream_that_is_left_keeps_the_connection(broker: Broker) -> None:
    """A stream takes no rejection: it would answer one with 540."""
    with filled(broker, {"x-queue-type": "stream"}) as (_, queue):
        came: list[bytes] = []

        def ask(_link: Link, channel: Channel, answered: Answered[int]) -> None:
            def arrived(arrivals: list[Arrival]) -> None:
                if not came:
                    channel.basic_cancel(consumer, callback=cancelled)
                came.extend(each.delivery.body for each in arrivals)

            def cancelled(_frame: object) -> None:
                channel.basic_qos(prefetch_count=1, callback=lambda _frame: answered(len(came)))

            channel.basic_qos(prefetch_count=COUNT)
            arguments = {"x-stream-offset": "first"}
            consumer = consume(channel, queue, arrived, arguments=arguments)

        assert request(settings_of(broker.amqp_url), ask, lambda _text: None, Stop()) > 1
