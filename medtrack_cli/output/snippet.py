"""A line of a source file with a caret below, as compilers show it, without personal values."""

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from medtrack_cli.errors import WrongExpression
from medtrack_cli.events.findings import Span
from medtrack_cli.events.names import FIELD_NAME
from medtrack_cli.output.masking import masked, names_fields
from medtrack_cli.output.safe_text import hidden_in, is_invisible

# A quoted string, closed or not; or a plain text with all its words, including a comment after it.
# What stands between them is structure.
_PLAIN = r"""(?![-?](?=\s|$)|:)(?:[^\s{}\[\],:"']|:(?=[^\s{}\[\],"']))+"""
_TOKEN = re.compile(
    rf""""(?:[^"\\]|\\.)*+"?|'(?:[^']|'')*+'?|{_PLAIN}(?:[ \t]+{_PLAIN})*+""", re.DOTALL
)
_CHARACTER = re.compile(
    r"""\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]|.""",
    re.DOTALL,
)
_KEY_AHEAD = re.compile(r"""\s*:(?=[\s"'{\[\d]|$)""")
_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.-]{0,63}\}")
_BEFORE_KEY = frozenset("{,-?")


class Snippet(NamedTuple):
    """A source line and the caret line below it, of the same width."""

    text: str
    caret: str


def snippet(line: str, span: Span, width: int, *, reveal: bool) -> Snippet:
    """Cut a line around the span to at most `width` columns, personal values masked in shape.

    Each character that the terminal could obey or hide becomes one `·`, so that columns stay
    aligned.
    """
    shown = line if reveal else mask_line(line)
    start = min(span.column - 1, len(shown))
    end = max(start + 1, min(span.end_column - 1, len(shown)))
    first, last = _cut(shown, start, end, max(width - 2, 8))
    before = "…" if first > 0 else ""
    after = "…" if last < len(shown) else ""
    text = before + _cells(shown[first:last]) + after
    pad = len(before) + sum(map(_columns, shown[first:start]))
    mark = sum(map(_columns, shown[start : min(end, last)]))
    return Snippet(text, " " * pad + "^" * max(1, mark))


def expression_lines(error: WrongExpression, width: int) -> Snippet:
    """Show where an expression is wrong, unmasked: the user has just typed it."""
    lines = error.expression.split("\n")
    line = lines[min(error.line, len(lines)) - 1]
    span = Span(error.line, error.column, error.column + 1)
    return snippet(line, span, width - 2, reveal=True)


def _cut(text: str, start: int, end: int, room: int) -> tuple[int, int]:
    """Choose the characters to show: the span's first, then as many before it as after it."""
    shorter = text[: room + 1]
    if len(text) <= room and sum(map(_columns, shorter)) <= room:
        return 0, len(text)
    last = start + _fitting(text[start : min(end, start + room)], room)
    room -= sum(map(_columns, text[start:last]))
    ahead = _fitting(text[last : last + room], room)
    before = _fitting(text[max(0, start - room) : start][::-1], max(room // 2, room - ahead))
    first = start - before
    room -= sum(map(_columns, text[first:start]))
    return first, last + _fitting(text[last : last + room], room)


def _fitting(text: str, room: int) -> int:
    """Count the characters that fit into `room` columns."""
    return bisect_right([*accumulate(map(_columns, text))], room)


def _cells(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if not is_hidden else " " if char == "\t" else "·" * _columns(char)
        for char, is_hidden in zip(text, hidden_in(text), strict=True)
    )


@lru_cache(maxsize=1024)  # a line has few different ones
def _columns(char: str) -> int:
    """Count the columns of a character, as `_cells` shows it."""
    if is_invisible(char):
        return 1
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@lru_cache(maxsize=1)  # many findings often point at one line, and a line can be long
def mask_line(line: str) -> str:
    """Mask every value of a JSON or YAML line that could be personal; keys and structure stay.

    It sees only this line, so it masks whatever it can't assign: a value whose key is on another
    line, the text of a block, a comment, the parts of a syntax error. The names of a scenario's
    shared values stay.
    """
    shown = "".join(_masked_parts(line))
    parts, position = [], 0
    for found in _PLACEHOLDER.finditer(line):
        parts += [shown[position : found.start()], found[0]]
        position = found.end()
    return "".join([*parts, shown[position:]])


def _masked_parts(line: str) -> Iterator[str]:
    position = 0
    key = before = ""
    for token in _TOKEN.finditer(line):
        between = line[position : token.start()]
        yield between
        before = between.rstrip()[-1:] or before
        text, position = token.group(), token.end()
        inner = text.strip("\"'")
        may_be_key = not before or before in _BEFORE_KEY
        if may_be_key and _KEY_AHEAD.match(line, position) and FIELD_NAME.fullmatch(inner):
            key = inner
            yield text
        elif key == "body_text" and inner.startswith("{"):
            yield _masked_body(text)
        else:
            yield text.replace(inner, masked(key, inner)) if inner else text
            key = key if names_fields(key) else ""
        before = text[-1]
    yield line[position:]


def _masked_body(text: str) -> str:
    """Mask an event that stands, escaped, in its record; each escape keeps its width."""
    pieces = _CHARACTER.findall(text)
    values = [each if len(each) == 1 else json.loads(f'"{each}"') for each in pieces]
    shown = mask_line("".join(values[1:]))
    kept = zip(pieces[1:], values[1:], shown, strict=True)
    return text[0] + "".join(p if v == m else m * len(p) for p, v, m in kept)
