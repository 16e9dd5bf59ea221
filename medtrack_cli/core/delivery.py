"""A received message, as on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.events.findings import Problem, Rule

ORIGINAL_KEY_HEADER = "x-medtrack-original-key"
"""The header of what medtrack sent to a queue alone: the key of its first publication."""

WHOLE_TYPES = frozenset(
    {"int8", "uint8", "int16", "uint16", "uint32", "int64", "long-long", "timestamp"}
)


class Whole(int):
    """An integer of another AMQP type than its value implies, one of WHOLE_TYPES.

    `int64` is one that would fit in 32 bits; a `timestamp` is one that no datetime can hold; a
    `long-long` has AMQP's letter L, which some read as signed and others as unsigned.
    """

    amqp: str

    def __new__(cls, value: int, amqp: str) -> Self:
        made = super().__new__(cls, value)
        made.amqp = amqp
        return made


class Single(float):
    """A floating-point number of 32 bits."""

    amqp = "float"


class LongString(bytes):
    """A text that isn't UTF-8."""

    amqp = "string"


class Nested(bytes):
    """A table or an array nested too deep to decode: its bytes on the wire."""

    amqp = "field"


class Several(list[Any]):
    """The values of equal names in a table, in order."""

    amqp = "several"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message, byte for byte.

    `properties` holds those of AMQP's basic properties that were set, by their AMQP names, without
    `headers`, which are separate. Values keep their AMQP types: int (of 32 bits where it fits),
    bool, str, bytes, float, Decimal, aware datetime (whole seconds), list, dict, None, or one of
    the classes above. `monotonic` is when it was received, in seconds that no change of the clock
    affects; their zero is arbitrary, but the same for all of one `clock` (empty: unknown). `origin`
    is where it was recorded, if known. `token` identifies it for the consumer that yielded it; it
    grows in the order of arrival.
    """

    received_at: datetime
    exchange: str
    routing_key: str
    redelivered: bool
    body: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    monotonic: float | None = None
    clock: str = field(default="", compare=False)
    origin: Origin | None = field(default=None, compare=False)
    token: int = field(default=0, compare=False)

    @property
    def message_id(self) -> str | None:
        """The id, if it is a text; AMQP allows any bytes."""
        value = self.properties.get("message_id")
        return value if isinstance(value, str) else None

    @property
    def offset(self) -> int:
        """Its place in the stream it was read from; -1: it comes from none."""
        offset = self.headers.get("x-stream-offset")
        return offset if isinstance(offset, int) else -1

    @property
    def published_key(self) -> str:
        """The routing key it was published with: for a dead letter, that of its first death."""
        return (*self.published_keys, self.routing_key)[0]

    @property
    def published_keys(self) -> tuple[str, ...]:
        """The keys a dead letter was published with: its own, and those of the header CC.

        A message sent to a queue alone has the queue's name in its death.
        """
        original = self.headers.get(ORIGINAL_KEY_HEADER)
        if isinstance(original, str):
            return (original,)
        first = [self.headers.get(f"x-first-death-{name}") for name in ("queue", "reason")]
        deaths = self.headers.get("x-death")
        for death in deaths if isinstance(deaths, list) and None not in first else ():
            if isinstance(death, Mapping) and [death.get("queue"), death.get("reason")] == first:
                keys = death.get("routing-keys")
                if not isinstance(keys, list) or any(not isinstance(key, str) for key in keys):
                    break
                return tuple(keys)
        return ()


def key_problem(delivery: object, event_type: str | None) -> Problem | None:
    """Report that a delivery's key isn't its event type; None for what is no delivery."""
    if not isinstance(delivery, Delivery) or event_type in {None, delivery.routing_key}:
        return None
    if event_type == delivery.published_key:
        return None
    message = "the routing key differs from event_type"
    return Problem(Rule.ROUTING_KEY_MISMATCH, ("event_type",), message)
