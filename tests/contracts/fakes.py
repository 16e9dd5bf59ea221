"""A broker in memory: one topic exchange, a publisher and a tap, for `runtime.World`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Self

from medtrack_cli.core.connection_settings import ConnectionSettings, Target
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Source
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import (
    Interrupted,
    Listening,
    Note,
    PublishPolicy,
    QueueReader,
    Resumed,
    Retry,
    Stop,
)
from medtrack_cli.core.topics import key_matches
from medtrack_cli.errors import MedtrackError

Answer = Callable[[Message], Outcome | MedtrackError | None]
"""What the broker does with a message out of the ordinary: a verdict, or the connection's end."""


class MemoryBroker:
    """Routes messages to its taps; `answer` makes it fail. Its doors are those of a `World`."""

    def __init__(
        self,
        answer: Answer | None = None,
        refuse: MedtrackError | None = None,
        *,
        wants_all: bool = False,
    ) -> None:
        self._wants_all = wants_all  # as if a queue took everything
        self.answer = answer or (lambda _message: None)
        self.refuse = refuse  # the error of a first connection
        self.taps: list[MemoryConsumer] = []
        self.queues: dict[str, list[Delivery]] = {}  # those that stay
        self.sent: list[Message] = []
        self.backlog: list[Message] = []  # what a new tap receives at once
        self.acknowledged = 0

    def open_publisher(
        self, _settings: ConnectionSettings, _policy: PublishPolicy, _note: Note, stop: Stop
    ) -> "MemoryPublisher":
        """Open a publisher; see `runtime.World`."""
        return MemoryPublisher(self, stop)

    def open_consumer(
        self,
        settings: ConnectionSettings,
        source: Source,
        _note: Note,
        stop: Stop,
        _retry: Retry,
    ) -> "MemoryConsumer":
        """Open a consumer; see `runtime.World`."""
        return MemoryConsumer(self, settings.target, source, stop)

    def open_queue_reader(
        self, _settings: ConnectionSettings, _queue: str, _note: Note, _stop: Stop
    ) -> QueueReader:
        """Refuse: the dead letters of this broker stay where they are."""
        raise NotImplementedError

    def route(self, message: Message) -> Outcome:
        """Hand a message to every tap that wants it."""
        self.sent.append(message)
        wanting = [tap for tap in self.taps if tap.wants(message.routing_key)]
        for tap in wanting:
            tap.queue.append(_delivery(message))
        return Outcome.CONFIRMED if wanting or self._wants_all else Outcome.UNROUTABLE


def _delivery(message: Message) -> Delivery:
    properties = message.properties
    if properties is None:
        properties = {"content_type": "application/json", "delivery_mode": 2}
    return Delivery(
        received_at=datetime.now(UTC),
        exchange="medtrack.events",
        routing_key=message.routing_key,
        redelivered=False,
        body=message.body,
        properties={**properties, "message_id": message.message_id},
        headers=message.headers or {},
    )


class MemoryPublisher:
    """The `Publisher` port over a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, stop: Stop) -> None:
        self._broker = broker
        self._stop = stop

    def __enter__(self) -> Self:
        if self._broker.refuse:
            raise self._broker.refuse
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def in_flight(self) -> int:
        return 0

    def publish(self, source: Iterable[Message | Receipt]) -> Iterator[Receipt]:
        """Yield each message's receipt; what the broker's end leaves open is unknown."""
        for each in source:
            if isinstance(each, Receipt):
                yield each
                continue
            if len(each.routing_key.encode()) > 255:
                yield each.receipt(Outcome.REFUSED, "the routing key is too long")
                continue
            answer = self._broker.answer(each)
            if isinstance(answer, MedtrackError):
                yield each.receipt(Outcome.UNKNOWN, answer.what)
                raise answer
            outcome = answer or self._broker.route(each)
            yield each.receipt(outcome, "" if outcome is Outcome.CONFIRMED else "no queue")
            if self._stop.is_requested:
                return


class MemoryConsumer:
    """The `Consumer` port over a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, target: Target, source: Source, stop: Stop) -> None:
        self._broker = broker
        self._target = target
        self._source = source
        self._stop = stop
        self._tokens = count(1)
        self._held: dict[int, Delivery] = {}
        self.queue = broker.queues.setdefault(source.name, []) if source.name else []

    def __enter__(self) -> Self:
        if self._broker.refuse:
            raise self._broker.refuse
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back(list(self._held))
        if not self._source.stays:
            self._broker.taps.remove(self)

    def wants(self, routing_key: str) -> bool:
        """Return whether a binding matches."""
        return any(key_matches(pattern, routing_key) for pattern in self._source.patterns)

    def deliveries(self) -> Iterator[Listening | Interrupted | Resumed | list[Delivery]]:
        """Yield what was routed here, until stopped."""
        self._broker.taps.append(self)
        self.queue += [_delivery(each) for each in self._broker.backlog]
        yield Listening(datetime.now(UTC), "memory", self._source.patterns, self._target)
        while not self._stop.is_requested:
            batch = [replace(each, token=next(self._tokens)) for each in self.queue]
            self.queue.clear()
            self._held |= {each.token: each for each in batch}
            yield batch

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Count what was acknowledged."""
        self._broker.acknowledged += len([self._held.pop(token) for token in tokens])

    def leave(self, tokens: Sequence[int]) -> None:
        """Put deliveries back, and be gone."""
        self.give_back(tokens)

    def give_back(self, tokens: Sequence[int]) -> None:
        """Put deliveries back before what waits."""
        again = [self._held.pop(token) for token in sorted(tokens)]
        self.queue[:0] = [replace(each, redelivered=True) for each in again]
