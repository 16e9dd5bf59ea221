"""Peek: show what waits in a queue, and leave it there."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.checked import examine
from medtrack_cli.core.conditions import Answer, Condition, judge
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.listen import Sink
from medtrack_cli.core.ports import Clock, Consumer, Interrupted, Stop
from medtrack_cli.errors import BrokerUnreachable, EventsGone
from medtrack_cli.events.registry import Registry

IDLE_SECONDS = 2.0
"""After this long without a delivery no more come: somebody else has them."""


class Peeked(NamedTuple):
    """How many were seen and shown; how many of them had no delivery left, and are dropped."""

    seen: int
    shown: int
    spent: int


def peek(  # noqa: PLR0913 -- one parameter a decision of the caller
    consumer: Consumer,
    sink: Sink,
    most: int,
    stop: Stop,
    clock: Clock,
    *,
    registry: Registry | None = None,
    condition: Condition | None = None,
    limit: int | None = None,
) -> Peeked:
    """Show up to a number of deliveries, then leave all of them to the broker.

    With a delivery `limit` they are given back, once nothing more comes to us. Without one nothing
    is: a quorum queue of RabbitMQ 3 would put it at its end (measured: 3.10.8), but keeps messages
    in place that are held when the connection ends. BrokerUnreachable when that is lost.
    """
    held: list[Delivery] = []
    shown = 0
    try:
        for batch in _batches(consumer, most, stop, clock):
            held += batch
            for delivery in batch:
                seen = examine(delivery, registry)
                if judge(seen, condition) is Answer.YES:
                    sink.write(seen)
                    shown += 1
            sink.flush()
    finally:
        if limit is not None:
            consumer.leave([each.token for each in held])
    spent = sum(limit is not None and each.deliveries >= limit for each in held)
    return Peeked(len(held), shown, spent)


def _batches(consumer: Consumer, most: int, stop: Stop, clock: Clock) -> Iterator[list[Delivery]]:
    """Yield deliveries until there are enough or no more come."""
    taken, until = 0, clock.monotonic() + IDLE_SECONDS
    for happening in consumer.deliveries():
        if isinstance(happening, Interrupted):
            what = f"the connection was lost ({happening.reason})"
            hint = "what was looked at is back in the queue; that counts as a delivery"
            raise BrokerUnreachable(what, hint=hint)
        if isinstance(happening, EventsGone):
            raise happening
        if happening and isinstance(happening, list):
            yield happening[: most - taken]  # a stream delivers whole chunks
            taken += len(happening)
            until = clock.monotonic() + IDLE_SECONDS
        if taken >= most or stop.is_requested or clock.monotonic() >= until:
            return
