"""Dead letters: where and why they died, and where recorded ones are sent again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from medtrack_cli.core.bounded import BoundedCounts
from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.choices import To
from medtrack_cli.core.delivery import ORIGINAL_KEY_HEADER, Delivery
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import UsageError

# x-death is interpreted on publish by RabbitMQ 3 (its release notes for 4.0.1).
STRIPPED_HEADERS = (
    *("x-death", "x-first-death-", "x-last-death-", "x-delivery-count"),
    "x-stream-offset",  # of the stream it was read from
)

DEFAULT_EXCHANGE = ""  # it knows each queue by its name

_COPIES = "CC"  # a broker that changes a dead letter's key removes it
SENDERS_COPIES = frozenset({_COPIES, "BCC"})
"""Headers in which the sender names more routing keys."""

MOST_CAUSES = 100
MOST_IDS = 3


class Death(NamedTuple):
    """A message's first death: in which queue, why and when, and where it came from."""

    queue: str
    reason: str
    exchange: str | None
    at: datetime | None  # some shovels write no time


def first_death(delivery: Delivery) -> Death | None:
    """Read a message's first death; None if it has none, or none that can be read.

    The headers x-first-death-… name its entry of x-death; some brokers write no such headers, and
    then it is the last entry, which is the oldest.
    """
    deaths = delivery.headers.get("x-death")
    entries = (
        [each for each in deaths if isinstance(each, Mapping)] if isinstance(deaths, list) else []
    )
    named = [delivery.headers.get(f"x-first-death-{name}") for name in ("queue", "reason")]
    if None not in named:
        entries = [each for each in entries if [each.get("queue"), each.get("reason")] == named]
    if not entries:
        return None
    entry = entries[-1]
    queue, reason, exchange = (entry.get(name) for name in ("queue", "reason", "exchange"))
    if not (isinstance(queue, str) and queue and isinstance(reason, str)):
        return None
    at = entry.get("time")
    return Death(
        *(queue, reason, exchange if isinstance(exchange, str) else None),
        at if isinstance(at, datetime) else None,
    )


class Way(NamedTuple):
    """An exchange (None: the configured one), the routing key, and headers with further keys."""

    exchange: str | None
    routing_key: str
    headers: dict[str, Any]


def is_astray(delivery: Delivery, to: To | None) -> bool:
    """Return whether a dead letter came with another key, and no target was stated for it."""
    has_history = bool(delivery.headers)
    return to is None and has_history and delivery.published_key != delivery.routing_key


class Astray(UsageError):
    """Such dead letters: how many, where the first one is, and the command that found them."""

    def __init__(self, count: int, place: str, command: str) -> None:
        letters = "dead letter" if count == 1 else "dead letters"
        hint = (
            f"`{command} --to exchange` sends each as it was first published, "
            f"`{command} --to queue` to the queue it died in"
        )
        super().__init__(f"{count:,} recorded {letters} without a target", place, hint=hint)
        self._known = place, command

    def times(self, count: int) -> "Astray":
        return Astray(count, *self._known)


def way(delivery: Delivery, to: To | None, to_queue: str | None = None) -> Way:
    """Choose a delivery's target: as it came, except for a dead letter, which is sent `to`.

    With `to_queue` all are sent to that queue.
    """
    headers = {
        name: value
        for name, value in delivery.headers.items()
        if not name.startswith(STRIPPED_HEADERS)
    }
    if to is To.QUEUE and to_queue is None:
        to_queue = _home(delivery)
    if to_queue is not None:
        alone = {name: each for name, each in headers.items() if name not in SENDERS_COPIES}
        key = delivery.published_key
        return Way(DEFAULT_EXCHANGE, to_queue, {**alone, ORIGINAL_KEY_HEADER: key})
    if to is To.EXCHANGE and delivery.published_key != delivery.routing_key:
        key, *copies = delivery.published_keys
        return Way(None, key, {**headers, _COPIES: copies} if copies else headers)
    return Way(None, delivery.routing_key, headers)


def _home(delivery: Delivery) -> str | None:
    """Name the queue that a dead letter died in first; a stream keeps only that, and no x-death."""
    queue = delivery.headers.get("x-first-death-queue")
    if isinstance(queue, str):
        return queue
    death = first_death(delivery)
    return death.queue if death else None


class Cause(NamedTuple):
    """How dead letters are grouped."""

    queue: str
    reason: str
    event_type: str | None
    is_valid: bool


@dataclass(slots=True)
class Group:
    """The dead letters of one cause: how many, the times of death, and the first ids."""

    messages: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    ids: list[str] = field(default_factory=list)

    def add(self, death: Death, message_id: str | None) -> None:
        self.messages += 1
        if death.at is not None:
            self.oldest = min(self.oldest or death.at, death.at)
            self.newest = max(self.newest or death.at, death.at)
        if message_id is not None and len(self.ids) < MOST_IDS:
            self.ids.append(message_id)


class Deaths:
    """Dead letters by cause; causes beyond the first hundred are counted together."""

    def __init__(self) -> None:
        self._groups: BoundedCounts[Cause, Group] = BoundedCounts(MOST_CAUSES, Group)

    def add(self, death: Death, seen: CheckedDelivery) -> None:
        cause = Cause(death.queue, death.reason, seen.event_type, seen.is_valid)
        self._groups.of(cause).add(death, seen.delivery.message_id)

    def to_json(self) -> dict[str, Any]:
        """Give the groups, the largest first."""
        groups = sorted(self._groups.apart.items(), key=lambda pair: -pair[1].messages)
        return {
            "causes": [
                {
                    "queue": cause.queue,
                    "reason": cause.reason,
                    "event_type": cause.event_type,
                    "valid": cause.is_valid,
                    "messages": group.messages,
                    "oldest": group.oldest and rfc3339(group.oldest),
                    "newest": group.newest and rfc3339(group.newest),
                    "message_ids": group.ids,
                }
                for cause, group in groups
            ],
            "others": self._groups.others.messages,
        }
