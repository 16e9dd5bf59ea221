"""A vhost's exchanges, bindings, queues and policies."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

Headers = Mapping[str, Any]

NONE: Mapping[str, Any] = MappingProxyType({})


class Binding(NamedTuple):
    """A rule that passes messages of the exchange `source` on to a queue or another exchange.

    `place` is the JSON pointer of what was read from a file, in this and the other classes.
    """

    source: str
    destination: str
    to_exchange: bool
    routing_key: str
    arguments: Headers
    place: str = ""


class Exchange(NamedTuple):
    """An exchange; `alternate` names the one that gets what this one can't route.

    It is unknown where an unreadable policy may set it.
    """

    name: str
    type: str
    alternate: str | None = None
    alternate_is_known: bool = True
    is_durable: bool = True
    arguments: Headers = NONE
    place: str = ""


class Setting(NamedTuple):
    """A setting in force for a queue, and its source: an argument or a policy."""

    value: Any
    set_by: str


class Queue(NamedTuple):
    """A queue. `settings` are named without `x-`, and unknown where a policy is.

    What is unknown is None, and not 0.
    """

    name: str
    type: str | None = None
    is_durable: bool = True
    is_exclusive: bool = False
    arguments: Headers = NONE
    settings: Mapping[str, Setting] = NONE
    settings_are_known: bool = True
    ready: int | None = None
    consumers: int | None = None
    place: str = ""

    def value(self, name: str) -> Any:  # noqa: ANN401 -- an AMQP value
        """Give a setting's value; None without one."""
        setting = self.settings.get(name)
        return setting and setting.value


class Policy(NamedTuple):
    """Settings for all whose names match a pattern; the highest priority of several counts."""

    name: str
    pattern: str
    applies_to: str
    definition: Mapping[str, Any]
    priority: int
    is_operators: bool = False
    place: str = ""

    @property
    def label(self) -> str:
        """Name it for people."""
        return f"operator policy {self.name}" if self.is_operators else f"policy {self.name}"


class Topology(NamedTuple):
    """What one vhost contains. `counts_are_known` if it was read from a broker, not from a file."""

    exchanges: Mapping[str, Exchange]
    bindings: Mapping[str, Sequence[Binding]]  # by source
    queues: Mapping[str, Queue] = NONE
    policies: Sequence[Policy] = ()
    counts_are_known: bool = False

    def queues_from(self, exchange: str) -> set[str]:
        """Name the queues that an exchange leads to, by any key and way."""
        waiting, seen, queues = [exchange], {exchange}, set()
        while waiting:
            source = waiting.pop()
            bindings = self.bindings.get(source, ())
            queues |= {each.destination for each in bindings if not each.to_exchange}
            others = {each.destination for each in bindings if each.to_exchange}
            known = self.exchanges.get(source)
            others |= {known.alternate} if known and known.alternate else set()
            waiting += others - seen
            seen |= others
        return queues
