"""A stream is a source like others, read from its first event."""

from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Stream
from medtrack_cli.core.ports import Stop
from tests.broker.witness import client, settings_of
from tests.conftest import Broker

NAME = "tests.source.stream"


def test_a_stream_is_read_and_left_as_it_was(broker: Broker) -> None:
    """The consumer reads it, acknowledges out of order, and leaves it as it was."""
    with client(broker.amqp_url) as channel:
        channel.queue_declare(NAME, durable=True, arguments={"x-queue-type": "stream"})
        channel.confirm_delivery()
        for number in range(3):
            channel.basic_publish("", NAME, b"%d" % number)
        for _ in range(2):
            received = read(broker)
            assert [each.body for each in received] == [b"0", b"1", b"2"]
            assert [each.headers["x-stream-offset"] for each in received] == [0, 1, 2]
        channel.queue_delete(NAME)


def read(broker: Broker) -> list[Delivery]:
    """Read three events from the first on."""
    received: list[Delivery] = []
    with AmqpConsumer(settings_of(broker.amqp_url), Stream(NAME), print, Stop()) as consumer:
        for batch in consumer.deliveries():
            received += batch if isinstance(batch, list) else []
            if len(received) == 3:
                break
        consumer.acknowledge([received[2].token])
        consumer.acknowledge([received[0].token, received[1].token])
    return received
