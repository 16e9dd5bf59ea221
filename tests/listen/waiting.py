"""A queue of the tests' own that holds events, for `listen --queue`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex

from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel

from tests.broker.witness import client
from tests.builders import numbered
from tests.conftest import Broker

DELETED = BasicProperties(content_type="application/json", delivery_mode=2, message_id="m")


class Waiting:
    """A durable queue, bound to an exchange of its own that is named like no other."""

    def __init__(self, channel: BlockingChannel) -> None:
        self.name = f"tests.waiting.{token_hex(4)}"
        self._channel = channel

    @property
    def options(self) -> tuple[str, ...]:
        """The options that take from it."""
        return ("--queue", self.name, "--yes")

    def put(self, bodies: Sequence[bytes], key: str = "student.deleted") -> None:
        """Publish to it alone."""
        for body in bodies:
            self._channel.basic_publish(self.name, key, body, DELETED)

    def put_numbered(self, count: int, start: int = 1) -> None:
        """Publish valid events whose ids begin with their number."""
        self.put([line.rstrip() for line in numbered(count, start)])

    @property
    def depth(self) -> int:
        """How many messages wait."""
        found = self._channel.queue_declare(self.name, passive=True)
        return int(found.method.message_count)

    def bodies(self) -> list[bytes]:
        """Take out all that waits, in its order."""
        taken = []
        while (got := self._channel.basic_get(self.name, auto_ack=True))[2] is not None:
            taken.append(got[2])
        return taken


@contextmanager
def waiting(broker: Broker) -> Iterator[Waiting]:
    """Have a queue and its exchange, both gone at the end; their connection may sleep for long."""
    with client(f"{broker.amqp_url}?heartbeat=0") as channel:
        held = Waiting(channel)
        channel.exchange_declare(held.name, "topic")
        channel.queue_declare(held.name, durable=True)
        channel.queue_bind(held.name, held.name, "#")
        channel.confirm_delivery()
        try:
            yield held
        finally:
            channel.queue_delete(held.name)
            channel.exchange_delete(held.name)
