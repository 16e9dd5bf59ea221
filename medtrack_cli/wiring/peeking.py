"""What waits in a queue: looked at, and put back."""

from contextlib import closing, nullcontext
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from medtrack_cli.core.conditions import Condition
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.listen import Watched, tee
from medtrack_cli.core.listening.peek import Peeked, peek
from medtrack_cli.core.listening.sources import Queue, Source, Stream
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import PublishPolicy, Retry, Stop
from medtrack_cli.errors import MedtrackError, UsageError
from medtrack_cli.runtime import Runtime


class Look(NamedTuple):
    """What a look has come to; a queue's limit of deliveries, and its type."""

    peeked: Peeked
    limit: int | None
    kind: str


_DIED = "x-delivery-count"  # counted anew for a copy


def look(  # noqa: PLR0913, PLR0917 -- the options of a peek
    runtime: Runtime,
    name: str,
    most: int,
    condition: Condition | None,
    record: Path | None,
    offset: str | None,
    *,
    body: bool,
    reveal: bool,
) -> Look:
    """Show up to so many messages of a queue, and give them back; tell its limit of deliveries.

    The limit is read first: without the management API nothing is looked at. A stream is read
    from an offset on.
    """
    from medtrack_cli.broker.amqp.taps import standing
    from medtrack_cli.broker.management.client import Unanswered
    from medtrack_cli.broker.management.queues import delivery_limit
    from medtrack_cli.wiring.recordings import recorder

    settings, printer = runtime.connection, runtime.printer
    with runtime.world.stop_on_signals() as stop:
        ready, consumers = standing(settings, name, lambda _text: None, stop)
        try:
            kind, limit = delivery_limit(settings, name)
        except Unanswered as error:
            raise error.fatal(settings) from None
        source: Source = Stream(name, _offset(offset or "first"))
        if kind != "stream":
            if offset is not None:
                raise UsageError("--offset is of streams", f"{name} is a {kind} queue")
            most, source = min(most, ready), Queue(name, min(most, ready) or 1)
            if consumers:
                others = f"{consumers:,} others consume from {name}"
                printer.warning(f"{others}: what they have isn't seen")
        if not most:
            return Look(Peeked(0, 0, 0, 0), limit, kind)
        watched = Watched(
            *(settings, source, runtime.world.clock, stop),
            body=body,
            reveal=reveal,
            is_live=False,
        )
        keep = recorder(runtime, record, rotate=None, include_replays=True) if record else None
        with (
            closing(keep) if keep else nullcontext(),
            printer.deliveries(watched) as shown,
            runtime.world.open_consumer(
                settings, watched.source, printer.note, stop, Retry()
            ) as consumer,
        ):
            peeked = peek(
                *(consumer, tee([shown, *([keep] if keep else [])]), most, stop),
                runtime.world.clock,
                registry=runtime.registry,
                condition=condition,
                limit=limit,
                rescue=lambda delivery: _copied_back(runtime, name, delivery),
            )
            return Look(peeked, limit, kind)


def _offset(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _copied_back(runtime: Runtime, queue: str, delivery: Delivery) -> bool:
    """Put a copy at the end of the queue; tell whether the broker has it for certain."""
    message = Message(
        *(1, queue, 1, None, queue),
        delivery.message_id or str(uuid4()),
        delivery.body,
        delivery.properties,
        {name: value for name, value in delivery.headers.items() if name != _DIED},
        exchange="",
    )
    try:
        with runtime.world.open_publisher(
            runtime.connection, PublishPolicy(timeout=10), lambda _text: None, Stop()
        ) as publisher:
            (receipt,) = publisher.publish([message])
    except MedtrackError:
        return False
    return receipt.outcome is Outcome.CONFIRMED
