"""YAML as plain text with line numbers: no tags, no anchors, no aliases, no guessed types."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError

if TYPE_CHECKING:
    import yaml

    from medtrack_cli import yaml_nodes

_DEEPEST = 11
_WRITABLE = re.compile(r"[^\0\ud800-\udfff]*")  # YAML's escapes can write the others
_QUOTE = "quote a value that begins with ! & * @ % ` or holds ': ' or ' #'"
_ODD = {
    "ALIAS": ("YAML anchors and aliases aren't read", _QUOTE),
    "ANCHOR": ("YAML anchors and aliases aren't read", _QUOTE),
    "TAG": ("YAML tags aren't read", _QUOTE),
    "KEY": ("a key that is no text", "keys are plain words"),
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written: `0123` and `yes` stay as they are. Any text may be a password."""

    text: Secret
    line: int
    is_unset: bool  # no value: `key:`


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

    The parser's own messages are not passed on: they quote the text, which may be a password.
    """
    import yaml

    from medtrack_cli.yaml_nodes import Composer, Refused

    events = yaml.parse(text, Loader=yaml.SafeLoader)  # the time grows with the square of the depth
    composer = Composer(events, deepest=_DEEPEST, any_key=True, is_strict=True)
    try:
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            return None
        top = composer.compose(next(events))
        next(events)  # the document's end
        following = next(events)
    except Refused as error:
        raise _said(error.trouble, place) from None
    except yaml.reader.ReaderError as error:
        what = "a control character, which YAML can't hold"
        line = text.count("\n", 0, error.position)
        raise _refusal(what, place, line, "take it out") from None
    except yaml.YAMLError as error:
        raise _not_yaml(error, text, place) from None
    if isinstance(following, yaml.DocumentStartEvent):
        line = following.start_mark.line if following.start_mark else 0
        raise _refusal("a second YAML document", place, line, "keep one document a file")
    return _node(top, place)


def _not_yaml(error: "yaml.YAMLError", text: str, place: str) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    if not mark:
        return ConfigError("not valid YAML", place, hint=_QUOTE)
    where = f"{place}:{mark.line + 1}:{mark.column + 1}"
    if text[mark.index : mark.index + 1] == "\t":
        return ConfigError("a tab where only spaces may stand", where, hint="indent with spaces")
    hint = _QUOTE
    opened = getattr(error, "context_mark", None)
    if opened and text[opened.index : opened.index + 1] in {"[", "{"}:
        hint = f"is the bracket of line {opened.line + 1} closed? If it is, {_QUOTE}"
    return ConfigError("not valid YAML", where, hint=hint)


def _said(trouble: "yaml_nodes.Trouble", place: str) -> ConfigError:
    what, hint = "nested too deep", "see `medtrack config init`"
    if trouble.first:
        what, hint = (
            f"the key {trouble.path[-1]} stands twice",
            f"it is on line {trouble.first.line} already",
        )
    elif trouble.oddity:
        what, hint = _ODD[trouble.oddity.name]
    return _refusal(what, place, trouble.span.line - 1, hint)


def _node(node: "yaml_nodes.Node", place: str) -> Node:
    from medtrack_cli import yaml_nodes

    line = node.start.line
    match node:
        case yaml_nodes.Sequence(items):
            return Sequence(tuple(_node(each, place) for each in items), line + 1)
        case yaml_nodes.Mapping(members):
            pairs = {key.text: (_node(value, place), key.start.line + 1) for key, value in members}
            return Table(pairs, line + 1)
    if not _WRITABLE.fullmatch(node.text):
        raise _refusal("a text with NUL or half a character in it", place, line, "take it out")
    return Scalar(Secret(node.text), line + 1, is_unset=node.is_plain and not node.text)


def _refusal(what: str, place: str, line: int, hint: str) -> ConfigError:
    return ConfigError(what, f"{place}:{line + 1}", hint=hint)
