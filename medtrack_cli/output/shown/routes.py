"""A key's route to the queues: a tree for people, one object for programs."""

import shlex
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.routing import Hop, Way
from medtrack_cli.core.topology.dead_letter_chain import DeadLetters
from medtrack_cli.core.topology.model import Queue
from medtrack_cli.core.topology.route import Route
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet, picked
from medtrack_cli.plural import counted

DEFAULT = "the default exchange"


class ShownRoute(NamedTuple):
    """Which queues get a message, through which bindings, and where their dead letters go."""

    route: Route

    def records(self) -> Iterator[Record]:
        route = self.route
        known = route.event_type
        yield {
            "kind": Kind.ROUTE,
            "key": route.key,
            "headers": dict(route.headers),
            "exchange": route.way.exchange,
            "event_type": known and known.name,
            "queues": [
                {**_facts(route.queue(name)), "via": [_step(hop) for hop in hops]}
                for name, hops in route.way.to_each().items()
            ],
            "unknown": _untold(route.way),
            "near": [
                {
                    "exchange": each.binding.source,
                    "binding": each.binding.routing_key,
                    "destination": each.binding.destination,
                    "why": each.why,
                }
                for each in route.near
            ],
            "dead_letters": _once(self._letters(each) for each in route.dead_letters),
            "reactions": dict(known.reactions) if known else {},
        }

    def _letters(self, letters: DeadLetters) -> dict[str, Any]:
        way = letters.way
        return {
            **picked(letters, "queue", "exchange"),
            "exchange_exists": way is not None,
            **picked(letters, "routing_key", "set_by"),
            "queues": [_facts(self.route.queue(name)) for name in (way.queues if way else ())],
            "unknown": _untold(way) if way else [],
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        yield from _Tree(self.route, sheet).lines()


def _facts(queue: Queue) -> dict[str, Any]:
    return picked(queue, "name", "type", "ready", "consumers")


def _once(records: Iterable[Record]) -> list[Record]:
    """Leave out routes already shown: other keys lead a queue's dead letters there as well."""
    return list({repr(each): each for each in records}.values())


def _step(hop: Hop) -> dict[str, Any]:
    binding = hop.binding
    return {
        "exchange": hop.source,
        "binding": binding and binding.routing_key,
        "arguments": dict(binding.arguments) if binding else {},
    }


def _untold(way: Way) -> list[dict[str, str]]:
    return [{"exchange": name, "why": why} for name, why in way.untold.items()]


def how(hop: Hop, exchange_type: str | None) -> str:
    """Say why a message takes a step."""
    if hop.binding is None:
        return "alternate exchange" if hop.to_exchange else "by its name"
    if exchange_type == "fanout":
        return "fanout"
    if exchange_type != "headers":
        return hop.binding.routing_key
    return ", ".join(
        name if value is None else f"{name}={value}"
        for name, value in hop.binding.arguments.items()
    )


def _named(name: str) -> str:
    return safe_text(name) or '""'


_Lines = Iterator["str | _Lines"]
"""Lines, and functions that give more lines in their place."""


class _Tree:
    """The lines of a route. What was already shown in full is only named."""

    def __init__(self, route: Route, sheet: Sheet) -> None:
        self._route = route
        self._sheet = sheet
        self._letters = {(each.queue, each.came_by): each for each in route.dead_letters}
        self._shown: set[object] = set()
        is_full = sheet.marks.ellipsis == "…"
        self._joints = ("├─ ", "└─ ", "│  ", "   ") if is_full else ("|- ", "`- ", "|  ", "   ")
        self._arrow = "→" if is_full else "->"

    def lines(self) -> Iterator[str]:
        route = self._route
        key, *copies = map(_named, route.way.keys)
        also = f" (and {', '.join(copies)})" if copies else ""
        key = self._sheet.style(key, "bold")
        yield f"{key}{also} {self._arrow} {self._exchange(route.way.exchange)}"
        stack = [self._below(route.way, route.way.exchange, "")]  # no recursion: it may be deep
        while stack:
            match next(stack[-1], None):
                case None:
                    stack.pop()
                case str(line):
                    yield line
                case deeper:
                    stack.append(deeper)
        yield from self._verdict()
        if route.event_type and route.reaches_queue and not self._sheet.quiet:
            yield from self._reactions(route.event_type.reactions)

    def _below(self, way: Way, exchange: str, indent: str) -> _Lines:
        """Show what an exchange passes a message on to, if it wasn't shown before."""
        if not self._is_new((way.keys, exchange)):
            return
        hops = way.steps.get(exchange, ())
        kind = self._kind(exchange)
        for number, hop in enumerate(hops, 1):
            first, deeper = self._joint(is_last=number == len(hops), indent=indent)
            label = self._sheet.style(_named(how(hop, kind)), "cyan")
            if hop.to_exchange:
                yield f"{first}{label} {self._arrow} {self._exchange(hop.destination)}"
                yield self._below(way, hop.destination, deeper)
            else:
                yield f"{first}{label} {self._arrow} {self._queue(hop.destination)}"
                yield self._dead_letters(hop.destination, way, deeper)
        if exchange in way.untold:
            first, _ = self._joint(is_last=True, indent=indent)
            unknown = f"unknown: {safe_text(way.untold[exchange])}"
            yield first + self._sheet.style(unknown, "yellow")

    def _dead_letters(self, queue: str, way: Way, indent: str) -> _Lines:
        letters = self._letters.get((queue, way.keys))
        if not letters or not self._is_new(letters[:2]):
            return
        first, deeper = self._joint(is_last=True, indent=indent)
        key = "" if letters.routing_key is None else f" as {_named(letters.routing_key)}"
        said = self._sheet.style(f"dead letters{key}", "dim")
        where = f"{self._exchange(letters.exchange)} ({safe_text(letters.set_by)})"
        yield f"{first}{said} {self._arrow} {where}"
        if letters.way is None or not (any(letters.way.hops) or letters.way.untold):
            first, _ = self._joint(is_last=True, indent=deeper)
            yield first + self._sheet.style("nowhere: they are dropped", "red")
        else:
            yield self._below(letters.way, letters.exchange, deeper)

    def _verdict(self) -> Iterator[str]:
        route, style = self._route, self._sheet.style
        count = len(route.way.queues)
        if count:
            others = ", and whatever is unknown" if route.way.untold else ""
            yield f"{counted(count, 'queue')} would get it{others}"
            return
        if route.way.untold:
            yield style("no queue gets it for certain", "yellow")
        else:
            yield style("no queue would get it", "red")
        if not route.topology.bindings.get(route.way.exchange):
            yield from self._sheet.sentence("nothing is bound to it", "cyan", "  near:")
        if not (route.near or route.way.untold):
            key = shlex.quote(route.key)
            said = f"`medtrack queue declare NAME --bind {key}` makes a queue for it"
            yield from self._sheet.sentence(said, "cyan", "  next:")
        for each in route.near:
            binding = each.binding
            pattern = _named(binding.routing_key)
            where = f"{safe_text(binding.source)} {self._arrow} {safe_text(binding.destination)}"
            yield from self._sheet.sentence(f"{pattern} {each.why} ({where})", "cyan", "  near:")

    def _reactions(self, reactions: Any) -> Iterator[str]:  # noqa: ANN401
        if not reactions:
            return
        yield "What happens then:"
        width = max(map(len, reactions))
        for name, deed in reactions.items():
            yield f"  {safe_text(name):<{width}}  {safe_text(deed)}"

    def _exchange(self, name: str) -> str:
        kind = self._kind(name)
        known = f"{safe_text(kind)} exchange" if kind else "not there"
        return f"{safe_text(name)} ({known})" if name else DEFAULT

    def _kind(self, exchange: str) -> str | None:
        known = self._route.topology.exchanges.get(exchange)
        return known and known.type

    def _queue(self, name: str) -> str:
        queue = self._route.queue(name)
        facts = [queue.type or "of unknown type"]
        if self._route.topology.counts_are_known:
            facts.append("backlog unknown" if queue.ready is None else f"{queue.ready:,} ready")
            consumers = queue.consumers
            facts.append(
                "consumers unknown" if consumers is None else counted(consumers, "consumer")
            )
        told = safe_text(", ".join(facts))
        return f"{self._sheet.style(safe_text(name), 'green')}  {self._sheet.style(told, 'dim')}"

    def _joint(self, *, is_last: bool, indent: str) -> tuple[str, str]:
        fork, end, bar, gap = self._joints
        return indent + (end if is_last else fork), indent + (gap if is_last else bar)

    def _is_new(self, what: object) -> bool:
        is_new = what not in self._shown
        self._shown.add(what)
        return is_new
