"""Peek: see what waits in a queue, and put it back where it was."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from medtrack_cli.core.checked import examine
from medtrack_cli.core.conditions import Answer, Condition, judge
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.listen import Sink
from medtrack_cli.core.ports import Clock, Consumer, Interrupted, Stop
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.events.registry import Registry

IDLE_SECONDS = 2.0
"""Nothing more comes when nothing came for so long: somebody else has it."""

Rescue = Callable[[Delivery], bool]
"""Keeps a message that the broker would drop if it were given back; tells whether it could."""


class Peeked(NamedTuple):
    """How many were seen and shown; how many were rescued, and how many couldn't be."""

    seen: int
    shown: int
    rescued: int
    lost: int


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
    rescue: Rescue,
) -> Peeked:
    """Show up to so many deliveries, then give all of them back, whatever happens.

    With a `limit` of deliveries, one that has reached it is rescued and acknowledged: given back
    it would be dropped. Without one nothing is given back: a quorum queue of RabbitMQ 3 would put
    it at its end (measured: 3.10.8), but has in their places what is held when the connection
    ends. BrokerUnreachable when the connection is lost: the broker has put back
    what was taken.
    """
    held: list[Delivery] = []
    shown = rescued = lost = 0
    try:
        for batch in _batches(consumer, most, stop, clock):
            held += batch
            for delivery in batch:
                seen = examine(delivery, registry)
                if judge(seen, condition) is Answer.YES:
                    sink.write(seen)
                    shown += 1
            sink.flush()
    except BrokerUnreachable:
        held.clear()
        raise
    finally:
        for delivery in [each for each in held if _is_spent(each, limit)]:
            is_kept = rescue(delivery)
            rescued, lost = rescued + is_kept, lost + (not is_kept)
            if is_kept:
                consumer.acknowledge([delivery.token])
                held.remove(delivery)
        if limit is not None:
            consumer.leave([each.token for each in held])
    return Peeked(len(held) + rescued, shown, rescued, lost)


def _batches(consumer: Consumer, most: int, stop: Stop, clock: Clock) -> Iterator[list[Delivery]]:
    """Yield what comes, until it is so many or nothing more comes."""
    taken, until = 0, clock.monotonic() + IDLE_SECONDS
    for happening in consumer.deliveries():
        if isinstance(happening, Interrupted):
            what = f"the connection was lost ({happening.reason})"
            hint = "the broker has put back what was taken; that counts as a delivery"
            raise BrokerUnreachable(what, hint=hint)
        if happening and isinstance(happening, list):
            yield happening[: most - taken]  # a stream gives whole chunks
            taken += len(happening)
            until = clock.monotonic() + IDLE_SECONDS
        if taken >= most or stop.is_requested or clock.monotonic() >= until:
            return


def deliveries_of(delivery: Delivery) -> int:
    """Count how often a quorum queue has delivered a message in vain, as it says itself."""
    count = delivery.headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


def _is_spent(delivery: Delivery, limit: int | None) -> bool:
    return limit is not None and deliveries_of(delivery) >= limit
