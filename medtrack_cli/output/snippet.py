"""A line of a source file with a caret below: what compilers show, without personal values."""

import re
import unicodedata
from typing import NamedTuple

from medtrack_cli.events.findings import Span
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text

# A quoted string, closed or not; or a run of plain characters. What stands between is structure.
_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*+"?|'[^']*+'?|[^\s{}\[\],:"']+(?::[^\s{}\[\],:"']+)*""")
_KEY_AHEAD = re.compile(r"\s*:(?=\s|$)|\s*:(?=[\"'{\[\d])")
_STARTS_KEY = frozenset("{,-?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


class Snippet(NamedTuple):
    """Two lines of the same width: what stands in the file, and the caret below it."""

    text: str
    caret: str


def snippet(line: str, span: Span, width: int, *, reveal: bool) -> Snippet:
    """Cut a line around the span to at most `width` columns, personal values masked in shape.

    Every character the terminal could obey or hide is shown as one `·`, so that columns hold.
    """
    shown = line if reveal else mask_line(line)
    cells = [_cell(char) for char in shown]
    start = min(span.column - 1, len(cells))
    end = max(start + 1, min(span.end_column - 1, len(cells)))
    first, last = _cut(len(cells), start, end, width)
    before = "…" if first > 0 else ""
    after = "…" if last < len(cells) else ""
    pad = len(before) + sum(map(_columns, cells[first:start]))
    mark = max(1, sum(map(_columns, cells[start : min(end, last)])))
    return Snippet(
        before + "".join(cells[first:last]) + after, " " * pad + "^" * min(mark, width - pad)
    )


def _cut(length: int, start: int, end: int, width: int) -> tuple[int, int]:
    """Choose which characters to show: the span with as much before it as after, if it must."""
    room = max(width - 2, 8)
    if length <= room:
        return 0, length
    spare = max(0, room - (end - start))
    first = max(0, min(start - spare // 2, length - room))
    return first, min(length, first + room)


def _cell(char: str) -> str:
    if char == "\t":
        return " "
    return char if safe_text(char) == char else "·"


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def mask_line(line: str) -> str:
    """Mask every value of a JSON or YAML line that could be personal; keys and structure stay.

    Works on the line alone, so what it can't place it masks: a value whose key stands on
    another line, the text of a block, whatever a syntax error has torn apart.
    """
    parts: list[str] = []
    position = 0
    key = ""
    for token in _TOKEN.finditer(line):
        between = line[position : token.start()]
        parts.append(between)
        text = token.group()
        position = token.end()
        is_key = _may_start_key(line[: token.start()]) and _KEY_AHEAD.match(line, position)
        inner = text.strip("\"'")
        if is_key and _NAME.fullmatch(inner):
            key = inner
            parts.append(text)
        else:
            parts.append(text.replace(inner, masked(key, inner)))
    return "".join(parts) + line[position:]


def _may_start_key(before: str) -> bool:
    rest = before.rstrip()
    return not rest or rest[-1] in _STARTS_KEY
