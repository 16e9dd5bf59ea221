"""The queues that medtrack declares, and its requests about those of others."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pika.channel import Channel

from medtrack_cli.broker.amqp.dialer import Answered, count_waiting, request
from medtrack_cli.broker.amqp.link import Link, Setup
from medtrack_cli.broker.failure import Failure
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.listening.sources import Source
from medtrack_cli.core.ports import Note, Stop
from medtrack_cli.core.queues import Declared
from medtrack_cli.errors import AccessRefused, TopologyError, UsageError

Step = Callable[..., object]
"""A request to the broker that takes a `callback` for its answer."""


_STREAMS_SINCE = (3, 9)  # older ones have none, and accept whatever a consumer wants


def declaring(
    source: Source, queue: str, exchange: str, channel: Channel, *, creates: bool
) -> Iterator[Step]:
    """Declare and bind a source's own queue; unless it `creates`, the queue must still exist."""
    declared = source.declaration(version(channel))
    if declared is None:
        return
    yield partial(
        channel.queue_declare,
        queue,
        passive=not creates,
        durable=declared.durable,
        exclusive=declared.exclusive,
        arguments=dict(declared.arguments),
    )
    for pattern in source.patterns:
        yield partial(channel.queue_bind, queue, exchange, pattern)


def version(channel: Channel) -> tuple[int, int]:
    """Read the broker's version from its properties; (0, 0) if unreadable."""
    told = re.match(r"([0-9]{1,9})\.([0-9]{1,9})", str(server_properties(channel).get("version")))
    return (int(told[1]), int(told[2])) if told else (0, 0)


def server_properties(channel: Channel) -> Mapping[str, Any]:
    """Give the broker's properties."""
    return channel.connection.server_properties or {}


def unless_stream(link: Link, channel: Channel, queue: str, go_on: Setup) -> None:
    """Continue if a queue is no stream; else end the link with UsageError. On the I/O thread.

    Queues of other types refuse a consumer that wants an offset (406), and give it nothing. That
    costs the channel, so `go_on` gets another; any other refusal, it meets again.
    """

    def consume() -> None:
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(
            queue,
            lambda *_: None,
            arguments={"x-stream-offset": "next"},
            callback=lambda _frame: link.fail(_is_stream(link, queue)),
        )

    product = server_properties(channel).get("product")
    if product == "RabbitMQ" and version(channel) >= _STREAMS_SINCE:
        link.ask(consume, go_on)
    else:
        go_on(link, channel)


def _is_stream(link: Link, queue: str) -> Failure:
    name = without_secrets(queue, link.settings)
    what = f"queue {name!r} is a stream, and nothing can be taken out of one"
    hint = "--from-stream, of `listen`, `stats` and `replay`, reads what it holds, and leaves it"
    return Failure(UsageError(what, link.settings.describe(), hint=hint), heals=False)


def standing(settings: ConnectionSettings, queue: str, note: Note, stop: Stop) -> tuple[int, int]:
    """Count a queue's messages that are ready, and its consumers, by a passive declare.

    TopologyError when there is none of that name.
    """

    def ask(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
        channel.queue_declare(queue, passive=True, callback=answered)

    found = request(settings, ask, note, stop).method
    return found.message_count, found.consumer_count


def declare_queue(
    settings: ConnectionSettings, queue: Declared, patterns: Sequence[str], note: Note, stop: Stop
) -> None:
    """Declare a durable queue, if there is none, and bind it; TopologyError where it differs."""

    def ask(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
        channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        for pattern in patterns:
            channel.queue_bind(queue.name, settings.exchange, pattern)
        channel.basic_qos(prefetch_count=0, callback=answered)  # after all of that

    request(settings, ask, note, stop)


def delete_queue(settings: ConnectionSettings, queue: Declared, note: Note, stop: Stop) -> None:
    """Delete a queue with what it holds; TopologyError if it is declared otherwise, or consumed."""

    def ask(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
        channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        channel.queue_delete(queue.name, if_unused=True, callback=answered)

    request(settings, ask, note, stop)


def exchange_exists(settings: ConnectionSettings, name: str, note: Note, stop: Stop) -> bool:
    """Return whether an exchange of that name exists, by a passive declare."""

    def ask(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
        channel.exchange_declare(name, passive=True, callback=answered)

    try:
        request(settings, ask, note, stop)
    except TopologyError:
        return False
    return True


def waiting(settings: ConnectionSettings, queue: str, note: Note, stop: Stop) -> int | None:
    """Count the messages that wait in a queue; TopologyError when there is none of that name.

    UsageError when it is a stream. None if we may not know: RabbitMQ 4.2.6 and 4.3.0 tell only
    users who may configure it.
    """
    is_logged_in = False

    def ask(link: Link, channel: Channel, answered: Answered[int]) -> None:
        nonlocal is_logged_in
        is_logged_in = True  # what may be refused from now on is the question

        def count(_link: Link, channel: Channel) -> None:
            count_waiting(channel, queue, answered)

        unless_stream(link, channel, queue, count)

    try:
        return request(settings, ask, note, stop)
    except AccessRefused:
        if not is_logged_in:
            raise
        return None
