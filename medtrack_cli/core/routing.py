"""Where a message goes: a routing key and the broker's exchanges and bindings."""

from collections import deque
from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import chain
from typing import NamedTuple

from medtrack_cli.core.messages import Message
from medtrack_cli.core.topics import key_matches
from medtrack_cli.core.topology.model import Binding, Exchange, Headers, Topology

Keys = tuple[str, ...]
"""The routing key, then those that the sender put into the headers CC and BCC."""


_OF_DEATH = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")


class Hop(NamedTuple):
    """A step of a message, out of the exchange `source`.

    Without a binding it goes to the alternate exchange, or by its key from the default exchange to
    the queue of that name.
    """

    source: str
    destination: str
    to_exchange: bool
    binding: Binding | None = None


@dataclass(frozen=True, eq=False)
class Way:
    """All steps of a message, by the exchange that they lead out of, the nearest first.

    `untold` says for exchanges on it why it is unknown where they lead.
    """

    exchange: str
    keys: Keys
    steps: Mapping[str, Sequence[Hop]]
    untold: Mapping[str, str]

    @property
    def hops(self) -> Iterator[Hop]:
        """Every step."""
        return chain.from_iterable(self.steps.values())

    @cached_property
    def queues(self) -> KeysView[str]:
        """The queues that get the message for certain, by name."""
        found = {each.destination for each in self.hops if not each.to_exchange}
        return dict.fromkeys(sorted(found)).keys()

    def to_each(self) -> dict[str, list[Hop]]:
        """Give the shortest way to each queue."""
        first: dict[tuple[str, bool], Hop] = {}
        for hop in self.hops:
            first.setdefault((hop.destination, hop.to_exchange), hop)
        found = {}
        for queue in self.queues:
            way = [first[queue, False]]
            while way[-1].source != self.exchange:
                way.append(first[way[-1].source, True])
            found[queue] = way[::-1]
        return found


def keys_of(routing_key: str, headers: Headers) -> Keys:
    """List all keys that route a message; a CC that isn't a list is refused by the broker."""
    copies = (headers.get(name) for name in ("CC", "BCC"))
    added = [key for each in copies if isinstance(each, list) for key in each]
    return routing_key, *(each for each in added if isinstance(each, str))


def way(
    topology: Topology, exchange: str, keys: Keys, headers: Headers, *, has_died: bool = False
) -> Way:
    """Follow a message to its queues; without any it would be returned, or dropped.

    A dead letter has headers that describe its death, which aren't known beforehand.
    """
    steps: dict[str, Sequence[Hop]] = {}
    untold: dict[str, str] = {}
    waiting, seen = deque([exchange]), {exchange}
    while waiting:
        name = waiting.popleft()
        found = _hops(topology, name, keys, headers, has_died=has_died)
        if isinstance(found, str):
            untold[name] = found
            continue
        steps[name] = found
        for hop in found:
            if not hop.to_exchange or hop.destination in seen:
                continue
            seen.add(hop.destination)
            # A missing alternate exchange gets nothing; a bound one always exists.
            if hop.binding or hop.destination in topology.exchanges:
                waiting.append(hop.destination)
    return Way(exchange, keys, steps, untold)


def queues_reached(
    topology: Topology, exchange: str, routing_key: str, headers: Headers
) -> list[str] | None:
    """List the queues that would get a message, by name; None if unknown."""
    found = way(topology, exchange, keys_of(routing_key, headers), headers)
    return None if found.untold else list(found.queues)


def foretell(topology: Topology, exchange: str) -> Callable[[Message], list[str] | None]:
    """Say which queues messages would reach, through an exchange unless they name one."""
    cached = cache(partial(queues_reached, topology, headers={}))

    def reach(message: Message) -> list[str] | None:
        via = exchange if message.exchange is None else message.exchange
        if message.headers:
            return queues_reached(topology, via, message.routing_key, message.headers)
        return cached(via, message.routing_key)

    return reach


def _hops(
    topology: Topology, name: str, keys: Keys, headers: Headers, *, has_died: bool
) -> list[Hop] | str:
    """Take the next steps; a text says why they are unknown."""
    known = topology.exchanges.get(name)
    if known is None:
        return "there is no such exchange"
    if name == "":  # as an alternate it gets nothing: RabbitMQ looks there for bindings
        queues = (each for each in dict.fromkeys(keys) if each in topology.queues)
        return [Hop(name, each, to_exchange=False) for each in queues]
    bindings = topology.bindings.get(name, ())
    if has_died and known.type == "headers" and any(map(_asks_of_death, bindings)):
        return "a binding asks for headers that tell how a message died"
    matching = _matching(known, bindings, keys, headers)
    if matching is None:
        return f"a plugin decides what {known.type} does"
    found = [Hop(name, each.destination, each.to_exchange, each) for each in matching]
    return found or _alternate(known)


def _alternate(exchange: Exchange) -> list[Hop] | str:
    if not exchange.alternate_is_known:
        return "the policy that may name its alternate exchange can't be read"
    alternate = exchange.alternate
    return [Hop(exchange.name, alternate, to_exchange=True)] if alternate else []


def _matching(
    exchange: Exchange, bindings: Sequence[Binding], keys: Keys, headers: Headers
) -> list[Binding] | None:
    match exchange.type:
        case "direct":
            return [each for each in bindings if each.routing_key in keys]
        case "topic":
            return [
                each for each in bindings if any(key_matches(each.routing_key, key) for key in keys)
            ]
        case "fanout":
            return list(bindings)
        case "headers":
            return [each for each in bindings if _headers_match(each.arguments, headers)]
    return None


def _mode(arguments: Headers) -> str:
    return str(arguments.get("x-match", "all"))


def _asks_of_death(binding: Binding) -> bool:
    is_x = _mode(binding.arguments).endswith("-with-x")
    return is_x and any(name.startswith(_OF_DEATH) for name in binding.arguments)


def _headers_match(arguments: Headers, headers: Headers) -> bool:
    """Compare as a headers exchange does: `x-match` says whether all or any must agree.

    An argument without a value requires only the header. Headers that begin with `x-` count only
    with `all-with-x` and `any-with-x`.
    """
    mode = _mode(arguments)
    agree = list(agreements(arguments, headers).values())
    return any(agree) if mode.startswith("any") else all(agree)


def agreements(arguments: Headers, headers: Headers) -> dict[str, bool]:
    """Say for each header that a binding requires whether a message has it."""
    with_x = _mode(arguments).endswith("-with-x")
    return {
        name: name in headers
        and (value is None or (type(headers[name]) is type(value) and headers[name] == value))
        for name, value in arguments.items()
        if name != "x-match" and (with_x or not name.startswith("x-"))
    }
