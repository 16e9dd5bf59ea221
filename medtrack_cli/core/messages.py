"""What is sent, and the verdict on it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from medtrack_cli.events.findings import Finding
from medtrack_cli.events.json_text import MAX_BODY

if TYPE_CHECKING:
    from medtrack_cli.core.delivery import Delivery

PLAIN_PROPERTIES: Mapping[str, Any] = {"content_type": "application/json", "delivery_mode": 2}
"""Those of a persistent JSON message."""


class Outcome(StrEnum):
    """The verdict on one event of the input. Every event gets exactly one."""

    CONFIRMED = "confirmed"  # the broker has taken responsibility for it
    UNROUTABLE = "unroutable"  # returned: no queue matched it
    REFUSED = "refused"  # the broker nacked it
    UNKNOWN = "unknown"  # sent, but no answer came
    INVALID = "invalid"  # never sent: it has findings
    UNSENT = "unsent"  # never sent: the run ended before


GOT_OUT = frozenset({Outcome.CONFIRMED, Outcome.UNROUTABLE, Outcome.UNKNOWN})
"""The outcomes of an event that reached the broker, or may have."""


class Message(NamedTuple):
    """An event ready to be sent.

    `position` counts the input's events from 1. `message_id` is fixed before the first attempt, so
    that every copy of the event has the same. `properties` and `headers` are as in Delivery; None
    stands for a persistent JSON message with only its id. `findings` are its warnings. `exchange`
    is used instead of the configured one; empty: the default exchange, which knows each queue by
    its name. `paced_by` is its recorded delivery, if that determines when it is due. With
    `is_valid` False the event is sent as it was. `is_checked`: AMQP can surely carry it.
    """

    position: int
    file: str
    line: int
    event_type: str | None
    routing_key: str
    message_id: str
    body: bytes
    properties: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    exchange: str | None = None
    paced_by: "Delivery | None" = None
    is_valid: bool = True
    is_checked: bool = False

    def receipt(self, outcome: Outcome, reason: str = "") -> "Receipt":
        return Receipt(
            self.position,
            self.file,
            self.line,
            self.event_type,
            self.message_id,
            outcome,
            reason,
            self.findings,
            self.routing_key,
            self.is_valid,
            self.exchange == "",  # as `is_to_queue`, without a call
        )

    @property
    def is_to_queue(self) -> bool:
        """Whether it goes to one queue alone, whose name is the routing key."""
        return self.exchange == ""


class Receipt(NamedTuple):
    """The verdict on one event; `reason` says why it isn't `confirmed`.

    An invalid event has its findings, a sent one its warnings. `routing_key` is the one used, or
    the name of the target queue; None where no message was made. With `was_valid` False it was sent
    although it was invalid.
    """

    position: int
    file: str
    line: int
    event_type: str | None
    message_id: str | None
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    routing_key: str | None = None
    was_valid: bool = True
    is_to_queue: bool = False


def beyond_limits(message: Message) -> str | None:
    """Say why no broker accepts a message; None where one may. RabbitMQ's API doesn't check."""
    key = message.routing_key
    if not key.isascii() and any("\ud800" <= each <= "\udfff" for each in key):
        return "the routing key is no text: it holds half of a surrogate pair"
    if len(key) > 63 and len(key.encode()) > 255:
        return "the routing key is longer than AMQP's 255 bytes"
    if len(message.body) > MAX_BODY:
        return "the body is larger than 16 MiB"
    return None
