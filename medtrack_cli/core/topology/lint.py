"""What is wrong with a topology: with its queues, bindings and policies."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from medtrack_cli.core.routing import Keys, Way, way
from medtrack_cli.core.topics import doubt
from medtrack_cli.core.topology import dead_ends, policies
from medtrack_cli.core.topology.coverage import covered, is_wild
from medtrack_cli.core.topology.dead_letter_chain import (
    Follow,
    dead_letters,
    following,
    has_dead_letters,
)
from medtrack_cli.core.topology.lint_rules import TopologyRule
from medtrack_cli.core.topology.model import NONE, Binding, Policy, Queue, Topology
from medtrack_cli.plural import counted


class Fault(NamedTuple):
    """A problem, in words that follow the thing's name; with its place in a file, if it has one."""

    rule: TopologyRule
    thing: str
    place: str
    message: str
    suggestion: str = ""


class Judged:
    """A topology, the exchange that events go through, the known types; each part computed once."""

    def __init__(self, topology: Topology, exchange: str, types: Sequence[str]) -> None:
        self.topology = topology
        self.exchange = exchange
        self.types = types

    @cached_property
    def ways(self) -> Mapping[str, Way]:
        """Where each type goes."""
        return {each: way(self.topology, self.exchange, (each,), NONE) for each in self.types}

    @cached_property
    def event_queues(self) -> list[Queue]:
        """The queues that events may reach, except those that end by themselves."""
        names = self.topology.queues_from(self.exchange)
        found = (each for name, each in self.topology.queues.items() if name in names)
        return [each for each in found if not (each.is_exclusive or "expires" in each.settings)]

    @cached_property
    def keys(self) -> Mapping[str, list[Keys]]:
        """The keys by which a queue is known to be reached: types, or the bindings' own."""
        found: defaultdict[str, dict[Keys, None]] = defaultdict(dict)
        for name, led in self.ways.items():
            for queue in led.queues:
                found[queue][name,] = None
        reached = set(found)
        for source, bindings in self.topology.bindings.items():
            known = self.topology.exchanges.get(source)
            if not known or known.type not in {"direct", "topic"}:
                continue  # the key of a binding isn't that of its messages
            for each in bindings:
                if not (each.to_exchange or each.destination in reached or is_wild(each)):
                    found[each.destination][each.routing_key,] = None
        return {name: list(keys) for name, keys in found.items()}

    @cached_property
    def follow(self) -> Follow:
        """Follows dead letters."""
        return following(self.topology, NONE)

    @cached_property
    def graves(self) -> set[str]:
        """The queues that dead letters may reach."""
        exchanges, ways = set(), set()
        for queue in filter(has_dead_letters, self.topology.queues.values()):
            came_by = self.keys.get(queue.name, [])
            if not came_by and "dead-letter-routing-key" not in queue.settings:
                exchanges.add(str(queue.value("dead-letter-exchange")))
            letters = (dead_letters(queue, each, self.follow) for each in came_by or [("",)])
            ways |= {each.way for each in letters if each and each.way}
        found = set().union(*map(self.topology.queues_from, exchanges))
        return found.union(*(each.queues for each in ways))


Check = Callable[[Judged], Iterator[Fault]]


def lint(topology: Topology, exchange: str, types: Sequence[str]) -> Iterator[Fault]:
    """Find all that is wrong, rule by rule."""
    judged = Judged(topology, exchange, types)
    for check in CHECKS:
        yield from check(judged)


def _of(queue: Queue, rule: TopologyRule, message: str, suggestion: str = "") -> Fault:
    return Fault(rule, f"queue {queue.name}", queue.place, message, suggestion)


def _without_consumer(judged: Judged) -> Iterator[Fault]:
    """Leave out dead letters, which wait for a person, and streams, which are read now and then."""
    for queue in judged.event_queues:
        is_read_later = queue.type == "stream" or queue.name in judged.graves
        if queue.consumers == 0 and not is_read_later:
            waits = (
                f"{counted(queue.ready, 'message')} ready" if queue.ready else "what comes waits"
            )
            message = f"has no consumer: {waits}"
            yield _of(queue, TopologyRule.QUEUE_WITHOUT_CONSUMER, message)


def _unbound(judged: Judged) -> Iterator[Fault]:
    rows = (each for bindings in judged.topology.bindings.values() for each in bindings)
    bound = {each.destination for each in rows if not each.to_exchange} | judged.graves
    for queue in judged.topology.queues.values():
        if queue.name not in bound and not queue.is_exclusive:
            message = "is bound to nothing: only what is sent to it by its name arrives"
            yield _of(queue, TopologyRule.UNBOUND_QUEUE, message)


def _nobody_hears(judged: Judged) -> Iterator[Fault]:
    place = judged.topology.exchanges[judged.exchange].place
    for name, each in judged.ways.items():
        if not each.queues and not each.untold:
            message = f"reaches no queue from {judged.exchange}: it is returned to its publisher"
            fix = f"medtrack route {name} says what just misses it"
            yield Fault(TopologyRule.TYPE_NOBODY_HEARS, f"event type {name}", place, message, fix)


def _binding(binding: Binding) -> str:
    return f"binding {binding.routing_key!r} of {binding.destination}"


def _matches_no_type(judged: Judged) -> Iterator[Fault]:
    if judged.topology.exchanges[judged.exchange].type != "topic":
        return
    for each in judged.topology.bindings.get(judged.exchange, ()):
        if doubted := doubt(each.routing_key, judged.types):
            message, _, meant = doubted.partition("; ")
            rule = TopologyRule.BINDING_MATCHES_NO_TYPE
            yield Fault(rule, _binding(each), each.place, f"has no effect: {message}", meant)


