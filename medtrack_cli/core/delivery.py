"""A received message, as on the wire, and its body: decompressed if its encoding says how."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.events.findings import Problem, Rule
from medtrack_cli.events.json_text import MAX_BODY

ORIGINAL_KEY_HEADER = "x-medtrack-original-key"
"""The header of what medtrack sent to a queue alone: the key of its first publication."""

WHOLE_TYPES = frozenset(
    {"int8", "uint8", "int16", "uint16", "uint32", "int64", "long-long", "timestamp"}
)
# Programs put the character set there, too; whether it is UTF-8 shows in the body's check.
_PLAIN = frozenset({"", "identity", "utf-8", "utf8", "us-ascii", "ascii", "binary", "8bit"})
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_FORMATS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}


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


@dataclass(slots=True)  # a frozen one takes twice as long to make
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
    def deliveries(self) -> int:
        """How often a quorum queue has delivered it in vain, by the queue's own header."""
        count = self.headers.get("x-delivery-count", 0)
        return count if isinstance(count, int) else 0

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
        deaths = self.headers.get("x-death")
        if not isinstance(deaths, list):
            return ()
        first = [self.headers.get(f"x-first-death-{name}") for name in ("queue", "reason")]
        for death in deaths if None not in first else ():
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


class Content(NamedTuple):
    """A body from which text can be made. With an error in `problem` it is as received."""

    body: bytes
    problem: Problem | None = None


def content_of(delivery: Delivery) -> Content:
    """Decompress a body by its content_encoding, up to the largest size of an event."""
    named = delivery.properties.get("content_encoding")
    if named is None:
        return Content(delivery.body)
    name = named.strip().lower() if isinstance(named, str) else ""
    if name in _PLAIN:
        return Content(delivery.body)
    if name not in _FORMATS:
        message = "the body's content_encoding isn't one that is read: it is checked as it came"
        return Content(delivery.body, Problem(Rule.UNREAD_ENCODING, (), message))
    for form in _FORMATS[name]:
        try:
            body = _decompressed(delivery.body, form)
        except zlib.error:
            continue
        if len(body) > MAX_BODY:
            message = f"the event is larger than {MAX_BODY} bytes when decompressed"
            return Content(delivery.body, Problem(Rule.TOO_LARGE, 0, message))
        return Content(body)
    message = f"the body can't be read as {name}, which its content_encoding says it is"
    return Content(delivery.body, Problem(Rule.BAD_ENCODING, 0, message))


def _decompressed(body: bytes, form: int) -> bytes:
    """Decompress all members, at most one byte beyond the limit; zlib.error when damaged."""
    whole = bytearray()
    rest = body
    while len(whole) <= MAX_BODY:
        reader = zlib.decompressobj(form)
        whole += reader.decompress(rest, MAX_BODY + 1 - len(whole))
        if len(whole) > MAX_BODY:
            break
        if not reader.eof:
            raise zlib.error("cut off")
        if not (rest := reader.unused_data):
            break
        if form != _GZIP:
            raise zlib.error("something follows")
    return bytes(whole)
