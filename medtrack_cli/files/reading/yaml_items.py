"""Events from YAML nodes: their JSON, and scenarios, which share values."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from medtrack_cli.events.findings import Finding, Path, Rule, Span, json_pointer
from medtrack_cli.events.json_text import MAX_BODY, MOST
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.files.reading.json_in_yaml import YamlItem
from medtrack_cli.suggestions import did_you_mean
from medtrack_cli.yaml_nodes import (
    Mapping,
    Node,
    NotJson,
    Scalar,
    Sequence,
    Trouble,
    first_character,
    locate,
    resolve,
    span_of,
)

MOST_SHARED = 16 * MAX_BODY
"""The most bytes that a scenario's shared values may add to all of its events together."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_FEW = 100  # the most names searched for a similar one


@dataclass(frozen=True, slots=True)
class Making:
    """The settings by which events are made, the same for a whole file.

    `wants_text` returns for an event type, a path from its envelope and its version whether a plain
    scalar keeps its text; `as_type` is the type of events that don't name theirs.
    """

    file: str
    wants_text: Callable[[str | None, Path, str | None], bool]
    as_type: str | None


def make_item(node: Node, troubles: list[Trouble], making: Making) -> YamlItem:
    """Make an event's item; `troubles` were met while composing it."""
    found = list(troubles)
    is_envelope = isinstance(node, Mapping) and bool(node.get("event_type") or node.get("payload"))
    prefix: Path = ("payload",) if isinstance(node, Mapping) and not is_envelope else ()
    named = node.get("event_type") if isinstance(node, Mapping) and is_envelope else None
    said = node.get("version") if isinstance(node, Mapping) and is_envelope else None
    version = said.text if isinstance(said, Scalar) else None
    event_type = named.text if isinstance(named, Scalar) else making.as_type

    def keeps_text(path: Path) -> bool:
        return making.wants_text(event_type, prefix + path, version)

    value = value_of(node, (), keeps_text, found)
    if is_envelope and isinstance(value, dict):
        value = {name: value[name] for name in ENVELOPE_FIELDS if name in value} | value
    body = None if any(trouble.breaks for trouble in found) else _write(value, node, found)
    line = node.start.line + 1
    return YamlItem(making.file, line, body, _findings(making.file, found), partial(locate, node))


def broken_item(troubles: Iterable[Trouble], file: str) -> YamlItem:
    """Make the item for a place where an event should be but isn't."""
    findings = _findings(file, troubles)
    return YamlItem(file, findings[0].span.line, None, findings)


def _findings(file: str, troubles: Iterable[Trouble]) -> tuple[Finding, ...]:
    return tuple(
        Finding(each.rule, file, each.span, json_pointer(each.path), each.message, each.suggestion)
        for each in troubles
    )


def value_of(
    node: Node, path: Path, keeps_text: Callable[[Path], bool], troubles: list[Trouble]
) -> object:
    """Give the JSON value of a node at a path; some plain scalars keep their text."""
    match node:
        case Mapping():
            return {
                key.text: value_of(each, (*path, key.text), keeps_text, troubles)
                for key, each in node.members
            }
        case Sequence():
            return [
                value_of(each, (*path, index), keeps_text, troubles)
                for index, each in enumerate(node.items)
            ]
    return _scalar_value(node, path, keeps_text, troubles)


def _scalar_value(
    scalar: Scalar, path: Path, keeps_text: Callable[[Path], bool], troubles: list[Trouble]
) -> str | float | bool | None:
    if not scalar.is_plain:
        return scalar.text
    try:
        value = resolve(scalar.text)
    except NotJson:
        if keeps_text(path):
            return scalar.text
        message = "JSON can't carry this number"
        troubles.append(Trouble(Rule.YAML_SYNTAX, path, span_of(scalar), message))
        return None
    if value is None or isinstance(value, str):
        return value
    return scalar.text if keeps_text(path) else value


