"""Dead letters that are lost: those that no queue gets, and those that go in circles."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from medtrack_cli.core.routing import Keys, Way
from medtrack_cli.core.topology.dead_letter_chain import (
    DeadLetters,
    Follow,
    Place,
    chain,
    dead_letters,
    has_dead_letters,
)
from medtrack_cli.core.topology.model import Topology
from medtrack_cli.plural import counted


def nowhere(
    topology: Topology, keys: Mapping[str, Sequence[Keys]], follow: Follow
) -> Iterator[tuple[str, str]]:
    """Name the queues whose dead letters are dropped, by the keys that reach them, and say why."""

    @cache
    def may_reach(exchange: str) -> bool:
        """Return whether some key may lead to a queue, where the key is unknown."""
        return not exchange or bool(topology.queues_from(exchange))

    for queue in filter(has_dead_letters, topology.queues.values()):
        came_by = keys.get(queue.name, ())
        found = [dead_letters(queue, each, follow) for each in came_by or [("",)]]
        letters = [each for each in found if each]
        exchange = letters[0].exchange
        if letters[0].way is None:
            yield queue.name, f"has a dead-letter exchange that isn't there: {exchange}"
            continue
        if not came_by and letters[0].routing_key is None and may_reach(exchange):
            continue
        lost = [each for each in letters if each.way and not (each.way.queues or each.way.untold)]
        if lost:
            shown = ", ".join(dict.fromkeys(each.way.keys[0] for each in lost[:3] if each.way))
            which = (
                f"with the key {shown}" if came_by or lost[0].routing_key is not None else "at all"
            )
            more = f" and {counted(len(lost) - 3, 'other')}" if len(lost) > 3 else ""
            name = exchange or "the default exchange"
            yield (
                queue.name,
                f"has dead letters that vanish: {name} leads to no queue {which}{more}",
            )


def circles(
    topology: Topology, keys: Mapping[str, Sequence[Keys]], follow: Follow
) -> Iterator[tuple[str, str]]:
    """Name a queue of each circle in which messages are lost or never rest, and say how.

    Where some of its queues delay messages and others don't, the circle is a consumer's retry.
    """
    steps: dict[Place, DeadLetters] = {}
    seen: set[Place] = set()
    for start in ((name, each) for name in topology.queues for each in keys.get(name, ())):
        steps |= {(s.queue, s.came_by): s for s in chain(topology, [start], follow, seen)}
    starts: dict[tuple[str, Way | None], Place] = {}  # what goes the same way is followed once
    for place, letters in steps.items():
        starts.setdefault((letters.queue, letters.way), place)
    told: set[frozenset[str]] = set()
    for place in starts.values():
        circle = _circle(steps, place)
        names = frozenset(circle)
        if not circle or names in told:
            continue
        told.add(names)
        waiting = [name for name in circle if "message-ttl" in topology.queues[name].settings]
        way = " → ".join([*circle, circle[0]])
        if len(waiting) == len(circle):
            yield circle[0], f"has dead letters that come back by expiring, and are dropped: {way}"
        elif not waiting:
            yield circle[0], f"has dead letters that come back at once, for ever: {way}"


def _circle(steps: Mapping[Place, DeadLetters], start: Place) -> list[str]:
    """Find the shortest way of dead letters back to their start; empty without one."""
    before: dict[Place, Place] = {}
    ways: set[Way] = set()
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        letters = steps.get(place)
        if not letters or not letters.way or letters.way in ways:
            continue
        ways.add(letters.way)
        if start[0] in letters.way.queues:
            way = [place]
            while way[-1] != start:
                way.append(before[way[-1]])
            return [each for each, _ in reversed(way)]
        onward = [(name, letters.way.keys) for name in letters.way.queues]
        new = [each for each in onward if each not in before]
        before |= dict.fromkeys(new, place)
        waiting += new
    return []
