"""Archives: streams that keep every event, and what they don't keep of a message."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from medtrack_cli.core.delivery import Delivery, Single, Whole, content_of
from medtrack_cli.core.times import named_time
from medtrack_cli.events.json_text import value_of

PROBE_PREFIX = "medtrack.tap.probe."  # who may listen may make one
LEFT_OVER_SECONDS = 600
"""A probe takes seconds; an older one was left by a run that was killed."""

_PROBE = re.compile(rf"{re.escape(PROBE_PREFIX)}([0-9]{{1,12}})\.[0-9a-f]{{16}}")


class Fate(StrEnum):
    """What becomes of a header in a stream."""

    KEPT = "kept"
    CHANGED = "changed"  # it has another AMQP type
    DROPPED = "dropped"
    REFUSED = "refused"  # the whole message is, by a nack
    CLOSES = "closes"  # the broker closes the connection of whoever publishes it


Fates = Mapping[str, Fate]
"""By the names of AMQP's types, and of what is special among their values."""

SAMPLES: Mapping[str, object] = {
    "boolean": True,
    "int8": Whole(-1, "int8"),
    "uint8": Whole(1, "uint8"),
    "int16": Whole(-1, "int16"),
    "uint16": Whole(1, "uint16"),
    "int32": -1,
    "uint32": Whole(1, "uint32"),
    "int64": 2**40,
    "float": Single(1.5),
    "double": 1.5,
    "timestamp": datetime(2025, 1, 15, 10, tzinfo=UTC),
    "string": "é",
    "long string": "x" * 70_000,
    "bytes": b"\x00\xff",
    "void": None,
    "table": {"a": 1},
    "array": [1],
    "decimal": Decimal("1.5"),
}
"""A value of each type that a header can have."""


def fate(name: str, headers: Mapping[str, Any]) -> Fate:
    """Say what became of the sample of a type, by the headers that came out of the stream."""
    if name not in headers:
        return Fate.DROPPED
    sent, came = SAMPLES[name], headers[name]
    kinds = [(type(each), getattr(each, "amqp", None)) for each in (sent, came)]
    return Fate.KEPT if sent == came and kinds[0] == kinds[1] else Fate.CHANGED


def with_fate(fates: Fates, *wanted: Fate) -> list[str]:
    """List the types that a fate has befallen."""
    return [name for name, each in fates.items() if each in wanted]


def probe_name(now: datetime, chance: str) -> str:
    """Name a probe so that it shows how old it is."""
    return f"{PROBE_PREFIX}{now.timestamp():.0f}.{chance}"


def left_over(names: Iterable[str], now: datetime) -> list[str]:
    """List the probes among the names of queues that a killed run has left."""
    probes = ((name, _PROBE.fullmatch(name)) for name in names)
    before = now.timestamp() - LEFT_OVER_SECONDS
    return [name for name, match in probes if match and int(match[1]) < before]


class Edge(NamedTuple):
    """The first or the last message of a stream; its time is the event's own, as it says it."""

    offset: int
    timestamp: str | None


class Archive(NamedTuple):
    """A stream as it is now. What nobody has told is None: it isn't 0.

    RabbitMQ counts messages every five seconds, and its own records among them. An empty stream
    has no edges, and neither has one that could not be read.
    """

    name: str
    messages: int | None = None
    max_age: str | None = None  # as RabbitMQ writes it
    max_bytes: int | None = None
    bindings: tuple[str, ...] | None = None  # the routing keys from our exchange
    leader: str | None = None
    replicas: tuple[str, ...] | None = None
    online: tuple[str, ...] | None = None
    first: Edge | None = None
    last: Edge | None = None


def edge_of(delivery: Delivery) -> Edge:
    """Say where a delivery stands, and what time its event names."""
    return Edge(delivery.offset, named_time(value_of(content_of(delivery)[0])))
