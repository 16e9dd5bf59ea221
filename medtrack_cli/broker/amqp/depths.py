"""The depths of queues, asked repeatedly on one connection."""

from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import NamedTuple

from pika.channel import Channel

from medtrack_cli.broker.amqp.link import Inbox, Link, Lost
from medtrack_cli.broker.amqp.redialer import Redialer
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import PublishPolicy, Stop
from medtrack_cli.errors import MedtrackError, TopologyError


class Depth(NamedTuple):
    """The number of waiting messages."""

    link: Link
    messages: int


class AmqpDepths:
    """The `Depths` port: passive declares, which need no permission on most brokers.

    A lost connection is tried again for as long as a publisher tries.
    """

    def __init__(self, settings: ConnectionSettings, policy: PublishPolicy, stop: Stop) -> None:
        self._inbox: Inbox = SimpleQueue()
        self._stop = stop
        self._is_closed = False
        # Nothing is reported: the publisher beside it reports the same of the broker.
        self._line = Redialer(
            *(settings, policy, self._inbox, lambda _text: None, stop),
            setup=lambda link, _channel: link.opened(),
        )

    def ready(self, queue: str) -> int | None:
        if self._line.link is None:
            self._line.first()
        while self._line.link and not self._is_over:
            self._line.link.call(partial(self._ask, self._line.link, queue))
            answer = self._answer(self._line.link)
            if isinstance(answer, Depth):
                self._line.settled()
                return answer.messages
            if answer and not answer.failure.heals:
                raise _with_its_option(self._line.explained(answer.failure))
            if answer:
                self._line.again(answer.failure.error)
        return None

    def close(self) -> None:
        self._is_closed = True
        self._line.close(is_urgent=True)

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._stop.is_requested

    @staticmethod
    def _ask(link: Link, queue: str, channel: Channel) -> None:
        channel.queue_declare(
            queue,
            passive=True,
            callback=lambda frame: link.tell(Depth(link, frame.method.message_count)),
        )

    def _answer(self, link: Link) -> Depth | Lost | None:
        while not self._is_over:
            with suppress(Empty):
                happening = self._inbox.get(timeout=0.1)
                if isinstance(happening, Depth | Lost) and happening.link is link:
                    return happening
        return None


def _with_its_option(error: MedtrackError) -> MedtrackError:
    """Say where a missing queue was named."""
    if not isinstance(error, TopologyError):
        return error
    hint = "check --max-backlog and --vhost; `medtrack queue list` shows all"
    return TopologyError(error.what, error.subject, hint=hint)
