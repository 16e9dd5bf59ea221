"""A routing key followed to the queues, and beyond."""

from typing import NamedTuple

from medtrack_cli.core.routing import Way, keys_of, way
from medtrack_cli.core.topology.dead_letters import DeadLetters, chain
from medtrack_cli.core.topology.model import Headers, Queue, Topology
from medtrack_cli.core.topology.near import Near, near_misses
from medtrack_cli.events.event_type import EventType


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
    letters = chain(topology, found.queues, keys, headers)
    near = [] if found.queues else near_misses(topology, found, headers)
    return Route(key, headers, topology, found, letters, near, event_type)
