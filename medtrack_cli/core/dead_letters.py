"""Where recorded deliveries are sent again, dead letters above all."""

from typing import Any, NamedTuple

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import To
from medtrack_cli.errors import UsageError

# x-death is interpreted on publish by RabbitMQ 3 (its release notes for 4.0.1).
STRIPPED_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")

DEFAULT_EXCHANGE = ""  # it knows each queue by its name

_COPIES = "CC"  # a broker that gives a dead letter another key takes it away
SENDERS_COPIES = frozenset({_COPIES, "BCC"})
"""Headers in which the sender names more routing keys."""


class Way(NamedTuple):
    """An exchange (None: the configured one), the routing key, and headers that lead further."""

    exchange: str | None
    routing_key: str
    headers: dict[str, Any]


def is_astray(delivery: Delivery, to: To | None) -> bool:
    """Tell whether nobody has said where a dead letter goes that came under another key."""
    return to is None and delivery.published_key != delivery.routing_key


class Astray(UsageError):
    """Such dead letters: how many, where the first one is, and the command that came upon them."""

    def __init__(self, count: int, place: str, command: str) -> None:
        letters = "dead letter" if count == 1 else "dead letters"
        hint = (
            f"`{command} --to exchange` sends each as it was first published, "
            f"`{command} --to queue` to the queue it died in"
        )
        super().__init__(f"{count:,} recorded {letters}, and no word where to", place, hint=hint)
        self._known = count, place, command

    def one_more(self) -> "Astray":
        """Count another one."""
        count, place, command = self._known
        return Astray(count + 1, place, command)


def way(delivery: Delivery, to: To | None) -> Way:
    """Find where a delivery is sent: as it came, but for a dead letter that is sent `to`."""
    headers = {
        name: value
        for name, value in delivery.headers.items()
        if not name.startswith(STRIPPED_HEADERS)
    }
    queue = delivery.headers.get("x-first-death-queue")
    if to is To.QUEUE and isinstance(queue, str):
        alone = {name: each for name, each in headers.items() if name not in SENDERS_COPIES}
        return Way(DEFAULT_EXCHANGE, queue, alone)
    if to is To.EXCHANGE and delivery.published_key != delivery.routing_key:
        key, *copies = delivery.published_keys
        return Way(None, key, {**headers, _COPIES: copies} if copies else headers)
    return Way(None, delivery.routing_key, headers)
