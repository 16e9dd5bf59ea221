"""YAML as plain text with line numbers: no tags, no anchors, no aliases, no guessed types."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError

if TYPE_CHECKING:
    from medtrack_cli import yaml_nodes

_DEEPEST = 11
_WRITABLE = re.compile(r"[^\0\ud800-\udfff]*")  # YAML's escapes can write the others
_QUOTE = "quote a value that begins with ! & * @ % ` or holds ': ' or ' #'"
_SAID = {
    "ALIAS": ("YAML anchors and aliases aren't read", _QUOTE),
    "ANCHOR": ("YAML anchors and aliases aren't read", _QUOTE),
    "TAG": ("YAML tags aren't read", _QUOTE),
    "KEY": ("a key that is no text", "keys are plain words"),
}


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

    from medtrack_cli.yaml_nodes import Composer, TooDeep

    events = yaml.parse(text, Loader=yaml.SafeLoader)  # its time grows with the depth squared
    composer = Composer(events, deepest=_DEEPEST, any_key=True)
    refusal = top = None
    try:
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            return None
        top = composer.compose(next(events))
        next(events)  # the document's end
        following = next(events)
        if isinstance(following, yaml.DocumentStartEvent):
            line = following.start_mark.line if following.start_mark else 0
            refusal = _refusal("a second YAML document", place, line, "keep one document a file")
    except TooDeep as error:
        line = error.trouble.span.line - 1
        refusal = _refusal("nested too deep", place, line, "see `medtrack config init`")
    except yaml.reader.ReaderError as error:
        what, line = (
            "a control character, which YAML can't hold",
            text.count("\n", 0, error.position),
        )
        refusal = _refusal(what, place, line, "take it out")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}:{mark.line + 1}:{mark.column + 1}" if mark else place
        refusal = ConfigError("not valid YAML", where, hint=_QUOTE)
    for trouble in composer.troubles:
        if trouble.oddity and (said := _SAID.get(trouble.oddity.name)):
            raise _refusal(said[0], place, trouble.span.line - 1, said[1])
    if refusal:
        raise refusal
    return _node(top, place) if top else None


def _node(node: "yaml_nodes.Node", place: str) -> Node:
    from medtrack_cli import yaml_nodes

    line = node.start.line
    match node:
        case yaml_nodes.Sequence(items):
            return Sequence(tuple(_node(each, place) for each in items), line + 1)
        case yaml_nodes.Mapping(members):
            pairs: dict[str, tuple[Node, int]] = {}
            for key, value in members:
                if key.text in pairs:
                    hint = f"it is on line {pairs[key.text][1]} already"
                    what = f"the key {key.text} stands twice"
                    raise _refusal(what, place, key.start.line, hint)
                pairs[key.text] = _node(value, place), key.start.line + 1
            return Table(pairs, line + 1)
    if not _WRITABLE.fullmatch(node.text):
        raise _refusal("a text with NUL or half a character in it", place, line, "take it out")
    return Scalar(Secret(node.text), line + 1, is_unset=node.is_plain and not node.text)


def _refusal(what: str, place: str, line: int, hint: str) -> ConfigError:
    return ConfigError(what, f"{place}:{line + 1}", hint=hint)
