"""Real dead letters: queues whose messages are rejected, or expire, into a queue for the dead."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pika
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.private_broker import EXCHANGE
from tests.builders import numbered


class Morgue(NamedTuple):
    """Queues that the events of students reach, and the one that what dies in them goes to."""

    channel: BlockingChannel
    dead: str
    origins: tuple[str, ...]

    def depth(self, queue: str) -> int:
        """Count what waits."""
        return int(self.channel.queue_declare(queue, passive=True).method.message_count)

    def await_depth(self, queue: str, count: int) -> None:
        """Wait until so many messages wait."""
        until = time.monotonic() + 20
        while (depth := self.depth(queue)) != count:
            assert time.monotonic() < until, f"{queue} holds {depth}, not {count}"
            time.sleep(0.05)

    def reject(self, queue: str) -> pika.BasicProperties:
        """Let the next message of a queue die."""
        until = time.monotonic() + 20
        while (got := self.channel.basic_get(queue))[0] is None:
            assert time.monotonic() < until, f"nothing comes to {queue}"
        method, properties, _ = got
        assert method is not None
        assert properties is not None
        assert method.delivery_tag is not None
        self.channel.basic_reject(method.delivery_tag, requeue=False)
        return properties

    def kill(self, count: int, key: str = "student.deleted", start: int = 1) -> list[str]:
        """Publish events, and reject each in every origin; give their ids."""
        ids = [f"m-{number}" for number in range(start, start + count)]
        for message_id, body in zip(ids, numbered(count, start), strict=True):
            properties = pika.BasicProperties(
                message_id=message_id, content_type="application/json", delivery_mode=2
            )
            self.channel.basic_publish(EXCHANGE, key, body.strip(), properties)
        before = self.depth(self.dead)
        for origin in self.origins:
            left = count
            for method, _properties, _body in self.channel.consume(origin, inactivity_timeout=5):
                assert method is not None, f"{origin} holds nothing more"
                assert method.delivery_tag is not None
                self.channel.basic_reject(method.delivery_tag, requeue=False)
                left -= 1
                if not left:
                    break
            self.channel.cancel()
        self.await_depth(self.dead, before + count * len(self.origins))
        return ids


@contextmanager
def morgue(
    url: str, origins: int = 1, arguments: Mapping[str, Any] | None = None
) -> Iterator[Morgue]:
    """Make the queues; all are deleted at the end."""
    mark = secrets.token_hex(4)
    dead = f"tests.dead.{mark}"
    names = tuple(f"tests.origin.{mark}.{number}" for number in range(origins))
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.queue_declare(dead, durable=True, arguments=dict(arguments or {}))
        dies: dict[str, Any] = {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead,
        }
        for name in names:
            channel.queue_declare(name, durable=True, arguments=dies)
            channel.queue_bind(name, EXCHANGE, "student.#")
        try:
            yield Morgue(channel, dead, names)
        finally:
            with pika.BlockingConnection(pika.URLParameters(url)) as last:
                for name in (dead, *names):
                    last.channel().queue_delete(name)


def quorum(limit: int | None) -> dict[str, Any]:
    """Give the arguments of a quorum queue."""
    arguments: dict[str, Any] = {"x-queue-type": "quorum"}
    return arguments if limit is None else {**arguments, "x-delivery-limit": limit}


def ids_in(channel: BlockingChannel, queue: str) -> Sequence[str]:
    """Take out all that a queue holds, and give the message ids in their order."""
    found = []
    while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
        found.append(str(got[1].message_id))
    return found
