# ruff: noqa: TID253 -- loaded by yaml_files alone, and that only when there is YAML to read
"""What mistake made a YAML parser stop, and where: often it is some lines before."""

import re
from collections.abc import Callable
from typing import NamedTuple

import yaml

from medtrack_cli.files.reading.yaml_text import TextStream
from medtrack_cli.yaml_nodes import Place, place

_NO_SPACE = re.compile(r"[ \t]*(?:- +)*[A-Za-z_][\w.$-]*(:)(?!//)\S")
_COLON = re.compile(r":(?:[ \t]|$)")
_SEVERAL = re.compile(r"[^'\"#]*:[ \t].*:(?:[ \t]|$)")


class Mistake(NamedTuple):
    """A place and a sentence about it."""

    place: Place
    message: str
    suggestion: str = ""


class Stumbled(NamedTuple):
    """What a parser reports: where it was, what it was in (`begun`), the event before."""

    lines: dict[int, str]  # the last lines read
    problem: str
    at: Place
    begun: Place | None
    before: yaml.Event | None

    def line(self, number: int) -> str:
        return self.lines.get(number, "")

    @property
    def here(self) -> str:
        """The rest of the line where the parser was."""
        return self.line(self.at.line)[self.at.column :]


def mistake(error: yaml.YAMLError, text: TextStream, before: yaml.Event | None) -> Mistake:
    """Put a parser's complaint in our words, at the place that has to be changed."""
    context = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or context
    at = min(place(mark), text.end)  # libyaml puts the end of a last line on the next one
    problem = getattr(error, "problem", None) or "this can't be read as YAML"
    said = getattr(error, "context", None) or ""
    stumbled = Stumbled(
        text.last_lines(), f"{problem} ({said})" if said else problem, at, None, before
    )
    if context is not None:
        stumbled = stumbled._replace(begun=min(place(context), text.end))
    for piece, find in _FINDERS.items():
        if piece in stumbled.problem and (found := find(stumbled)):
            return found
    return Mistake(at, stumbled.problem)


def _on_line(stumbled: Stumbled, number: int, column: int) -> Place:
    """Give a place on a line; its offset is the parser's, and never shown."""
    return Place(number, column, stumbled.at.offset)


def _no_space(stumbled: Stumbled, number: int) -> Mistake | None:
    found = _NO_SPACE.match(stumbled.line(number))
    if found is None:
        return None
    where = _on_line(stumbled, number, found.start(1))
    return Mistake(where, "no space after this colon", "write key: value, with a space")


def _no_colon(stumbled: Stumbled, number: int) -> Mistake | None:
    line, above = stumbled.line(number), stumbled.line(number - 1).rstrip() if number else ""
    is_text_of_above = above and not above.endswith(":") and _indent(above) < _indent(line)
    if is_text_of_above or not line.strip() or _COLON.search(line) or line.lstrip()[:1] in "-#":
        return None
    where = _on_line(stumbled, number, _indent(line))
    return Mistake(where, "no colon after a key in this line", "write key: value")


def _key_without_colon(stumbled: Stumbled) -> Mistake | None:
    if stumbled.begun is None:
        return None
    number = stumbled.begun.line
    return _no_space(stumbled, number) or _no_colon(stumbled, number)


def _second_colon(stumbled: Stumbled) -> Mistake:
    """Distinguish a colon in a value from one that an earlier line or the indentation misplaced."""
    number = stumbled.at.line
    line = stumbled.line(number)
    if _SEVERAL.match(line):
        return Mistake(stumbled.at, "a colon in a value", "put the value in quotes")
    found = None
    while number > 0 and (
        above := _no_space(stumbled, number - 1) or _no_colon(stumbled, number - 1)
    ):
        number, found = number - 1, above
    if found:
        return found
    where = _on_line(stumbled, stumbled.at.line, _indent(line))
    message = "this line is indented deeper than the one before, which has its value"
    return Mistake(where, message, "begin it below the key before, or quote what holds a colon")


