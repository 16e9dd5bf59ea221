"""Our consumer on a channel: the steps that make it, what it holds, and giving that back."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from pika import spec
from pika.channel import Channel

from medtrack_cli.broker.amqp.bounded import TooMuch
from medtrack_cli.broker.amqp.continuity import Broker
from medtrack_cli.broker.amqp.deliveries import Arrival, consume
from medtrack_cli.broker.amqp.dialer import count_waiting
from medtrack_cli.broker.amqp.link import Link
from medtrack_cli.broker.amqp.taps import Step, declaring, server_properties, unless_stream, version
from medtrack_cli.core.listening.sources import Source

PREFETCH = 500
CHUNK = 2**16  # streams deliver whole chunks, whatever the prefetch
HELD_BYTES = 32 * 1024 * 1024  # with more held, fewer are taken at a time
PREFETCH_LARGE = 2  # of up to 16 MiB
PROPERTIES_WEIGH = 16  # times their bytes: what a table of small values takes in memory
HOLD_SECONDS = 30.0  # without progress: the broker's consumer_timeout would close the channel
WATCH_SECONDS = 5.0


class Delivered(NamedTuple):
    """What came at once, with the tags that acknowledge it while its subscription holds it."""

    subscription: "Subscription"
    generation: int
    arrivals: list[Arrival]


class Cancelled(NamedTuple):
    """The broker has ended the subscription: the queue is gone, or has moved."""

    subscription: "Subscription"
    at: datetime


class Released(NamedTuple):
    """No progress for long: all that was held is given back, and nothing more comes."""

    subscription: "Subscription"


class Depth(NamedTuple):
    """How many messages wait in the queue, asked at a moment and in a generation."""

    subscription: "Subscription"
    generation: int
    asked_at: datetime
    messages: int


class Subscription:
    """A consumer on a link's channel; used on its I/O thread only, except for what is read-only.

    `generation` grows whenever held messages are given back: older deliveries come again.
    """

    def __init__(self, source: Source, queue: str, tokens: Iterator[int], *, creates: bool) -> None:
        self.queue = queue
        self.waiting = 0  # when it was declared
        self.generation = 0
        self.broker = Broker("", 0)
        self._source = source
        self._creates = creates
        self._tokens = tokens
        self._prefetch = min(PREFETCH, source.consumption.most or PREFETCH)
        self._held: dict[int, int] = {}  # sizes by tag, in the order of arrival
        self._held_bytes = 0
        self._moved_at = 0.0
        self._consumer = ""
        self._steps: Iterator[Step] = iter(())

    def set_up(self, link: Link, channel: Channel) -> None:
        """Declare our own queue, or check that another isn't a stream; then consume."""
        if self._source.takes:
            unless_stream(link, channel, self.queue, self._begin)
        else:
            self._begin(link, channel)

    def _begin(self, link: Link, channel: Channel) -> None:
        """Take the steps, each when the one before is answered."""
        self._link = link
        self._channel = channel
        cluster = str(server_properties(channel).get("cluster_name"))
        self.broker = Broker(cluster, version(channel)[0])
        channel.add_on_cancel_callback(lambda _frame: link.tell(Cancelled(self, datetime.now(UTC))))
        source, exchange = self._source, link.settings.exchange
        declares = declaring(source, self.queue, exchange, channel, creates=self._creates)
        self._steps = chain(declares, self._consuming(link.opened))
        self._step()
        self._watch()

    def consume_again(self, source: Source, _channel: Channel) -> None:
        """Resume what was given back, or was read and not handled."""
        self._source = source
        self._steps = self._consuming(lambda: None)
        self._step()

    def acknowledge(self, generation: int, tags: list[int]) -> None:
        """Acknowledge deliveries, and no others. Stale tags are never sent."""
        if generation != self.generation:
            return
        acknowledge(self._channel, tags, self._held)
        self._settled(tags)

    def give_back(self, generation: int, tags: list[int]) -> None:
        """Return deliveries to the broker. Stale tags are never sent."""
        if generation != self.generation:
            return
        for tag in tags:
            self._channel.basic_nack(tag, requeue=True)
        self._settled(tags)

    def leave(self, generation: int, tags: list[int], done: Callable[[], None]) -> None:
        """End the consumer, then give back: else it would get them at once, which counts again."""

        def ended(_frame: object) -> None:
            self.give_back(generation, tags)
            done()

        self._channel.basic_cancel(self._consumer, callback=ended)

    def _settled(self, tags: list[int]) -> None:
        self._moved_at = time.monotonic()
        self._held_bytes -= sum(map(self._held.pop, tags))

    def ask_depth(self, channel: Channel) -> None:
        """Ask how many messages wait; Depth follows."""
        tell = partial(Depth, self, self.generation, datetime.now(UTC))
        count_waiting(channel, self.queue, lambda waiting: self._link.tell(tell(waiting)))

    def _consuming(self, ready: Callable[[], None]) -> Iterator[Step]:
        yield partial(self._channel.basic_qos, prefetch_count=self._prefetch)
        yield self._consume
        ready()

    def _step(self, frame: Any = None) -> None:  # noqa: ANN401 -- pika's frames
        if frame and isinstance(frame.method, spec.Queue.DeclareOk):
            self.waiting = frame.method.message_count
        if step := next(self._steps, None):
            step(callback=self._step)

    def _consume(self, callback: Callable[..., None]) -> None:
        wish = self._source.consumption
        self._consumer = consume(
            self._channel,
            self.queue,
            self._arrived,
            exclusive=wish.exclusive,
            arguments=dict(wish.arguments),
            callback=callback,
        )

    def _arrived(self, arrivals: list[Arrival]) -> None:
        if not self._held:
            self._moved_at = time.monotonic()
        most = PREFETCH + CHUNK * self._source.keeps
        allowed = arrivals[: most - len(self._held)]
        for tag, delivery, weight in allowed:
            size = len(delivery.body) + weight * PROPERTIES_WEIGH
            self._held[tag] = size
            self._held_bytes += size
            delivery.token = next(self._tokens)
        self._link.tell(Delivered(self, self.generation, allowed))
        if len(allowed) < len(arrivals):
            raise TooMuch("messages without an acknowledgement", most + 1, most)
        if self._held_bytes > HELD_BYTES and self._prefetch > PREFETCH_LARGE:
            self._prefetch = PREFETCH_LARGE
            self._release()

    def _watch(self) -> None:
        """Give all back before the broker thinks that we are dead.

        And bind once more: the deletion of an exchange isn't announced, but makes that fail.
        """
        if not self._channel.is_open:
            return
        if self._consumer:
            for pattern in self._source.patterns:
                self._channel.queue_bind(self.queue, self._link.settings.exchange, pattern)
        if self._held and time.monotonic() - self._moved_at > HOLD_SECONDS:
            self._release()
        loop = self._channel.connection.ioloop  # type: ignore[attr-defined] # a SelectConnection
        loop.call_later(WATCH_SECONDS, self._watch)

    def _release(self) -> None:
        """End the consumer and give back what it holds; the queue stays, and keeps the order."""
        self._let_go()

        def ended(_frame: Any) -> None:  # noqa: ANN401
            self._let_go()  # what came meanwhile
            if self._source.keeps:
                self._channel.basic_ack(0, multiple=True)  # a stream takes nothing back
            else:
                self._channel.basic_nack(0, multiple=True)
            self._link.tell(Released(self))

        self._channel.basic_cancel(self._consumer, callback=ended)

    def _let_go(self) -> None:
        """Mark nothing as held: all that was delivered comes again."""
        self.generation += 1
        self._held.clear()
        self._held_bytes = 0


def acknowledge(channel: Channel, tags: Sequence[int], held: Iterable[int]) -> None:
    """Acknowledge these tags, at once those that are the oldest that are held."""
    pairs = enumerate(zip(tags, held, strict=False))
    together = next((place for place, (tag, oldest) in pairs if tag != oldest), len(tags))
    if together:
        channel.basic_ack(tags[together - 1], multiple=True)
    for tag in tags[together:]:
        channel.basic_ack(tag)