def _duplicate_binding(judged: Judged) -> Iterator[Fault]:
    for name, bindings in judged.topology.bindings.items():
        known = judged.topology.exchanges.get(name)
        groups: defaultdict[tuple[str, bool], list[Binding]] = defaultdict(list)
        for each in bindings:
            groups[each.destination, each.to_exchange].append(each)
        for group in groups.values():
            for each, wider in covered(known.type if known else "", group):
                message = f"adds nothing: {wider.routing_key!r} covers it"
                rule = TopologyRule.DUPLICATE_BINDING
                yield Fault(rule, _binding(each), each.place, message)


def _lacks_dead_letters(judged: Judged) -> Iterator[Fault]:
    for queue in judged.event_queues:
        if has_dead_letters(queue) or queue.type == "stream" or not queue.settings_are_known:
            continue
        if queue.name in judged.graves:
            continue
        if "message-ttl" in queue.settings:
            message = "has messages that expire, and no dead-letter exchange: they vanish"
            yield _of(queue, TopologyRule.EXPIRING_WITHOUT_DEAD_LETTER, message)
        else:
            message = "has no dead-letter exchange: what is rejected, or too much, vanishes"
            yield _of(queue, TopologyRule.MISSING_DEAD_LETTER, message)


def _dead_ends(judged: Judged) -> Iterator[Fault]:
    for name, message in dead_ends.nowhere(judged.topology, judged.keys, judged.follow):
        queue = judged.topology.queues[name]
        yield _of(queue, TopologyRule.DEAD_LETTER_ROUTES_NOWHERE, message)
    for name, message in dead_ends.circles(judged.topology, judged.keys, judged.follow):
        yield _of(judged.topology.queues[name], TopologyRule.DEAD_LETTER_CIRCLE, message)


def _unbounded(judged: Judged) -> Iterator[Fault]:
    for queue in judged.event_queues:
        bounds = {"max-length", "max-length-bytes", "max-age", "message-ttl"}
        if queue.settings_are_known and not bounds & queue.settings.keys():
            message = "has no bound: it can fill the disk, and then no publisher goes on"
            yield _of(queue, TopologyRule.UNBOUNDED_QUEUE, message, "x-max-length, or a policy")


def _transient(judged: Judged) -> Iterator[Fault]:
    for queue in judged.topology.queues.values():
        if not queue.is_durable and not queue.is_exclusive:
            message = "is gone when the broker restarts, and RabbitMQ 4.3 refuses it"
            yield _of(queue, TopologyRule.TRANSIENT_QUEUE, message, "declare it durable")


_REMOVED = {
    "queue-mode": "does nothing since RabbitMQ 3.12, and 4.3 refuses it",
    "ha-policy": "does nothing since RabbitMQ 3.0: queues are mirrored by policies, until 4.0",
    "queue-master-locator": "is deprecated: queue-leader-locator takes its place",
    "max-in-memory-length": "does nothing since RabbitMQ 3.10",
    "max-in-memory-bytes": "does nothing since RabbitMQ 3.10",
}


def _removed(judged: Judged) -> Iterator[Fault]:
    rule = TopologyRule.REMOVED_ARGUMENT
    for queue in judged.topology.queues.values():
        for name, value in queue.arguments.items():
            if said := _why_removed(name.removeprefix("x-"), value):
                yield _of(queue, rule, f"has the argument {name}, which {said}")
    for policy in judged.topology.policies:
        for name, value in policy.definition.items():
            if said := _why_removed(name, value):
                yield Fault(rule, policy.label, policy.place, f"sets {name}, which {said}")


def _why_removed(name: str, value: object) -> str | None:
    if name == "queue-version" and value == 1:
        return "is refused with 1 by RabbitMQ 4.3"
    return _REMOVED.get(name)


def _policies(judged: Judged) -> Iterator[Fault]:
    for policy in judged.topology.policies:
        if mirrored := [name for name in policy.definition if name.startswith("ha-")]:
            message = (
                f"mirrors queues ({', '.join(mirrored)}): RabbitMQ 4 doesn't, and keeps one copy"
            )
            rule, fix = TopologyRule.MIRRORED_POLICY, "make them quorum queues"
            yield Fault(rule, policy.label, policy.place, message, fix)
        if not _matches_anything(judged.topology, policy):
            message = f"matches nothing: {policy.pattern!r}, of {policy.applies_to}"
            yield Fault(TopologyRule.POLICY_MATCHES_NOTHING, policy.label, policy.place, message)


def _matches_anything(topology: Topology, policy: Policy) -> bool:
    """Return whether a policy matches any name; an unreadable pattern may."""
    exchanges = topology.exchanges if policy.applies_to in policies.EXCHANGES else ()
    queues = (
        name
        for name, each in topology.queues.items()
        if policy.applies_to in policies.queues_of(each.type)
    )
    try:
        return any(policies.matches(policy, name) for name in (*exchanges, *queues))
    except policies.Undecided:
        return True


def _streams(judged: Judged) -> Iterator[Fault]:
    for queue in judged.event_queues:
        if queue.type == "stream":
            message = "is a stream: a header that it can't keep ends its publisher's connection"
            yield _of(queue, TopologyRule.STREAM_ON_EVENT_EXCHANGE, message)


CHECKS: Sequence[Check] = (
    _nobody_hears,
    _matches_no_type,
    _duplicate_binding,
    _without_consumer,
    _unbound,
    _lacks_dead_letters,
    _dead_ends,
    _unbounded,
    _transient,
    _removed,
    _policies,
    _streams,
)
