"""YAML's nodes with their places; what JSON can't express is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import isinf
from typing import TYPE_CHECKING, NamedTuple

import yaml

from medtrack_cli.events.findings import At, Path, Rule, Span
from medtrack_cli.events.json_text import MAX_DEPTH, MAX_DIGITS

if TYPE_CHECKING:
    from yaml._yaml import Mark as CMark


class Place(NamedTuple):
    """A place as YAML parsers count: all from 0, the offset in code points."""

    line: int
    column: int
    offset: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; a plain one, without quotes, may stand for a number, a boolean or null."""

    text: str
    is_plain: bool
    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in order, with duplicates."""

    members: list[tuple[Scalar, "Node"]]
    start: Place
    end: Place
    _by_name: dict[str, tuple[Scalar, "Node"]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def member(self, name: str) -> "tuple[Scalar, Node] | None":
        """Find a member, the last one of that name."""
        if not self._by_name:
            self._by_name.update((member[0].text, member) for member in self.members)
        return self._by_name.get(name)

    def get(self, name: str) -> "Node | None":
        """Find a member's value, the last one of that name."""
        found = self.member(name)
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: list["Node"]
    start: Place
    end: Place


Node = Scalar | Mapping | Sequence


class Oddity(Enum):
    """What YAML can express and JSON can't: a message, and what would help."""

    ALIAS = "aliases are not allowed", "write the value itself"
    ANCHOR = "anchors are not allowed", "remove the anchor"
    TAG = "tags are not allowed", "remove the tag"
    KEY = "a key must be text", "put it in quotes"
    TWICE = "this key stands here twice", "keep one"


class Trouble(NamedTuple):
    """A problem, at a path of the event; `breaks` when no JSON can be made of it."""

    rule: Rule
    path: Path
    span: Span
    message: str
    suggestion: str = ""
    breaks: bool = True
    oddity: Oddity | None = None
    first: Span | None = None  # what stands twice stood here


