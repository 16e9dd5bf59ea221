"""The services' queues: each bound to the events that its service does something about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from medtrack_cli.core.listening.sources import Bounds, Consumption, Declaration, QueueType
from medtrack_cli.core.simulating.reactions import REACTIONS, SERVICES
from medtrack_cli.errors import UsageError
from medtrack_cli.suggestions import nearest_or_all

if TYPE_CHECKING:
    from medtrack_cli.core.delivery import Delivery

PREFIX = "medtrack.simulated."
DEAD_LETTERS = f"{PREFIX}dead-letters"
EXPIRES_MS = 3_600_000  # without anybody who consumes it
PREFETCH = 50

_BOUNDS = Bounds(10_000, 64 * 1024**2)
_ARGUMENTS = {
    "x-queue-type": QueueType.CLASSIC.value,
    "x-max-length": _BOUNDS.messages,
    "x-max-length-bytes": _BOUNDS.size,
    "x-overflow": "drop-head",
    "x-expires": EXPIRES_MS,
}


class OwnQueue(NamedTuple):
    """A durable queue of ours, as it is declared."""

    name: str
    arguments: Mapping[str, object]


DEAD_LETTER_QUEUE = OwnQueue(DEAD_LETTERS, _ARGUMENTS)
"""Where invalid events go, and what a service's queue drops beyond its bounds."""


@dataclass(frozen=True, slots=True)
class ServiceQueue:
    """The durable queue of a service, consumed by one run at a time."""

    service: str
    most: int = PREFETCH

    stays: ClassVar[bool] = True
    takes: ClassVar[bool] = False
    keeps: ClassVar[bool] = False
    bounds: ClassVar[Bounds] = _BOUNDS
    queue_type: ClassVar[QueueType] = QueueType.CLASSIC
    farewell: ClassVar[None] = None

    @property
    def name(self) -> str:
        return PREFIX + self.service.lower()

    @property
    def patterns(self) -> tuple[str, ...]:
        types = (each.event_type for each in REACTIONS if each.service == self.service)
        return tuple(dict.fromkeys(types))

    def after(self, last: "Delivery") -> "ServiceQueue":  # noqa: ARG002 -- as the port asks
        return self

    def declaration(self, version: tuple[int, int]) -> Declaration:  # noqa: ARG002 -- as the port asks
        letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD_LETTERS}
        return Declaration(durable=True, exclusive=False, arguments=_ARGUMENTS | letters)

    @property
    def consumption(self) -> Consumption:
        return Consumption(exclusive=True, most=self.most)

    @property
    def own(self) -> OwnQueue:
        return OwnQueue(self.name, self.declaration((0, 0)).arguments)

    def described(self, exchange: str) -> tuple[tuple[str, str], ...]:
        return ("", f"{self.service}-SERVICE"), (" from ", exchange)


def named(words: Sequence[str]) -> tuple[str, ...]:
    """Give the services that are meant, all where none is; UsageError for one that isn't known."""
    meant = {word: word.upper().removesuffix("-SERVICE") for word in words}
    for word, name in meant.items():
        if name not in SERVICES:
            hint = nearest_or_all(word.lower(), [each.lower() for each in SERVICES])
            raise UsageError("there is no such service", word, hint=hint)
    return tuple(each for each in SERVICES if each in meant.values() or not meant)
