"""Events in YAML files: documents, lists and scenarios, composed without constructing objects."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

import yaml

from medtrack_cli.events.findings import Path, Rule
from medtrack_cli.files.reading.json_in_yaml import YamlItem
from medtrack_cli.files.reading.yaml_items import (
    Making,
    broken_item,
    is_scenario,
    make_item,
    scenario_items,
)
from medtrack_cli.files.reading.yaml_mistakes import mistake
from medtrack_cli.files.reading.yaml_text import TextStream
from medtrack_cli.yaml_nodes import (
    Composer,
    Mapping,
    Node,
    TooDeep,
    Trouble,
    first_character,
    place,
)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # only its parser is used
_CONTENT = (yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.AliasEvent)


def read_yaml(
    stream: BinaryIO,
    file: str,
    *,
    wants_text: Callable[[str | None, Path, str | None], bool],
    as_type: str | None = None,
    head: bytes = b"",
) -> Iterator[YamlItem]:
    """Read YAML: documents one by one, lists an item at a time, scenarios whole.

    `head` was already taken from the stream. What the parser can't read ends the reading with an
    item that says so.
    """
    text = TextStream(stream, head)
    making = Making(file, wants_text, as_type)
    events = _Events(yaml.parse(text, Loader=_LOADER))
    trouble = None
    try:
        yield from _documents(events, text, making)
    except (yaml.YAMLError, TooDeep) as error:
        trouble = _trouble(error, text, events.last)
    if trouble := trouble or text.fault:
        yield broken_item([trouble], file)


def read_node(stream: BinaryIO) -> tuple[Node | None, list[Trouble]]:
    """Read a file's only document as a node, None if it is empty, and list its problems."""
    text = TextStream(stream, b"")
    events = _Events(yaml.parse(text, Loader=_LOADER))
    composer = Composer(events)
    nodes: list[Node] = []
    trouble = None
    try:
        nodes += [composer.compose(each) for each in events if isinstance(each, _CONTENT)]
    except (yaml.YAMLError, TooDeep) as error:
        trouble = _trouble(error, text, events.last)
    troubles = composer.take_troubles()
    if len(nodes) > 1:
        where = first_character(nodes[1].start)
        troubles.append(Trouble(Rule.YAML_SYNTAX, (), where, "a second document", "keep one"))
    if trouble := trouble or text.fault:
        troubles.append(trouble)
    return nodes[0] if nodes else None, troubles


class _Events:
    """A parser's events, and the last one."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self.last: yaml.Event | None = None

    def __iter__(self) -> Iterator[yaml.Event]:
        return self

    def __next__(self) -> yaml.Event:
        self.last = next(self._events)
        return self.last


def _documents(
    events: Iterator[yaml.Event], text: TextStream, making: Making
) -> Iterator[YamlItem]:
    composer = Composer(events)
    for event in events:
        if not isinstance(event, _CONTENT):
            continue
        text.begin(place(event.start_mark))
        if isinstance(event, yaml.SequenceStartEvent):
            yield from _list_items(events, event, composer, text, making)
            continue
        node = composer.compose(event)
        if isinstance(event, yaml.ScalarEvent):
            next(events)  # its end: what the parser can't read there has made it a text
        is_nothing = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value
        if _is_cut(node, text) or (is_nothing and not composer.troubles):
            continue
        troubles = composer.take_troubles()
        if is_scenario(node) and isinstance(node, Mapping):
            yield from scenario_items(node, troubles, making)
        else:
            yield make_item(node, troubles, making)


def _list_items(
    events: Iterator[yaml.Event],
    start: yaml.SequenceStartEvent,
    composer: Composer,
    text: TextStream,
    making: Making,
) -> Iterator[YamlItem]:
    composer.refuse_properties(start, ())
    if composer.troubles:
        yield broken_item(composer.take_troubles(), making.file)
    event = next(events)
    while not isinstance(event, yaml.SequenceEndEvent):
        text.begin(place(event.start_mark))
        node = composer.compose(event)
        # What the parser can't read after a text has made it one.
        following = next(events) if isinstance(event, yaml.ScalarEvent) else None
        if not _is_cut(node, text):
            yield make_item(node, composer.take_troubles(), making)
        event = following or next(events)


def _is_cut(node: Node, text: TextStream) -> bool:
    """Return whether a node ends only because the text was cut off."""
    return text.fault is not None and node.end.offset >= text.end.offset


def _trouble(
    error: yaml.YAMLError | TooDeep, text: TextStream, before: yaml.Event | None
) -> Trouble | None:
    """Put the parser's complaint in our words; None when the text's own fault caused it."""
    if isinstance(error, TooDeep):
        return error.trouble
    start = min(place(getattr(error, "problem_mark", None)), text.end)
    if text.fault and start.offset >= text.end.offset:
        return None
    if "nesting depth" in (getattr(error, "problem", None) or ""):
        return TooDeep((), start).trouble
    where, message, suggestion = mistake(error, text, before)
    return Trouble(Rule.YAML_SYNTAX, (), first_character(where), message, suggestion)
