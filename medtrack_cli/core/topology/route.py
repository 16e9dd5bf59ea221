"""A routing key followed to the queues, and beyond; or the bindings that nearly match it."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

from medtrack_cli.core.routing import Way, agreements, keys_of, way
from medtrack_cli.core.topics import as_topic, key_matches
from medtrack_cli.core.topology.dead_letter_chain import DeadLetters, chain, following
from medtrack_cli.core.topology.model import Binding, Exchange, Headers, Queue, Topology
from medtrack_cli.events.event_type import EventType

MOST = 5
_WORDS = ("", "one word", "two words")
_ALIKE = 0.7  # of 1: what is less similar is no typo
_LONGEST = 256  # characters that are worth comparing


class Near(NamedTuple):
    """A binding that nearly matches, and why it doesn't."""

    binding: Binding
    why: str


class Route(NamedTuple):
    """Where a message with a key goes. `near` has near misses, if no queue gets it."""

    key: str
    headers: Headers
    topology: Topology
    way: Way
    dead_letters: list[DeadLetters]
    near: list[Near]
    event_type: EventType | None

    @property
    def reaches_queue(self) -> bool:
        """Whether a queue gets it for certain."""
        return bool(self.way.queues)

    def queue(self, name: str) -> Queue:
        """Describe a queue; only the name is known of one that just a binding mentions."""
        return self.topology.queues.get(name) or Queue(name)


def route(
    topology: Topology, exchange: str, key: str, headers: Headers, event_type: EventType | None
) -> Route:
    """Follow a key from an exchange."""
    keys = keys_of(key, headers)
    found = way(topology, exchange, keys, headers)
    places = [(name, keys) for name in found.queues]
    letters = chain(topology, places, following(topology, headers), set())
    near = [] if found.queues else near_misses(topology, found, headers)
    return Route(key, headers, topology, found, letters, near, event_type)


def near_misses(topology: Topology, way: Way, headers: Headers) -> list[Near]:
    """Find the bindings on a message's way that nearly match, the nearest first."""
    names = dict.fromkeys([way.exchange, *(h.destination for h in way.hops if h.to_exchange)])
    taken = {id(hop.binding) for hop in way.hops}
    found = [
        (cost, Near(binding, why))
        for name in names
        if (exchange := topology.exchanges.get(name))
        for binding in topology.bindings.get(name, ())
        if id(binding) not in taken
        for cost, why in _why_not(exchange, binding, way.keys[0], headers)
    ]
    return [near for _, near in sorted(found, key=lambda each: each[0])[:MOST]]


def _why_not(
    exchange: Exchange, binding: Binding, key: str, headers: Headers
) -> Iterator[tuple[float, str]]:
    """Say what a binding needs, and how far off that is; nothing where it is too far."""
    if exchange.type == "headers":
        lacking = [name for name, ok in agreements(binding.arguments, headers).items() if not ok]
        if len(lacking) == 1:
            wanted = binding.arguments[lacking[0]]
            yield 1, f"needs the header {lacking[0]}" + (f"={wanted}" if wanted is not None else "")
    elif (
        exchange.type in {"topic", "direct"}
        and max(map(len, (key, binding.routing_key))) <= _LONGEST
    ):
        yield from _why_no_match(binding.routing_key, key, is_topic=exchange.type == "topic")


def _why_no_match(pattern: str, key: str, *, is_topic: bool) -> Iterator[tuple[float, str]]:
    if pattern.casefold() == key.casefold() or (
        is_topic and key_matches(pattern.casefold(), key.casefold())
    ):
        yield 0, "differs in upper and lower case"
        return
    meant = ".".join(as_topic(pattern))
    if is_topic and meant != pattern and key_matches(meant, key):
        yield 0, f"would match as {meant}: * is one whole word, # any number of them"
        return
    wanted, words = (each.split(".") if each else [] for each in (pattern, key))
    if is_topic and "#" in wanted:
        return
    missing = len(wanted) - len(words)
    pairs = list(zip(wanted, words, strict=False))
    unlike = [
        (one, other) for one, other in pairs if other != one and not (is_topic and one == "*")
    ]
    if missing and not unlike and pairs and abs(missing) < len(_WORDS):
        yield abs(missing), f"needs {_WORDS[abs(missing)]} {'more' if missing > 0 else 'less'}"
    elif not missing and len(unlike) == 1:
        ((one, other),) = unlike
        likeness = SequenceMatcher(None, one, other).ratio()
        if likeness >= _ALIKE:
            yield 2 - likeness, f"has {one} where the key has {other}"
