"""A second client beside the tool: it declares, publishes, and sees what the broker holds."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import pika
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.config.url import parse_web_address
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, Secret
from medtrack_cli.private_broker import EXCHANGE


@contextmanager
def client(url: str) -> Iterator[BlockingChannel]:
    """Open a channel with pika's own blocking client."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        yield connection.channel()


def settings_of(url: str, **changes: Any) -> ConnectionSettings:
    """Make the tool's settings of a URL."""
    if "management_url" in changes:
        changes["management_url"] = parse_web_address(changes["management_url"], "test")
    parts = urlsplit(url)
    values: dict[str, Any] = {
        "hosts": (Host(parts.hostname or "", parts.port or 5672),),
        "vhost": unquote(parts.path[1:]) or "/",
        "username": unquote(parts.username or ""),
        "password": Secret(unquote(parts.password or "")),
    }
    return ConnectionSettings(**values | changes)


class Held(NamedTuple):
    """A message as it lies in a queue."""

    routing_key: str
    body: bytes
    properties: pika.BasicProperties

    @property
    def message_id(self) -> str:
        return str(self.properties.message_id)


class Witness:
    """A queue bound to the exchange, deleted at the end, exchange of its own included.

    The oracle for publishing: what is reported confirmed is in it, and nothing else.
    """

    def __init__(
        self,
        channel: BlockingChannel,
        pattern: str = "#",
        exchange: str = EXCHANGE,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.channel = channel
        self.queue = f"tests.witness.{secrets.token_hex(4)}"
        self.exchange = exchange
        self._pattern = pattern
        self._arguments = dict(arguments or {})

    def __enter__(self) -> Self:
        self.channel.queue_declare(self.queue, durable=True, arguments=self._arguments)
        self.channel.queue_bind(self.queue, self.exchange, self._pattern)
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.queue_delete(self.queue)

    def take(self) -> list[Held]:
        """Take out all that the queue holds now, in its order."""
        return drain(self.channel, self.queue)


def drain(channel: BlockingChannel, queue: str) -> list[Held]:
    """Take all messages out of a queue: what a consumer holds comes back when it has gone."""
    until = time.monotonic() + 5
    while (seen := channel.queue_declare(queue, passive=True).method).consumer_count:
        assert time.monotonic() < until, "the consumer is still there"
        time.sleep(0.05)
    count = seen.message_count
    held: list[Held] = []
    if count:
        for method, properties, body in channel.consume(queue, auto_ack=True):
            held.append(Held(method.routing_key or "", body, properties))
            if len(held) == count:
                break
        channel.cancel()
    return held
