"""What differs between two topologies, and which event types reach fewer queues for it."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from medtrack_cli.core.routing import Way, way
from medtrack_cli.core.topology.model import NONE, Binding, Topology

Facts = Mapping[str, Any]


class Sort(StrEnum):
    """How a thing has changed."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Change(NamedTuple):
    """A thing that one of two topologies lacks, or defines differently.

    Of an event type the facts are the queues that it reaches. It is `breaking` where one is lost;
    None: unknown.
    """

    thing: str
    name: str
    before: Facts | None
    after: Facts | None
    breaking: bool | None = False

    @property
    def sort(self) -> Sort:
        if self.before is None:
            return Sort.ADDED
        return Sort.REMOVED if self.after is None else Sort.CHANGED


class Side(NamedTuple):
    """One of the two: a topology, and the exchange that its events go through."""

    topology: Topology
    exchange: str


def changes(before: Side, after: Side, types: Iterable[str]) -> Iterator[Change]:
    """Compare all that a vhost contains, then where events go; exclusive queues are ignored."""
    old, new = _things(before.topology), _things(after.topology)
    for thing, name in sorted({**old, **new}):
        facts, others = old.get((thing, name)), new.get((thing, name))
        if facts != others:
            yield Change(thing, name, facts, others)
    for each in types:
        yield from _of_type(each, before, after)


def _of_type(name: str, before: Side, after: Side) -> Iterator[Change]:
    old, new = (way(each.topology, each.exchange, (name,), NONE) for each in (before, after))
    had, has = _lasting(before.topology, old), _lasting(after.topology, new)
    breaking = _breaks(set(had) - set(has), old, new)
    if had != has or breaking is None:
        yield Change("event_type", name, {"queues": had}, {"queues": has}, breaking)


def _breaks(lost: set[str], old: Way, new: Way) -> bool | None:
    """Return whether a queue no longer gets an event; None if that is unknown."""
    if lost:
        return None if new.untold else True
    return None if old.untold and old.untold != new.untold else False


def _lasting(topology: Topology, found: Way) -> list[str]:
    """Leave out queues that end with their connection."""
    known = topology.queues
    return [each for each in found.queues if each not in known or not known[each].is_exclusive]


def _things(topology: Topology) -> dict[tuple[str, str], Facts]:
    """Give everything by kind and name, except what every vhost has."""
    found: dict[tuple[str, str], Facts] = {}
    for exchange in topology.exchanges.values():
        if exchange.name and not exchange.name.startswith("amq."):
            facts = {"type": exchange.type, "durable": exchange.is_durable}
            found["exchange", exchange.name] = {**facts, "arguments": dict(exchange.arguments)}
    for queue in topology.queues.values():
        if not queue.is_exclusive:
            own = {name: v for name, v in queue.arguments.items() if name != "x-queue-type"}
            facts = {"type": queue.type, "durable": queue.is_durable}
            found["queue", queue.name] = {**facts, "arguments": own}
    for policy in topology.policies:
        facts = {"pattern": policy.pattern, "applies_to": policy.applies_to}
        facts |= {"priority": policy.priority, "definition": dict(policy.definition)}
        found["operator_policy" if policy.is_operators else "policy", policy.name] = facts
    for bindings in topology.bindings.values():
        for each in bindings:
            known = None if each.to_exchange else topology.queues.get(each.destination)
            if not (known and known.is_exclusive):
                to = "exchange" if each.to_exchange else "queue"
                facts = {"source": each.source, "destination": each.destination}
                facts |= {"destination_type": to, "routing_key": each.routing_key}
                found["binding", _name(each)] = {**facts, "arguments": dict(each.arguments)}
    return found


def _name(binding: Binding) -> str:
    name = f"{binding.source} to {binding.destination} by {binding.routing_key!r}"
    return ", ".join([name, *(f"{key}={v}" for key, v in sorted(binding.arguments.items()))])
