"""YAML as plain text with line numbers: no tags, no anchors, no aliases, no guessed types."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError

if TYPE_CHECKING:
    import yaml

_DEEPEST = 10
_WRITABLE = re.compile(r"[^\0\ud800-\udfff]*")  # YAML's escapes can write the others
_QUOTE = "quote a value that begins with ! & * @ % ` or holds ': ' or ' #'"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written: `0123` and `yes` stay what they are. Any of them may be a password."""

    text: Secret
    line: int
    is_unset: bool  # nothing was written: `key:`


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; each key with its own line."""

    items: Mapping[str, tuple["Node", int]]
    line: int


Node = Scalar | Sequence | Table


def parse_document(text: str, place: str) -> Node | None:
    """Read one YAML document, None when it is empty; ConfigError with `place:line` otherwise.

    The parser's own sentences are not passed on: they quote the text, which may be a password.
    """
    import yaml

    content = _content(text, place)
    if isinstance(next(content), yaml.StreamEndEvent):
        return None
    node = _Walk(content, place).node(next(content), depth=0)
    next(content)  # the document's end
    following = next(content)
    if isinstance(following, yaml.DocumentStartEvent):
        _refuse("a second YAML document", place, following, "keep one document a file")
    return node


def _content(text: str, place: str) -> "Iterator[yaml.Event]":
    """Parse as far as events are asked for: PyYAML's time grows with the square of the depth."""
    import yaml

    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if not isinstance(event, yaml.StreamStartEvent):
                yield event
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = "a control character, which YAML can't hold"
        raise ConfigError(what, f"{place}:{line}", hint="take it out") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}:{mark.line + 1}:{mark.column + 1}" if mark else place
        raise ConfigError("not valid YAML", where, hint=_QUOTE) from None


@dataclass(frozen=True, slots=True)
class _Walk:
    """The events still to be read; each method takes its own node's and no more."""

    events: "Iterator[yaml.Event]"
    place: str

    def node(self, event: "yaml.Event", depth: int) -> Node:
        import yaml

        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            _refuse("YAML anchors and aliases aren't read", self.place, event, _QUOTE)
        if getattr(event, "tag", None) is not None:
            _refuse("YAML tags aren't read", self.place, event, _QUOTE)
        if depth > _DEEPEST:
            _refuse("nested too deep", self.place, event, "see `medtrack config init`")
        line = _line(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(tuple(self.sequence(depth)), line)
        if isinstance(event, yaml.MappingStartEvent):
            return Table(self.table(depth), line)
        if not isinstance(event, yaml.ScalarEvent):
            raise TypeError(type(event))
        if not _WRITABLE.fullmatch(event.value):
            _refuse("a text with NUL or half a character in it", self.place, event, "take it out")
        return Scalar(Secret(event.value), line, is_unset=not event.value and not event.style)

    def sequence(self, depth: int) -> Iterator[Node]:
        import yaml

        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, depth + 1)

    def table(self, depth: int) -> dict[str, tuple[Node, int]]:
        import yaml

        pairs: dict[str, tuple[Node, int]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if not isinstance(key, Scalar):
                _refuse("a key that is no text", self.place, event, "keys are plain words")
            name = key.text.reveal()
            if name in pairs:
                hint = f"it is on line {pairs[name][1]} already"
                _refuse(f"the key {name} stands twice", self.place, event, hint)
            pairs[name] = self.node(next(self.events), depth + 1), key.line
        return pairs


def _line(event: "yaml.Event") -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _refuse(what: str, place: str, event: "yaml.Event", hint: str) -> NoReturn:
    raise ConfigError(what, f"{place}:{_line(event)}", hint=hint)
