"""Take messages out of an existing queue in rounds, each held until it is settled."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, islice
from queue import SimpleQueue
from typing import NamedTuple, Self

from pika.channel import Channel

from medtrack_cli.broker.amqp.deliveries import Arrival, consume
from medtrack_cli.broker.amqp.dialer import count_waiting, dial
from medtrack_cli.broker.amqp.link import Inbox, Link, Lost
from medtrack_cli.broker.amqp.subscription import acknowledge
from medtrack_cli.broker.amqp.taps import unless_stream
from medtrack_cli.broker.patience import FIRST_SECONDS, arriving
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Note, Stop
from medtrack_cli.errors import BrokerUnreachable, MedtrackError

IDLE_SECONDS = 1.0  # after this long without a delivery no more come
ANSWER_SECONDS = 30.0  # after all that is on its way, large bodies on a slow line
# A channel that is closed right after many acknowledgements forgets some of a quorum queue
# (seen with 3.10.8: 23 of 150), and nothing tells when the queue has them.
SETTLING_SECONDS = 0.5

_HINT = "what was held is back in the queue; the same command goes on"


class _Answer(NamedTuple):
    """The answer to the request of this number."""

    number: int
    value: int = 0


class AmqpQueueReader:
    """The `QueueReader` port over AMQP: one channel, and a new consumer for each round.

    A prefetch applies to one consumer: messages held from earlier rounds don't count.
    """

    def __init__(self, settings: ConnectionSettings, queue: str, note: Note, stop: Stop) -> None:
        self._settings, self._queue, self._note, self._stop = settings, queue, note, stop
        self._inbox: Inbox = SimpleQueue()
        self._link: Link | None = None
        self._numbers = count(1)
        self._tokens = count(1)
        self._tags: dict[int, int] = {}  # held messages by token, in the order of arrival
        self._settled_at = 0.0
        self._lost: MedtrackError | None = None

    def __enter__(self) -> Self:
        def set_up(link: Link, channel: Channel) -> None:
            unless_stream(link, channel, self._queue, lambda link, _channel: link.opened())

        self._link = dial(
            *(self._settings, self._inbox, set_up),
            seconds=FIRST_SECONDS,
            again=False,
            note=self._note,
            stop=self._stop,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._link is None:
            return
        time.sleep(max(0.0, self._settled_at - time.monotonic()))
        self._link.close()

    def waiting(self) -> int:
        return self._asked(lambda channel, tell: count_waiting(channel, self._queue, tell))

    def take(self, most: int, *, is_whole: bool) -> list[Delivery]:
        taken: list[Delivery] = []
        consumer: list[str] = []

        def begin(channel: Channel) -> None:
            channel.basic_qos(prefetch_count=min(most, 65_535))
            consumer.append(consume(channel, self._queue, self._arrived))

        def cancel(channel: Channel, answered: Callable[[int], None]) -> None:
            channel.basic_cancel(consumer[0], callback=lambda _frame: answered(0))

        self._call(begin)
        until = time.monotonic() + IDLE_SECONDS
        while len(taken) < most and time.monotonic() < until:
            if self._stop.is_requested and not is_whole:
                break
            if isinstance(arrivals := self._next(), list):
                taken += self._held(arrivals)
                until = time.monotonic() + IDLE_SECONDS
        self._asked(cancel, lambda arrivals: taken.extend(self._held(arrivals)))
        return taken

    def acknowledge(self, tokens: Sequence[int]) -> None:
        tags = sorted(self._tags[token] for token in tokens)
        oldest = list(islice(self._tags.values(), len(tags)))  # at once: another thread adds
        for token in tokens:
            del self._tags[token]
        self._settled_at = time.monotonic() + SETTLING_SECONDS
        self._call(partial(acknowledge, tags=tags, held=oldest))

    def give_back(self, tokens: Sequence[int]) -> None:
        tags = [self._tags.pop(token) for token in tokens]

        def settle(channel: Channel) -> None:
            for tag in tags:
                channel.basic_nack(tag, requeue=True)

        self._call(settle)

    def _arrived(self, arrivals: list[Arrival]) -> None:
        for _, delivery, _ in arrivals:
            delivery.token = next(self._tokens)
        if self._link:
            self._link.tell(arrivals)

    def _held(self, arrivals: list[Arrival]) -> list[Delivery]:
        self._tags.update((delivery.token, tag) for tag, delivery, _ in arrivals)
        return [each.delivery for each in arrivals]

    def _asked(
        self,
        question: Callable[[Channel, Callable[[int], None]], None],
        arrived: Callable[[list[Arrival]], object] = lambda _arrivals: None,
    ) -> int:
        """Ask, and wait for the answer; deliveries that arrive meanwhile are passed on."""
        number, link = next(self._numbers), self._link
        if link:
            self._call(
                lambda channel: question(channel, lambda value: link.tell(_Answer(number, value)))
            )
        until = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < until:
            match self._next():
                case list() as arrivals:
                    arrived(arrivals)
                case _Answer(number=answered, value=value) if answered == number:
                    return value
        raise BrokerUnreachable("the broker gives no answer", self._settings.describe(), hint=_HINT)

    def _next(self) -> object:
        """Give what happens within a moment; raise what ended the connection."""
        happening = next(arriving(self._inbox), None)
        if isinstance(happening, Lost) and happening.link is self._link:
            self._lost = _lost(happening.failure.error)
            raise self._lost
        return happening

    def _call(self, action: Callable[[Channel], None]) -> None:
        if self._link is None or self._link.is_over:
            while self._lost is None:  # another thread may have read it
                self._next()
            raise self._lost
        self._link.call(action)


def _lost(error: MedtrackError) -> MedtrackError:
    """Say what a lost connection means for held messages; a refusal explains itself."""
    return error.with_hint(_HINT) if isinstance(error, BrokerUnreachable) else error