def _open_quote(stumbled: Stumbled) -> Mistake | None:
    message = "the quote that opens here is never closed"
    return Mistake(stumbled.begun, message, "close it") if stumbled.begun else None


def _open_bracket(stumbled: Stumbled) -> Mistake | None:
    """Distinguish an unclosed bracket from a missing comma between two lines of a list."""
    begun, at = stumbled.begun, stumbled.at
    if begun is None:
        return None
    opening, line = stumbled.line(begun.line), stumbled.line(at.line)
    is_inside = line.strip() and _indent(line) > _indent(opening)
    if at.line > begun.line and not is_inside:
        return Mistake(begun, "the bracket that opens here is not closed", "close it")
    number = at.line
    if not line[: at.column].strip(" \t\"'") or ":" not in line[: at.column]:
        number -= 1
        while number > begun.line and not stumbled.line(number).strip():
            number -= 1
    if number == at.line or number < begun.line:
        return Mistake(at, "expected a comma or the closing bracket")
    end = len(stumbled.line(number).rstrip())
    return Mistake(_on_line(stumbled, number, end), "expected a comma or the closing bracket")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _no_key(stumbled: Stumbled) -> Mistake | None:
    """Explain why the text after a mapping's value can't stand there."""
    before = stumbled.before
    if isinstance(before, yaml.ScalarEvent) and before.style in {"'", '"'}:
        start, end = place(before.start_mark), place(before.end_mark)
        if start.line < end.line and end.line == stumbled.at.line:
            return Mistake(start, "the quote that opens here is not closed on its line", "close it")
        if end.line == stumbled.at.line:
            hint = 'in \'…\' a quote is written twice, in "…" as \\"'
            return Mistake(stumbled.at, "text after a closing quote", hint)
    if stumbled.here[:1] in {"}", "]"}:
        return Mistake(stumbled.at, "a closing bracket that nothing opens", "remove it")
    if not stumbled.line(stumbled.at.line)[: stumbled.at.column].strip():
        message = "no line above is indented like this one"
        return Mistake(stumbled.at, message, "begin it below the key that it stands beside")
    return None


def _no_document(stumbled: Stumbled) -> Mistake | None:
    if stumbled.here[:1] not in {"{", "["}:
        return None
    hint = "an event in JSON a line is NDJSON: name the file *.ndjson"
    return Mistake(stumbled.at, "a second document without --- before it", hint)


def _end_alone(stumbled: Stumbled) -> Mistake | None:
    if not stumbled.here.startswith("..."):
        return None
    return Mistake(stumbled.at, "the end of a document, and none before it", "remove the ...")


def _no_token(stumbled: Stumbled) -> Mistake:
    if stumbled.here[:1] == "\t":
        return Mistake(stumbled.at, "a tab where only spaces may stand", "indent with spaces")
    hint = "indent with spaces, and quote a value that begins with @, ` or %"
    return Mistake(stumbled.at, stumbled.problem, hint)


def _hinted(hint: str) -> Callable[[Stumbled], Mistake]:
    return lambda stumbled: Mistake(stumbled.at, stumbled.problem, hint)


_FINDERS: dict[str, Callable[[Stumbled], Mistake | None]] = {
    # by a part of the parser's sentence, libyaml's and PyYAML's own
    "could not find expected ':'": _key_without_colon,
    "mapping values are not allowed": _second_colon,
    "scanning a quoted scalar": _open_quote,
    "',' or": _open_bracket,
    "did not find expected key": _no_key,
    "expected <block end>": _no_key,
    "<document start>": _no_document,
    "expected node content": _end_alone,
    "tab character": _hinted("indent with spaces"),
    "cannot start any token": _no_token,
    "sequence entries are not allowed": _hinted("begin the list on a line of its own"),
    "Unicode character": _hinted("write the character itself, or \\U and eight digits"),
}