class Refused(Exception):
    """A trouble that ends the reading."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class TooDeep(Refused):
    """Nested deeper than allowed: nothing after it is read."""

    def __init__(self, path: Path, start: Place) -> None:
        message = f"objects and lists are nested more than {MAX_DEPTH} deep"
        super().__init__(Trouble(Rule.TOO_DEEP, path, first_character(start), message))


class NotJson(ValueError):
    """A number that JSON can't carry."""


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(text: str) -> str | float | bool | None:
    """Read a plain scalar by YAML 1.2's core schema, except that a leading zero keeps the text.

    `no`, `12:30`, `1_000`, `012`, `0x1f` and dates are texts. Raises NotJson.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise NotJson(text)
        return int(text)
    if _NOT_FINITE.fullmatch(text):
        raise NotJson(text)
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if isinf(number):
        raise NotJson(text)
    return number


class Composer:
    """Makes nodes of a parser's events and collects problems in `troubles`.

    A key must be a text in JSON, or with `any_key` any scalar. With `is_strict` the first trouble
    is Refused.
    """

    def __init__(
        self,
        events: Iterator[yaml.Event],
        *,
        deepest: int = MAX_DEPTH,
        any_key: bool = False,
        is_strict: bool = False,
    ) -> None:
        self._events = events
        self._deepest = deepest
        self._any_key = any_key
        self._is_strict = is_strict
        self._last = Place(0, 0, 0)  # where the mapping or sequence composed last has its end
        self.troubles: list[Trouble] = []

    def take_troubles(self) -> list[Trouble]:
        """Hand over the troubles since the last call."""
        taken, self.troubles = self.troubles, []
        return taken

    def compose(self, event: yaml.Event, path: Path = (), depth: int = 1) -> Node:
        """Make the node that an event begins. Raises TooDeep, and yaml.YAMLError."""
        start = place(event.start_mark)
        self.refuse_properties(event, path)
        match event:
            case yaml.ScalarEvent():
                is_plain = bool(event.implicit[0])
                return Scalar(event.value, is_plain, start, place(event.end_mark))
            case yaml.MappingStartEvent():
                if depth > self._deepest:
                    raise TooDeep(path, start)
                members = list(self._members(path, depth))
                return Mapping(members, start, self._last)
            case yaml.SequenceStartEvent():
                if depth > self._deepest:
                    raise TooDeep(path, start)
                return Sequence(list(self._items(path, depth)), start, self._last)
        return Scalar("", is_plain=True, start=start, end=place(event.end_mark))

    def refuse_properties(self, event: yaml.Event, path: Path) -> None:
        """Note a node's tag or anchor, or that it is an alias: events can't have these."""
        span = _span(place(event.start_mark), place(event.end_mark))
        if isinstance(event, yaml.AliasEvent):
            self._note(Oddity.ALIAS, path, span)
            return
        for name, oddity in (("anchor", Oddity.ANCHOR), ("tag", Oddity.TAG)):
            if getattr(event, name) is not None:
                self._note(oddity, path, span)

    def _note(self, oddity: Oddity, path: Path, span: Span, first: Span | None = None) -> None:
        rule = Rule.DUPLICATE_KEY if oddity is Oddity.TWICE else Rule.YAML_SYNTAX
        breaks = oddity in {Oddity.ALIAS, Oddity.KEY}
        trouble = Trouble(rule, path, span, *oddity.value, breaks, oddity, first)
        if self._is_strict:
            raise Refused(trouble)
        self.troubles.append(trouble)

    def _members(self, path: Path, depth: int) -> Iterator[tuple[Scalar, Node]]:
        seen: dict[str, Scalar | None] = {}  # None: reported as a duplicate
        for event in self._until(yaml.MappingEndEvent):
            key = self.compose(event, path, depth + 1)
            is_text = isinstance(event, yaml.ScalarEvent) and (self._any_key or _is_text(key))
            name = key.text if isinstance(key, Scalar) and is_text else ""
            value = self.compose(next(self._events), (*path, name), depth + 1)
            if not isinstance(key, Scalar) or not is_text:
                self._note(Oddity.KEY, path, span_of(key))
                continue
            if name not in seen:
                seen[name] = key
            elif first := seen[name]:
                self._note(Oddity.TWICE, (*path, name), span_of(key), span_of(first))
                seen[name] = None
            yield key, value

    def _items(self, path: Path, depth: int) -> Iterator[Node]:
        for index, event in enumerate(self._until(yaml.SequenceEndEvent)):
            yield self.compose(event, (*path, index), depth + 1)

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                self._last = place(event.end_mark)
                return
            yield event


def _is_text(key: Node) -> bool:
    if not isinstance(key, Scalar):
        return False
    try:
        return not key.is_plain or isinstance(resolve(key.text), str)
    except NotJson:
        return False


def place(mark: "yaml.Mark | CMark | None") -> Place:
    """Copy a parser's mark, which would keep more than its numbers alive."""
    return Place(mark.line, mark.column, mark.index) if mark else Place(0, 0, 0)


def first_character(start: Place) -> Span:
    """Give the span of one character."""
    return Span(start.line + 1, start.column + 1, start.column + 2)


def span_of(node: Node) -> Span:
    """Give the span of a node: all of it on one line, else its first character."""
    return _span(node.start, node.end)


def _span(start: Place, end: Place) -> Span:
    if start.line != end.line:
        return first_character(start)
    return Span(start.line + 1, start.column + 1, end.column + 1)


def locate(top: Node, path: Path, at: At) -> Span:
    """Find the span of a path of an event; one that leads nowhere ends at its nearest parent."""
    key, node = None, top
    for part in path[:-1] if at is At.OPENING else path:
        found = _child(node, part)
        if found is None:
            key = None
            break
        key, node = found
    if at is At.OPENING:
        return first_character(node.start)
    return span_of(key if at is At.KEY and key else node)


def _child(node: Node, part: str | int) -> tuple[Scalar | None, Node] | None:
    if isinstance(node, Mapping) and isinstance(part, str):
        return node.member(part)
    if isinstance(node, Sequence) and isinstance(part, int) and 0 <= part < len(node.items):
        return None, node.items[part]
    return None
