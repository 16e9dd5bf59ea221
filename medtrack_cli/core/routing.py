"""Where a message would go: what the broker's exchanges and bindings make of a routing key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from medtrack_cli.core.filters import key_matches
from medtrack_cli.core.messages import Message

Headers = Mapping[str, Any]


class Binding(NamedTuple):
    """A rule that hands messages of the exchange `source` on to a queue or another exchange."""

    source: str
    destination: str
    to_exchange: bool
    routing_key: str
    arguments: Headers


class Topology(NamedTuple):
    """The exchanges and bindings of one vhost.

    `types` gives each exchange's type, `alternates` the exchange that gets what an exchange
    can't route.
    """

    types: Mapping[str, str]
    alternates: Mapping[str, str]
    bindings: Mapping[str, Sequence[Binding]]  # by source


def queues_reached(
    topology: Topology, exchange: str, routing_key: str, headers: Headers
) -> list[str] | None:
    """List the queues that would get a message, by name; none: it would be returned.

    None when it can't be told: the exchange isn't there, or the message passes one whose type
    comes from a plugin.
    """
    reached: set[str] = set()
    waiting, seen = [exchange], {exchange}
    while waiting:
        name = waiting.pop()
        matching = _matching(topology, name, routing_key, headers)
        if matching is None:
            return None
        found = [(each.destination, each.to_exchange) for each in matching]
        if not found and name in topology.alternates:
            found = [(topology.alternates[name], True)]
        reached.update(destination for destination, to_exchange in found if not to_exchange)
        new = {destination for destination, to_exchange in found if to_exchange} - seen
        # An alternate exchange that isn't there gets nothing; a bound one is always there.
        waiting += [each for each in new if each in topology.types]
        seen |= new
    return sorted(reached)


def foretell(topology: Topology, exchange: str) -> Callable[[Message], list[str] | None]:
    """Tell of messages, to an exchange unless they name one, which queues they would reach."""
    cached = cache(partial(queues_reached, topology, headers={}))

    def reach(message: Message) -> list[str] | None:
        via = exchange if message.exchange is None else message.exchange
        if message.headers:
            return queues_reached(topology, via, message.routing_key, message.headers)
        return cached(via, message.routing_key)

    return reach


def _matching(
    topology: Topology, exchange: str, routing_key: str, headers: Headers
) -> list[Binding] | None:
    bindings = topology.bindings.get(exchange, ())
    match topology.types.get(exchange):
        case "direct":
            return [each for each in bindings if each.routing_key == routing_key]
        case "topic":
            return [each for each in bindings if key_matches(each.routing_key, routing_key)]
        case "fanout":
            return list(bindings)
        case "headers":
            return [each for each in bindings if _headers_match(each.arguments, headers)]
    return None


def _headers_match(arguments: Headers, headers: Headers) -> bool:
    """Compare as a headers exchange does: `x-match` says whether all or any must agree.

    An argument without a value asks for the header alone. Headers that begin with `x-` count
    only with `all-with-x` and `any-with-x`.
    """
    mode = str(arguments.get("x-match", "all"))
    agree = list(_agreements(arguments, headers, with_x=mode.endswith("-with-x")))
    return any(agree) if mode.startswith("any") else all(agree)


def _agreements(arguments: Headers, headers: Headers, *, with_x: bool) -> Iterator[bool]:
    for name, value in arguments.items():
        if name == "x-match" or (name.startswith("x-") and not with_x):
            continue
        yield name in headers and (value is None or _same(headers[name], value))


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other
