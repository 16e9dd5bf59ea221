"""The queues that medtrack declares, and what it asks the broker of others'."""

from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

from pika.channel import Channel

from medtrack_cli.broker.connection import Inbox, Link
from medtrack_cli.broker.dialer import FIRST_SECONDS, dial
from medtrack_cli.core.connection import ConnectionSettings
from medtrack_cli.core.ports import Note, Stop, Tap
from medtrack_cli.errors import AccessRefused

Step = Callable[..., object]
"""A request to the broker that takes a `callback` for its answer."""


class Bounds(NamedTuple):
    """How much waits in a tap at most. Beyond it the oldest go: no publisher is ever refused."""

    messages: int
    size: int  # bytes


# A tap without a name is bounded so that a listener that hangs doesn't fill the broker.
UNNAMED = Bounds(1_000_000, 1024**3)
NAMED = Bounds(10_000, 64 * 1024**2)
EXPIRES_MS = 600_000  # a named tap that nobody listens to


def bounds(tap: Tap) -> Bounds:
    """Give the bounds of a tap."""
    return UNNAMED if tap.name is None else NAMED


def declaration(
    tap: Tap, queue: str, exchange: str, channel: Channel, *, creates: bool
) -> Iterator[Step]:
    """Declare and bind a tap; with nothing that is deprecated or left to a vhost's defaults.

    Unless it `creates`, the queue must be there still.
    """
    most, is_named = bounds(tap), tap.name is not None
    arguments: dict[str, Any] = {
        "x-queue-type": "classic",
        "x-max-length": most.messages,
        "x-max-length-bytes": most.size,
        "x-overflow": "drop-head",
        **({"x-expires": EXPIRES_MS} if is_named else {}),
    }
    yield partial(
        channel.queue_declare,
        queue,
        passive=not creates,
        durable=is_named,
        exclusive=not is_named,
        arguments=arguments,
    )
    for pattern in tap.patterns:
        yield partial(channel.queue_bind, queue, exchange, pattern)


def waiting(settings: ConnectionSettings, queue: str, note: Note, stop: Stop) -> int | None:
    """Count the messages that wait in a queue; TopologyError when there is none of that name.

    None where that isn't ours to know: RabbitMQ 4.2.6 and 4.3.0 tell only who may configure it.
    """
    counts: list[int | None] = []
    inbox: Inbox = SimpleQueue()

    def ask(link: Link, channel: Channel) -> None:
        def answered(frame: Any) -> None:  # noqa: ANN401 -- pika's frames
            counts.append(frame.method.message_count)
            link.opened()

        counts.append(None)  # logged in: what may be refused from now on is the question
        channel.queue_declare(queue, passive=True, callback=answered)

    try:
        link = dial(settings, inbox, ask, seconds=FIRST_SECONDS, again=False, note=note, stop=stop)
    except AccessRefused:
        if not counts:
            raise
        return None
    link.close()
    return counts[-1]
