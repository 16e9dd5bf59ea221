"""The YAML of `--assert`: what a run is expected to show, each expectation with its line."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

from medtrack_cli.core.conditions import Condition
from medtrack_cli.core.simulating.expectations import (
    AllValid,
    Expectation,
    Expectations,
    Order,
    Times,
)
from medtrack_cli.core.simulating.patterns import Pattern, place_of
from medtrack_cli.core.topics import doubt, key_matches
from medtrack_cli.errors import InputMissing, NotExpectations, UsageError
from medtrack_cli.events.findings import Span
from medtrack_cli.events.registry import Registry
from medtrack_cli.files.reading.yaml_items import value_of
from medtrack_cli.files.reading.yaml_reader import read_node
from medtrack_cli.suggestions import did_you_mean, nearest_or_all
from medtrack_cli.yaml_nodes import Mapping, Node, Scalar, Sequence, Trouble, span_of

T = TypeVar("T")

_KEYS = ("expect", "never", "order", "valid")
_EXAMPLE = "for instance: expect: [{event: student.created, times: 1}]"
_MOST_TIMES = 6  # digits


def read_expectations(
    path: Path,
    registry: Registry,
    reactions: Collection[str],
    condition: Callable[[str], Condition],
) -> Expectations:
    """Read the expectations; `reactions` are the known ones, `condition` reads an expression.

    Raises InputMissing, and NotExpectations with the place of the mistake.
    """
    try:
        with path.open("rb") as stream:
            node, troubles = read_node(stream)
    except OSError as error:
        raise InputMissing(f"can't be read ({error.strerror})", str(path)) from None
    reader = _Reader(str(path), registry, reactions, condition)
    if troubles:
        reader.refuse(troubles[0].message, troubles[0].span, troubles[0].suggestion)
    wanted = list(reader.all_of(node)) if node else []
    if not wanted:
        reader.refuse("nothing is expected", Span(1, 1, 2), _EXAMPLE)
    return Expectations(wanted)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads nodes of one file."""

    file: str
    registry: Registry
    reactions: Collection[str]
    condition: Callable[[str], Condition]

    def refuse(self, what: str, at: Node | Span, hint: str = "") -> NoReturn:
        span = at if isinstance(at, Span) else span_of(at)
        raise NotExpectations(what, f"{self.file}:{span.line}:{span.column}", hint=hint)

    def all_of(self, node: Node) -> Iterator[Expectation]:
        """Read the whole file."""
        for key, value in self._members(node, _KEYS):
            match key:
                case "expect":
                    yield from (self._times(each) for each in self._items(value))
                case "never":
                    for each in self._items(value):
                        yield Times(self._pattern(each), 0, 0, self._place(each))
                case "order":
                    patterns = [self._pattern(each) for each in self._items(value)]
                    yield Order(patterns, self._place(value))
                case _:
                    if self._text(value) != "all":
                        self.refuse("valid can only be all", value, "valid: all")
                    yield AllValid(self._place(value))

    def _times(self, node: Node) -> Times:
        pattern = self._pattern(node, "times")
        times = node.get("times") if isinstance(node, Mapping) else None
        if times is None:
            return Times(pattern, place=self._place(node))
        text = self._text(times)
        number = text.removesuffix("+")
        if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_TIMES):
            self.refuse("times is no whole number", times, "times: 2, or 2+ for at least two")
        if text.endswith("+") and int(number) == 0:
            self.refuse("any number of times expects nothing", times, "times: 1+, or never")
        most = None if text.endswith("+") else int(number)
        return Times(pattern, int(number), most, self._place(node))

    def _pattern(self, node: Node, *more: str) -> Pattern:
        """Read `{event, where}`, `{reaction, for}`, or just a name of either."""
        if isinstance(node, Scalar):
            return self._named(node, is_reaction=node.text in self.reactions)
        found = dict(self._members(node, ("event", "reaction", "where", "for", *more)))
        named = [found[key] for key in ("event", "reaction") if key in found]
        if len(named) != 1:
            self.refuse("it names not one event or reaction", node, _EXAMPLE)
        pattern = self._named(named[0], is_reaction="reaction" in found)
        if about := found.get("for"):
            pattern = replace(pattern, about=self._text(about))
        where = found.get("where")
        if isinstance(where, Scalar):
            condition = self._tried(where, lambda: self.condition(where.text))
            return replace(pattern, condition=condition)
        return replace(pattern, fields=self._fields(where, pattern.name)) if where else pattern

    def _named(self, node: Node, *, is_reaction: bool) -> Pattern:
        name = self._text(node)
        events, reactions = self.registry.names, sorted(self.reactions)
        if doubt(name, reactions if is_reaction else events):
            hint = did_you_mean(name, [*events, *reactions])
            hint = hint or f"known: {', '.join(reactions if is_reaction else events)}"
            self.refuse(f"no such {'reaction' if is_reaction else 'event type'}", node, hint)
        return Pattern(name, is_reaction)

    def _fields(self, node: Node, name: str) -> dict[tuple[str, ...], object]:
        found: dict[tuple[str, ...], object] = {}
        troubles: list[Trouble] = []
        for field, value in self._members(node):
            path = self._tried(value, partial(place_of, field, name, self.registry))
            found[path] = value_of(value, path, self._wants_text(name), troubles)
        if troubles:
            self.refuse(troubles[0].message, troubles[0].span)
        return found

    def _wants_text(self, name: str) -> Callable[[tuple[str | int, ...]], bool]:
        """Return whether events of a name or pattern have a text at a path."""
        names = [each for each in self.registry.names if key_matches(name, each)]
        return lambda path: any(self.registry.wants_text(each, path) for each in names)

    def _tried(self, node: Node, read: Callable[[], T]) -> T:
        """Read a node, or raise with its place why it can't be read."""
        try:
            return read()
        except UsageError as error:
            self.refuse(error.message.replace("--where", "where"), node, error.hint)

    def _members(self, node: Node, known: Collection[str] = ()) -> Iterator[tuple[str, Node]]:
        """Yield a mapping's members, whose keys must be in `known`, if any are."""
        if not isinstance(node, Mapping):
            self.refuse("this is no mapping", node, _EXAMPLE)
        for key, value in node.members:
            if known and key.text not in known:
                hint = nearest_or_all(key.text, known)
                self.refuse("no such key", key, hint)
            yield key.text, value

    def _items(self, node: Node) -> list[Node]:
        if not isinstance(node, Sequence) or not node.items:
            self.refuse("this is no list of something", node, _EXAMPLE)
        return node.items

    def _text(self, node: Node) -> str:
        if not isinstance(node, Scalar) or not node.text:
            self.refuse("this is no text", node, _EXAMPLE)
        return node.text

    def _place(self, node: Node) -> str:
        return f"{self.file}:{node.start.line + 1}"
