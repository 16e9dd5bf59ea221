"""What waits in a queue: looked at, and put back."""

from contextlib import closing, nullcontext
from pathlib import Path
from uuid import uuid4

from medtrack_cli.core.conditions import Condition
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.listen import Watched, tee
from medtrack_cli.core.listening.peek import Peeked, peek
from medtrack_cli.core.listening.sources import Queue
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import PublishPolicy, Retry, Stop
from medtrack_cli.errors import MedtrackError, UsageError
from medtrack_cli.runtime import Runtime

_DIED = "x-delivery-count"  # counted anew for a copy


def look(  # noqa: PLR0913 -- the options of a peek
    runtime: Runtime,
    name: str,
    most: int,
    condition: Condition | None,
    record: Path | None,
    *,
    body: bool,
    reveal: bool,
) -> tuple[Peeked, int | None]:
    """Show up to so many messages of a queue, and give them back; tell its limit of deliveries.

    The limit is read first: without the management API nothing is looked at.
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
        if kind == "stream":
            hint = "`medtrack listen PATTERN` shows what is published from now on"
            raise UsageError("a stream gives nothing back: it isn't peeked", name, hint=hint)
        if consumers:
            printer.warning(f"{consumers:,} others consume from {name}: what they have isn't seen")
        watched = Watched(
            *(settings, Queue(name, min(most, ready) or 1), runtime.world.clock, stop),
            body=body,
            reveal=reveal,
            is_live=False,
        )
        if not ready:
            return Peeked(0, 0, 0, 0), limit
        keep = recorder(runtime, record, rotate=None, include_replays=True) if record else None
        with (
            closing(keep) if keep else nullcontext(),
            printer.deliveries(watched) as shown,
            runtime.world.open_consumer(
                settings, watched.source, printer.note, stop, Retry()
            ) as consumer,
        ):
            return peek(
                *(consumer, tee([shown, *([keep] if keep else [])]), min(most, ready), stop),
                runtime.world.clock,
                registry=runtime.registry,
                condition=condition,
                limit=limit,
                rescue=lambda delivery: _copied_back(runtime, name, delivery),
            ), limit


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
