"""Receive what is published, through a tap: a queue of our own that ends with us."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self

from pika import BasicProperties
from pika.channel import Channel

from medtrack_cli.broker.connection import Inbox, Link, Lost
from medtrack_cli.broker.dialer import FIRST_SECONDS, dial
from medtrack_cli.broker.refusals import TAP_PREFIX
from medtrack_cli.core.connection import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Interrupted, Listening, Note, Resumed, Stop
from medtrack_cli.errors import BrokerUnreachable

PREFETCH = 200
TICK_SECONDS = 0.2  # how often an empty batch comes when nothing arrives

_PROPERTIES = (
    "content_type",
    "content_encoding",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)


class Delivered(NamedTuple):
    """A delivery with the tag that acknowledges it on its link."""

    link: Link
    tag: int
    delivery: Delivery


class Cancelled(NamedTuple):
    """The broker has ended the subscription: the queue is gone."""

    link: Link


class AmqpTap:
    """The `Consumer` port over AMQP: an exclusive queue of our own, bound to the exchange.

    The queue has a new random name on each connection and is deleted by the broker with it;
    nothing else is declared. What is published while the connection is down is missed.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        patterns: tuple[str, ...],
        note: Note,
        stop: Stop,
        retry_for: float | None = None,
    ) -> None:
        self._settings = settings
        self._patterns = patterns
        self._note = note
        self._stop = stop
        self._retry_for = retry_for
        self._inbox: Inbox = SimpleQueue()
        self._link: Link | None = None
        self._queue = ""
        self._batch: list[Delivered] = []
        stop.listen(lambda: self._inbox.put(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._link:
            self._link.close()

    def deliveries(self) -> Iterator[Listening | Interrupted | Resumed | list[Delivery]]:
        """Yield batches and what happens to the connection, until stopped. See the port."""
        wish = self._retry_for
        if not self._connect(wish or FIRST_SECONDS, again=bool(wish)):
            return
        yield Listening(datetime.now(UTC), self._queue, self._patterns)
        while not self._stop.is_requested:
            self._batch, end = self._collect()
            yield [each.delivery for each in self._batch]
            if end is not None and not self._stop.is_requested:
                yield from self._resume(end)

    def handled(self, count: int) -> None:
        """Acknowledge the first `count` deliveries of the last batch."""
        if count:
            link, tag, _ = self._batch[count - 1]
            link.call(lambda channel: channel.basic_ack(tag, multiple=True))

    def _connect(self, seconds: float | None, *, again: bool) -> bool:
        """Get a link with a tap of a new name; False when stopped meanwhile."""
        self._queue = f"{TAP_PREFIX}{secrets.token_hex(8)}"
        setup = partial(_subscribe, queue=self._queue, patterns=self._patterns)
        try:
            self._link = dial(
                self._settings,
                self._inbox,
                setup,
                seconds=seconds,
                again=again,
                note=self._note,
                stop=self._stop,
            )
        except BrokerUnreachable:
            if self._stop.is_requested:
                return False
            raise
        return True

    def _collect(self) -> tuple[list[Delivered], Lost | Cancelled | None]:
        """Take what has arrived, a prefetch's worth at the most; wait one tick for the first."""
        batch: list[Delivered] = []
        try:
            happening = self._inbox.get(timeout=TICK_SECONDS)
            while True:
                if isinstance(happening, Delivered) and happening.link is self._link:
                    batch.append(happening)
                elif isinstance(happening, Lost | Cancelled) and happening.link is self._link:
                    return batch, happening
                if len(batch) >= PREFETCH:
                    break
                happening = self._inbox.get_nowait()
        except Empty:
            pass
        return batch, None

    def _resume(self, end: Lost | Cancelled) -> Iterator[Interrupted | Resumed]:
        """Say that the connection is lost, get it back however long it takes, say so."""
        since = datetime.now(UTC)
        if isinstance(end, Lost):
            if not end.failure.heals:
                raise end.failure.error
            reason = end.failure.error.what
        else:
            reason = "the broker deleted the tap's queue"
        yield Interrupted(since, reason)
        if self._link:
            self._link.close(0.5)
        if self._connect(None, again=True):
            yield Resumed(since, datetime.now(UTC), may_have_missed=True)


def _subscribe(link: Link, channel: Channel, *, queue: str, patterns: tuple[str, ...]) -> None:
    """Declare the tap, bind it, consume from it; each step when the one before is answered."""
    left = list(patterns)

    def declare(_frame: Any) -> None:  # noqa: ANN401 -- pika's frames
        channel.queue_declare(
            queue, exclusive=True, arguments={"x-queue-type": "classic"}, callback=bind
        )

    def bind(_frame: Any) -> None:  # noqa: ANN401
        if left:
            channel.queue_bind(queue, link.settings.exchange, left.pop(0), callback=bind)
        else:
            channel.basic_consume(queue, arrived, callback=lambda _frame: link.opened())

    def arrived(_channel: Channel, method: Any, properties: BasicProperties, body: bytes) -> None:  # noqa: ANN401
        link.tell(Delivered(link, method.delivery_tag, _delivery(method, properties, body)))

    channel.add_on_cancel_callback(lambda _frame: link.tell(Cancelled(link)))
    channel.basic_qos(prefetch_count=PREFETCH, callback=declare)


def _delivery(method: Any, properties: BasicProperties, body: bytes) -> Delivery:  # noqa: ANN401
    fields = {
        name: value for name in _PROPERTIES if (value := getattr(properties, name)) is not None
    }
    if isinstance(fields.get("timestamp"), int):
        fields["timestamp"] = int(fields["timestamp"])
    return Delivery(
        received_at=datetime.now(UTC),
        exchange=method.exchange,
        routing_key=method.routing_key,
        redelivered=method.redelivered,
        body=body,
        properties=fields,
        headers=properties.headers or {},
    )
