"""What waits where: the broker's queues, selected, sorted, compared, waited for."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from medtrack_cli.errors import UsageError


class QueueState(NamedTuple):
    """A queue now. What is unknown is None, and not 0.

    Rates are messages a second. `bindings` are the routing keys from our exchange.
    """

    name: str
    type: str | None = None
    state: str | None = None
    ready: int | None = None
    unacked: int | None = None
    consumers: int | None = None
    publish_rate: float | None = None
    deliver_rate: float | None = None
    dead_letter: str | None = None  # the exchange
    bindings: tuple[str, ...] | None = None


NUMBERS = ("ready", "unacked", "consumers", "publish_rate", "deliver_rate")
"""The fields to sort by and to wait for."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(rf" *([a-z_]+) *({'|'.join(_COMPARE)}) *([0-9]+(?:\.[0-9]+)?) *")

_LEAST, _MOST = 10**6, 5 * 10**8
"""Bytes of a stream's segment; RabbitMQ's default is the most."""


class Declared(Protocol):
    """A durable queue, as AMQP's queue.declare takes it."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, object]: ...


class NewQueue(NamedTuple):
    """A durable queue to be declared; `ttl` in seconds."""

    name: str
    type: str
    dead_letter: str | None = None  # the exchange
    max_length: int | None = None
    ttl: float | None = None
    delivery_limit: int | None = None
    max_age: int | None = None  # of a stream's messages, in seconds
    max_bytes: int | None = None

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments of AMQP's queue.declare; what isn't given is left to the broker."""
        ttl = None if self.ttl is None else round(self.ttl * 1000)
        values = {
            "x-queue-type": self.type,
            "x-dead-letter-exchange": self.dead_letter,
            "x-max-length": self.max_length,
            "x-message-ttl": ttl,
            "x-delivery-limit": self.delivery_limit,
            "x-max-age": None if self.max_age is None else in_units(self.max_age),
            "x-max-length-bytes": self.max_bytes,
            "x-stream-max-segment-size-bytes": self.segment_bytes,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def segment_bytes(self) -> int | None:
        """How large a stream's segments are: only whole ones are dropped, never the last one."""
        return self.max_bytes and min(_MOST, max(_LEAST, self.max_bytes // 100))


def in_units(seconds: int) -> str:
    """Write a time as `x-max-age` takes it, and as people do: 30D, 36h."""
    number, unit = next(
        (seconds // size, unit)
        for unit, size in (("D", 86400), ("h", 3600), ("m", 60), ("s", 1))
        if seconds % size == 0
    )
    return f"{number}{unit}"


class Condition(NamedTuple):
    """A queue's state that is waited for: a field, an operator, a number."""

    field: str
    compare: str
    number: float

    def holds(self, queue: QueueState) -> bool:
        """Return whether a queue meets it; unknown values don't."""
        value = getattr(queue, self.field)
        return value is not None and _COMPARE[self.compare](value, self.number)

    def __str__(self) -> str:
        return f"{self.field}{self.compare}{self.number:g}"


def condition(text: str) -> Condition:
    """Read `ready==0`; UsageError with the form for anything else."""
    found = _CONDITION.fullmatch(text)
    if not found or found[1] not in NUMBERS:
        known = ", ".join(NUMBERS)
        hint = f"such as 'ready==0'; fields: {known}; for a time --timeout 10m"
        raise UsageError("--until has the form FIELD OP NUMBER", text, hint=hint)
    return Condition(found[1], found[2], float(found[3]))


def is_name(pattern: str) -> bool:
    """Return whether a pattern can match only one queue's name."""
    return not any(each in pattern for each in "*?[")


def chosen(
    queues: Iterable[QueueState],
    pattern: str | None = None,
    *,
    min_ready: int = 0,
    bound: bool = False,
    sort: str = "name",
) -> list[QueueState]:
    """Select by a glob, by what waits, by a binding; numbers are sorted greatest first.

    What is unknown meets no minimum, and comes last.
    """
    kept = (
        each
        for each in queues
        if (pattern is None or each.name == pattern or fnmatchcase(each.name, pattern))
        and (not min_ready or (each.ready or 0) >= min_ready)
        and (not bound or each.bindings)
    )
    by_name = sorted(kept, key=lambda each: each.name)
    if sort == "name":
        return by_name

    def least_last(queue: QueueState) -> float:
        number = getattr(queue, sort)
        return 1 if number is None else -number

    return sorted(by_name, key=least_last)