def _write(value: object, node: Node, troubles: list[Trouble]) -> bytes | None:
    """Write compact JSON, or note why it can't be an event's body."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    start = first_character(node.start)
    try:
        body = text.encode("utf-8")
    except UnicodeEncodeError:
        message = "a string of this event holds half of a surrogate pair"
        troubles.append(Trouble(Rule.BAD_ENCODING, (), start, message))
        return None
    if len(body) > MAX_BODY:
        message = f"the event is larger than {MAX_BODY} bytes"
        troubles.append(Trouble(Rule.TOO_LARGE, (), start, message))
        return None
    return body


def is_scenario(node: Node) -> bool:
    """Return whether a mapping has `vars:` and `events:`."""
    return isinstance(node, Mapping) and bool(node.get("vars") and node.get("events"))


def scenario_items(
    scenario: Mapping, troubles: list[Trouble], making: Making
) -> Iterator[YamlItem]:
    """Make the items of a scenario's events, with its shared values filled in.

    Troubles of the scenario itself come first, as an item of their own.
    """
    own = [each for each in troubles if not _is_in_event(each.path)]
    own += [
        Trouble(Rule.UNKNOWN_FIELD, (key.text,), span_of(key), "a scenario has vars and events")
        for key, _ in scenario.members
        if key.text not in {"vars", "events"}
    ]
    filling = _Filling(_shared_values(scenario.get("vars"), own))
    events = scenario.get("events")
    if not isinstance(events, Sequence):
        span = span_of(events or scenario)
        own.append(Trouble(Rule.WRONG_TYPE, ("events",), span, "events must be a list"))
    if own:
        yield broken_item(own, making.file)
    by_event: dict[str | int, list[Trouble]] = {}
    for each in troubles:
        if _is_in_event(each.path):
            by_event.setdefault(each.path[1], []).append(each._replace(path=each.path[2:]))
    for index, event in enumerate(events.items if isinstance(events, Sequence) else ()):
        found = by_event.pop(index, [])
        yield make_item(filling.filled(event, found), found, making)


def _is_in_event(path: Path) -> bool:
    return len(path) > 1 and path[0] == "events" and isinstance(path[1], int)


def _shared_values(node: Node | None, troubles: list[Trouble]) -> dict[str, Scalar]:
    if isinstance(node, Scalar) and node.is_plain and not node.text:
        return {}
    if not isinstance(node, Mapping):
        span = span_of(node) if node else Span(1, 1, 1)
        troubles.append(Trouble(Rule.WRONG_TYPE, ("vars",), span, "vars must be an object"))
        return {}
    troubles += (
        Trouble(Rule.WRONG_TYPE, ("vars", key.text), span_of(value), "a shared value is a text")
        for key, value in node.members
        if not isinstance(value, Scalar)
    )
    return {key.text: value for key, value in node.members if isinstance(value, Scalar)}


class _Filling:
    """Replaces each `${name}` by the scenario's shared value, within a bound.

    In a quoted scalar the result is a text.
    """

    def __init__(self, values: dict[str, Scalar]) -> None:
        self._values = values
        self._sizes = {
            name: len(value.text.encode("utf-8", "surrogatepass")) for name, value in values.items()
        }
        self._left = MOST_SHARED
        self._room = 0  # of the event; below 0 when that was reported
        self._unknown = 0
        self._suggestions = MOST  # how many more suggestions are searched for

    def filled(self, event: Node, troubles: list[Trouble]) -> Node:
        """Fill an event."""
        room = self._room = min(MAX_BODY, self._left)
        self._unknown = 0
        filled = self._fill(event, (), troubles)
        self._left -= room - max(self._room, 0)
        return filled

    def _fill(self, node: Node, path: Path, troubles: list[Trouble]) -> Node:
        match node:
            case Mapping():
                members = [
                    (key, self._fill(each, (*path, key.text), troubles))
                    for key, each in node.members
                ]
                return replace(node, members=members)
            case Sequence():
                items = [
                    self._fill(each, (*path, index), troubles)
                    for index, each in enumerate(node.items)
                ]
                return replace(node, items=items)
        names = _VARIABLE.findall(node.text)
        if not names or self._room < 0:
            return node
        self._tell_unknown(names, path, node, troubles)
        self._room -= sum(self._sizes.get(name, 0) for name in names)
        if self._room < 0:
            message = f"the event is larger than {MAX_BODY} bytes"
            if self._left < MAX_BODY:
                message = f"the scenario's shared values fill more than {MOST_SHARED} bytes"
            troubles.append(Trouble(Rule.TOO_LARGE, path, span_of(node), message))
            return node
        known = [self._values[name] for name in names if name in self._values]
        text = _VARIABLE.sub(self._value, node.text)
        is_plain = node.is_plain and all(each.is_plain for each in known)
        return replace(node, text=text, is_plain=is_plain)

    def _value(self, match: re.Match[str]) -> str:
        value = self._values.get(match[1])
        return match[0] if value is None else value.text

    def _tell_unknown(
        self, names: list[str], path: Path, node: Scalar, troubles: list[Trouble]
    ) -> None:
        unknown = [name for name in names if name not in self._values]
        for name in unknown[: MOST - self._unknown]:
            message = "no such name in the scenario's vars"
            if _NAME.fullmatch(name):  # anything else could be a personal value
                message = f"the scenario's vars have no {name}"
            near = islice(self._values, _FEW if self._suggestions > 0 else 0)
            suggestion = did_you_mean(name, near)
            self._suggestions -= 1
            where = (Rule.INVALID_VALUE, path, span_of(node))
            troubles.append(Trouble(*where, message, suggestion, breaks=False))
        self._unknown = min(MOST, self._unknown + len(unknown))
