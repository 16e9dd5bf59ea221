"""What this broker's streams do with headers, tested in a stream of our own.

Each header for which the broker closes a connection costs one of ours, and none that is kept.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from pika import BasicProperties, spec
from pika.channel import Channel

from medtrack_cli.broker.amqp.deliveries import Arrival, consume
from medtrack_cli.broker.amqp.dialer import Answered, request, try_once
from medtrack_cli.broker.amqp.errors import CONNECTION_FORCED
from medtrack_cli.broker.amqp.link import Inbox, Link
from medtrack_cli.broker.patience import FIRST_SECONDS
from medtrack_cli.core.archive import SAMPLES, Fate, Fates, fate
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import Note, Stop

_MOST_BYTES = 10**6  # of the probe's stream: no more than one segment


def probe_stream(settings: ConnectionSettings, name: str, note: Note, stop: Stop) -> Fates:
    """Send each header to a stream of this name, read it, and delete what was created for it."""
    with _made(settings, name, note, stop) as at:
        sent = _send(at, name, stop)
        came = _read(at, name, [type_ for type_ in sent if sent[type_] is Fate.KEPT], note, stop)
    return {type_: fate(type_, came[type_]) if type_ in came else sent[type_] for type_ in SAMPLES}


def delete_probes(
    settings: ConnectionSettings, names: Sequence[str], note: Note, stop: Stop
) -> None:
    """Delete the streams and exchanges of probes; RabbitMQ ignores missing ones."""

    def ask(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
        for name in names:
            channel.queue_delete(name)
            channel.exchange_delete(name)
        channel.basic_qos(prefetch_count=0, callback=answered)

    request(settings, ask, note, stop)


@contextmanager
def _made(
    settings: ConnectionSettings, name: str, note: Note, stop: Stop
) -> Iterator[ConnectionSettings]:
    """Create an exchange and a stream bound to it, and delete both; yield the host's settings."""

    def ask(link: Link, channel: Channel, answered: Answered[Any]) -> None:
        arguments = {"x-queue-type": "stream", "x-max-length-bytes": _MOST_BYTES}
        channel.exchange_declare(name, "fanout", auto_delete=True)
        channel.queue_declare(name, durable=True, arguments=arguments)
        channel.queue_bind(name, name, callback=lambda _frame: answered(link.host))

    try:
        host = request(settings, ask, note, stop)
        yield replace(settings, hosts=(host,))
    finally:
        delete_probes(settings, [name], note, Stop())


def _send(settings: ConnectionSettings, name: str, stop: Stop) -> dict[str, Fate]:
    """Publish one after the other; on another connection after one that was closed."""
    sent: dict[str, Fate] = {}
    while left := [each for each in SAMPLES if each not in sent]:
        inbox: Inbox = SimpleQueue()
        link = Link(settings, settings.hosts[0], inbox, _publishing(name, left, sent))
        outcome = try_once(link, inbox, time.monotonic() + FIRST_SECONDS, stop)
        if isinstance(outcome, Link):
            link.close()
            continue
        if outcome.code in {None, CONNECTION_FORCED} or outcome.refuses:
            raise outcome.error
        sent[next(each for each in left if each not in sent)] = Fate.CLOSES
    return sent


def _publishing(name: str, left: Sequence[str], sent: dict[str, Fate]) -> Any:  # noqa: ANN401 -- a Setup
    """Make what publishes each when the one before is answered."""

    def set_up(link: Link, channel: Channel) -> None:
        types = iter(left)
        current = ""

        def publish(_frame: object) -> None:
            nonlocal current
            current = next(types, "")
            if not current:
                link.opened()
                return
            headers: Any = {current: SAMPLES[current]}
            properties = BasicProperties(headers=headers)
            channel.basic_publish(name, current, b"", properties)

        def answered(frame: Any) -> None:  # noqa: ANN401 -- pika's frame of Ack or Nack
            is_ack = isinstance(frame.method, spec.Basic.Ack)
            sent[current] = Fate.KEPT if is_ack else Fate.REFUSED
            publish(frame)

        channel.confirm_delivery(answered, callback=publish)

    return set_up


def _read(
    settings: ConnectionSettings, name: str, wanted: Sequence[str], note: Note, stop: Stop
) -> Mapping[str, Mapping[str, Any]]:
    """Read the messages' headers from the stream, by their routing keys."""
    came: dict[str, Mapping[str, Any]] = {}

    def ask(_link: Link, channel: Channel, answered: Answered[None]) -> None:
        def arrived(arrivals: list[Arrival]) -> None:
            came.update((each.routing_key, each.headers) for _, each, _ in arrivals)
            if len(came) == len(wanted):
                answered(None)

        channel.basic_qos(prefetch_count=len(SAMPLES))
        consume(channel, name, arrived, arguments={"x-stream-offset": "first"})

    if wanted:
        request(settings, ask, note, stop)
    return came
