"""Where a queue's dead letters go, and where they die next."""

from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from medtrack_cli.core.routing import Keys, Way, way
from medtrack_cli.core.topology.model import Headers, Queue, Topology

_EXCHANGE, _KEY = "dead-letter-exchange", "dead-letter-routing-key"


class DeadLetters(NamedTuple):
    """What dies in a queue after arriving by these keys: its exchange, its new key, their source.

    `way` is None where the exchange doesn't exist: they are dropped.
    """

    queue: str
    came_by: Keys
    exchange: str
    routing_key: str | None
    set_by: str
    way: Way | None


Follow = Callable[[str, Keys], Way | None]
"""Follows a dead message from an exchange; None: there is no such exchange."""


def has_dead_letters(queue: Queue) -> bool:
    """Return whether a queue passes on what it drops; a stream never does."""
    return queue.type != "stream" and _EXCHANGE in queue.settings


def dead_letters(queue: Queue, keys: Keys, follow: Follow) -> DeadLetters | None:
    """Follow what dies in a queue after arriving by these keys; None: it goes nowhere."""
    if not has_dead_letters(queue):
        return None
    exchange, set_by = queue.settings[_EXCHANGE]
    own = queue.settings.get(_KEY)
    key = own and str(own.value)
    found = follow(str(exchange), keys if key is None else (key,))
    return DeadLetters(queue.name, keys, str(exchange), key, set_by, found)


def following(topology: Topology, headers: Headers) -> Follow:
    """Follow messages that have died, once for each exchange and key."""

    @cache
    def follow(exchange: str, keys: Keys) -> Way | None:
        if exchange not in topology.exchanges:
            return None
        return way(topology, exchange, keys, headers, has_died=True)

    return follow


Place = tuple[str, Keys]
"""A queue, and the keys that led to it."""


def chain(
    topology: Topology, places: Iterable[Place], follow: Follow, seen: set[Place]
) -> list[DeadLetters]:
    """Follow dead letters from queue to queue, each place once; what is in `seen` is known."""
    found: list[DeadLetters] = []
    ways: set[Way] = set()
    waiting = deque(each for each in places if each not in seen)
    seen.update(waiting)
    while waiting:
        name, came_by = waiting.popleft()
        queue = topology.queues.get(name)
        letters = queue and dead_letters(queue, came_by, follow)
        if not letters:
            continue
        found.append(letters)
        if letters.way is None or letters.way in ways:
            continue
        ways.add(letters.way)
        onward = [(each, letters.way.keys) for each in letters.way.queues]
        waiting += (each for each in onward if each not in seen)
        seen.update(onward)
    return found
