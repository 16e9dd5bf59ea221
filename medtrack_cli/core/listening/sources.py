"""Where deliveries come from: a source knows what it declares, how it consumes, its name.

A new kind of source is one class with the members of `Source`; no adapter asks which one it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, Self

if TYPE_CHECKING:  # every run loads this module
    from medtrack_cli.core.delivery import Delivery

EXPIRES_MS = 600_000  # a named tap without listeners
# A lost connection counts as a failed delivery of all that was on its way, and from 4.0 on the
# twentieth is the last. For the quorum queues of RabbitMQ 3, which set no limit, -1 means none at
# all: what comes back once is dropped.
UNLIMITED = -1


class QueueType(StrEnum):
    """Where a queue is stored: on one node, or replicated on several."""

    CLASSIC = "classic"
    QUORUM = "quorum"


class Bounds(NamedTuple):
    """How much waits in a tap; beyond it the oldest are dropped, and publishers never refused."""

    messages: int
    size: int  # bytes


# A tap without a name is bounded so that a listener that hangs doesn't fill the broker.
_UNNAMED = Bounds(1_000_000, 1024**3)
_NAMED = Bounds(10_000, 64 * 1024**2)


class Declaration(NamedTuple):
    """A queue as AMQP's queue.declare needs it."""

    durable: bool
    exclusive: bool
    arguments: Mapping[str, object]


class Consumption(NamedTuple):
    """The arguments of basic.consume. `most` is the prefetch; None: as many as possible."""

    exclusive: bool = False
    most: int | None = None
    arguments: Mapping[str, object] = {}


class Source(Protocol):
    """The interface of a place that deliveries come from. It is known without a broker."""

    @property
    def name(self) -> str | None:
        """The queue's name; None: a new random one on each connection."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """What we bind it by; empty where others define the bindings."""

    @property
    def stays(self) -> bool:
        """Whether it outlives us, with all that waits in it."""

    @property
    def takes(self) -> bool:
        """Whether acknowledging takes messages away from others."""

    @property
    def keeps(self) -> bool:
        """Whether nothing is ever given back: what was read can be read again by its offset."""

    def after(self, last: "Delivery") -> "Source":
        """Give the source that continues after a delivery; the same where the broker knows that."""

    @property
    def bounds(self) -> Bounds | None:
        """How much waits in it at most; None: others define that."""

    @property
    def queue_type(self) -> QueueType | None:
        """Its type, if we define it."""

    def declaration(self, version: tuple[int, int]) -> Declaration | None:
        """Give the queue to declare on a broker of this version; None: it must exist."""

    @property
    def consumption(self) -> Consumption:
        """How it is consumed."""

    @property
    def farewell(self) -> str | None:
        """What a person should know about it after we have left."""

    def described(self, exchange: str) -> tuple[tuple[str, str], ...]:
        """Name it for people: pairs of a label and a name."""


class _Usual:
    """What holds for most: nothing is taken from others, and the broker knows what comes next."""

    takes: ClassVar[bool] = False
    keeps: ClassVar[bool] = False

    def after(self, last: "Delivery") -> Self:  # noqa: ARG002 -- as the port asks
        return self


@dataclass(frozen=True)
class Tap(_Usual):
    """A queue of our own, bound to the exchange by patterns.

    One with a name stays for ten minutes after the last listener, and keeps what is published.
    """

    patterns: tuple[str, ...] = ("#",)
    name: str | None = None
    queue_type: QueueType = QueueType.CLASSIC

    @property
    def stays(self) -> bool:
        return self.name is not None

    @property
    def bounds(self) -> Bounds:
        return _NAMED if self.stays else _UNNAMED

    def declaration(self, version: tuple[int, int]) -> Declaration:
        """Declare nothing that is deprecated, or left to a vhost's defaults."""
        arguments: dict[str, object] = {
            "x-queue-type": self.queue_type.value,
            "x-max-length": self.bounds.messages,
            "x-max-length-bytes": self.bounds.size,
            "x-overflow": "drop-head",
        }
        if self.stays:
            arguments["x-expires"] = EXPIRES_MS
        if self.queue_type is QueueType.QUORUM and version >= (4,):
            arguments["x-delivery-limit"] = UNLIMITED
        return Declaration(durable=self.stays, exclusive=not self.stays, arguments=arguments)

    @property
    def consumption(self) -> Consumption:
        """Consume a named one exclusively: a second listener would get some of its events."""
        return Consumption(exclusive=self.stays)

    @property
    def farewell(self) -> str | None:
        if not self.stays:
            return None
        return f"queue {self.name} keeps what is published for {EXPIRES_MS // 60_000} minutes"

    def described(self, exchange: str) -> tuple[tuple[str, str], ...]:
        return ("", " ".join(self.patterns)), (" from ", exchange)


@dataclass(frozen=True)
class _OfOthers(_Usual):
    """What others have declared, with its bindings, bounds and type; `most` are taken at a time."""

    name: str
    most: int | None = field(default=None, kw_only=True)

    patterns: ClassVar[tuple[str, ...]] = ()
    stays: ClassVar[bool] = True
    bounds: ClassVar[None] = None
    queue_type: ClassVar[None] = None
    farewell: ClassVar[None] = None

    def declaration(self, version: tuple[int, int]) -> None:  # noqa: ARG002 -- as the port asks
        return None


@dataclass(frozen=True)
class Queue(_OfOthers):
    """An existing queue, whose messages are taken."""

    takes: ClassVar[bool] = True

    @property
    def consumption(self) -> Consumption:
        return Consumption(most=self.most)

    def described(self, exchange: str) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 -- as the port asks
        return (("queue ", self.name),)


@dataclass(frozen=True)
class Stream(_OfOthers):
    """An existing stream, read from an offset on: nothing is taken out of it.

    `offset` is a number, or a name of RabbitMQ's: first, last (its last chunk), next.
    """

    offset: int | str = "first"

    keeps: ClassVar[bool] = True

    def after(self, last: "Delivery") -> Self:
        return replace(self, offset=last.offset + 1)

    @property
    def consumption(self) -> Consumption:
        return Consumption(most=self.most, arguments={"x-stream-offset": self.offset})

    def described(self, exchange: str) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 -- as the port asks
        return (("stream ", self.name),)
