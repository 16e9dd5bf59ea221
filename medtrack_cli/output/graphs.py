"""Routes as graphs, in the languages of Graphviz and Mermaid."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from medtrack_cli.core.routing import Way
from medtrack_cli.core.topology.route import Route
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.routes import DEFAULT, how

# A dash, or a number and a dot, would begin a list at the start of a label.
_NO_TEXT = re.compile(r"[^\w .,:=/-]|^-|(?<=\d)\.(?= )")


class Edge(NamedTuple):
    """An arrow between two nodes of a graph, by their numbers."""

    start: int
    end: int
    label: str
    is_dead: bool = False


class Graph:
    """One route: its nodes, each with a shape and a label, and the arrows between them."""

    def __init__(self, route: Route) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self.nodes: list[tuple[str, str]] = []
        self.edges: list[Edge] = []
        self._route = route
        self.title = route.key
        key = self._node("key", route.key or '""')
        self.edges.append(Edge(key, self._exchange(route.way.exchange), ""))
        self._add(route.way)
        if not route.reaches_queue and not route.way.untold:
            nobody = self._node("unknown", "no queue would get it")
            self.edges.append(Edge(self._exchange(route.way.exchange), nobody, ""))
        for letters in route.dead_letters:
            label = "dead letters" + (f" as {letters.routing_key}" if letters.routing_key else "")
            start, end = self._node("queue", letters.queue), self._exchange(letters.exchange)
            self.edges.append(Edge(start, end, label, is_dead=True))
            if letters.way:
                self._add(letters.way)

    def _add(self, way: Way) -> None:
        topology = self._route.topology
        for hop in way.hops:
            known = topology.exchanges.get(hop.source)
            end = (
                self._exchange(hop.destination)
                if hop.to_exchange
                else self._node("queue", hop.destination)
            )
            edge = Edge(self._exchange(hop.source), end, how(hop, known and known.type))
            if edge not in self.edges:
                self.edges.append(edge)
        for name, why in way.untold.items():
            edge = Edge(self._exchange(name), self._node("unknown", f"unknown: {why}"), "")
            if edge not in self.edges:
                self.edges.append(edge)

    def _exchange(self, name: str) -> int:
        return self._node("exchange", name or DEFAULT)

    def _node(self, shape: str, label: str) -> int:
        number = self._numbers.setdefault((shape, label), len(self._numbers))
        if number == len(self.nodes):
            self.nodes.append((shape, label))
        return number


_DOT_SHAPES = {"key": "plaintext", "exchange": "ellipse", "queue": "box", "unknown": "diamond"}
_MERMAID_SHAPES = {
    "key": ("([", "])"),
    "exchange": ("((", "))"),
    "queue": ("[", "]"),
    "unknown": ("{", "}"),
}


def dot(routes: Sequence[Route]) -> Iterator[str]:
    """Draw routes for Graphviz, each key in a cluster of its own."""
    yield "digraph medtrack {"
    yield "  rankdir=LR;"
    for number, route in enumerate(routes):
        graph = Graph(route)
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_dot_text(graph.title)};"
        for node, (shape, label) in enumerate(graph.nodes):
            yield f"    n{number}_{node} [shape={_DOT_SHAPES[shape]}, label={_dot_text(label)}];"
        for each in graph.edges:
            style = ", style=dashed" if each.is_dead else ""
            ends = f"n{number}_{each.start} -> n{number}_{each.end}"
            yield f"    {ends} [label={_dot_text(each.label)}{style}];"
        yield "  }"
    yield "}"


def mermaid(routes: Sequence[Route]) -> Iterator[str]:
    """Draw routes for Mermaid, each key in a subgraph of its own."""
    yield "flowchart LR"
    for number, route in enumerate(routes):
        graph = Graph(route)
        yield f"  subgraph s{number}[{_mermaid_text(graph.title)}]"
        for node, (shape, label) in enumerate(graph.nodes):
            opening, closing = _MERMAID_SHAPES[shape]
            yield f"    n{number}_{node}{opening}{_mermaid_text(label)}{closing}"
        for each in graph.edges:
            line = "-.->" if each.is_dead else "-->"
            label = f"|{_mermaid_text(each.label)}|" if each.label else ""
            yield f"    n{number}_{each.start} {line}{label} n{number}_{each.end}"
        yield "  end"


DRAW: dict[str, Callable[[Sequence[Route]], Iterator[str]]] = {"dot": dot, "mermaid": mermaid}


def _dot_text(text: str) -> str:
    """Quote a text: Graphviz reads backslashes and HTML's named characters in it."""
    escaped = safe_text(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid_text(text: str) -> str:
    """Quote a text: special characters become numeric ones, as Mermaid writes them."""
    return '"' + _NO_TEXT.sub(lambda found: f"#{ord(found[0])};", safe_text(text)) + '"'
