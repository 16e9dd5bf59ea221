"""Events in YAML files: documents, lists and scenarios, composed without making any object."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

import yaml

from medtrack_cli.events.findings import Path, Rule
from medtrack_cli.files.yaml_events import (
    Making,
    YamlItem,
    broken_item,
    is_scenario,
    make_item,
    scenario_items,
)
from medtrack_cli.files.yaml_nodes import (
    Composer,
    Mapping,
    Node,
    TooDeep,
    Trouble,
    first_character,
    place,
)
from medtrack_cli.files.yaml_text import TextStream

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # only its parser is used
_CONTENT = (yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.AliasEvent)
_SUGGESTIONS = {  # by a piece of the parser's sentence, libyaml's and PyYAML's own
    "mapping values are not allowed": "quote a value that holds a colon and a space",
    "tab character": "indent with spaces",
    "cannot start any token": "indent with spaces, and quote a value that begins with @, ` or %",
}


def read_yaml(
    stream: BinaryIO,
    file: str,
    *,
    wants_text: Callable[[str | None, Path, str | None], bool],
    as_type: str | None = None,
    head: bytes = b"",
) -> Iterator[YamlItem]:
    """Read YAML: documents one by one, lists an item at a time, scenarios whole.

    `head` is what was already taken from the stream. What the parser can't read ends the
    reading with an item that says so.
    """
    text = TextStream(stream, head)
    making = Making(file, wants_text, as_type)
    trouble = None
    try:
        yield from _documents(text, making)
    except yaml.YAMLError as error:
        trouble = _syntax_trouble(error, text)
    except TooDeep as error:
        trouble = error.trouble
    if text.fault and trouble is None:
        fault = text.fault
        trouble = Trouble(fault.rule, (), fault.span, fault.message, fault.suggestion)
    if trouble:
        yield broken_item([trouble], file)


def _documents(text: TextStream, making: Making) -> Iterator[YamlItem]:
    events = yaml.parse(text, Loader=_LOADER)
    composer = Composer(events)
    for event in events:
        if not isinstance(event, _CONTENT):
            continue
        text.begin(place(event.start_mark))
        if isinstance(event, yaml.SequenceStartEvent):
            yield from _list_items(events, event, composer, text, making)
            continue
        node = composer.compose(event)
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
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        text.begin(place(event.start_mark))
        node = composer.compose(event)
        if not _is_cut(node, text):
            yield make_item(node, composer.take_troubles(), making)


def _is_cut(node: Node, text: TextStream) -> bool:
    """Tell whether a node only ends where the text was cut off."""
    return text.fault is not None and node.end.offset >= text.fault.offset


def _syntax_trouble(error: yaml.YAMLError, text: TextStream) -> Trouble | None:
    """Put the parser's complaint in our words; None when the text's own fault led to it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    start = min(place(mark), text.end)  # libyaml puts the end of a last line on the next one
    if text.fault and start.offset >= text.fault.offset:
        return None
    problem = getattr(error, "problem", None) or "this can't be read as YAML"
    if "nesting depth" in problem:
        return TooDeep((), start).trouble
    context = getattr(error, "context", None)
    message = f"{problem} ({context})" if context else problem
    suggestion = next((hint for piece, hint in _SUGGESTIONS.items() if piece in problem), "")
    span = first_character(start)
    return Trouble(Rule.YAML_SYNTAX, (), span, message, suggestion)
