"""Where things are in the text of an event: from paths to offsets, lines and columns.

`put` changes one place of the text and nothing else.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import Protocol

from medtrack_cli.events.findings import At, Path, Span
from medtrack_cli.events.json_text import skip_space

# A pair of surrogates is one character.
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.", re.DOTALL)

# Skips a value without converting its digits to numbers.
_SKIPPER = json.JSONDecoder(parse_int=str, parse_float=str)


def locate(text: str, path: Path, at: At = At.VALUE) -> tuple[int, int]:
    """Find where a value, a key or an opening bracket is: start and end offset.

    `text` is valid JSON. Of duplicate keys the last one's value counts, as for readers; the key is
    the second one's, which should be removed. A path that leads nowhere ends at its nearest parent.
    """
    key, start = None, skip_space(text, 0)
    for step, part in enumerate(path, 1):
        is_last = step == len(path)
        if at is At.OPENING and is_last:
            break
        found = child(text, start, part, second=at is At.KEY and is_last)
        if found is None:
            key = None
            break
        key, start = found
    if at is At.KEY and key is not None:
        return key, end_of(text, key)
    return start, start + 1 if at is At.OPENING else end_of(text, start)


def child(
    text: str, start: int, part: str | int, *, second: bool = False
) -> tuple[int | None, int] | None:
    """Find a member or an item: the offsets of its key, None in a list, and of its value."""
    found = _children(text)(start).get(part)
    if found is None:
        return None
    return found[1] if second and len(found) > 1 else found[-1]


class _Children(Protocol):
    """By key or index: the offsets of each key, None in a list, and of its value."""

    def get(self, part: str | int, /) -> list[tuple[int | None, int]] | None: ...


class _Items:
    """The offsets of a list's items, found as far as needed."""

    def __init__(self, text: str, start: int) -> None:
        self._found: list[int] = []
        self._rest = _items(text, start)

    def get(self, index: str | int, /) -> list[tuple[int | None, int]] | None:
        if isinstance(index, str):
            return None
        self._found += islice(self._rest, max(0, index + 1 - len(self._found)))
        return [(None, self._found[index])] if 0 <= index < len(self._found) else None


@lru_cache(maxsize=2)  # all problems of an event, and of its record, are located in one go
def _children(text: str) -> Callable[[int], _Children]:
    """Cache what is in each object and list of a text: it may have many problems."""

    @cache
    def children(start: int) -> _Children:
        if text[start] == "[":
            return _Items(text, start)
        found: dict[str | int, list[tuple[int | None, int]]] = {}
        if text[start] == "{":
            for name, key, value in members(text, start):
                found.setdefault(name, []).append((key, value))
        return found

    return children


def members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Walk an object: each key with its offset and its value's; values are skipped in C."""
    offset = skip_space(text, start + 1)
    while text[offset] != "}":
        key, end = _SKIPPER.raw_decode(text, offset)
        value = skip_space(text, skip_space(text, end) + 1)
        yield key, offset, value
        offset = _next(text, value)


def _items(text: str, start: int) -> Iterator[int]:
    offset = skip_space(text, start + 1)
    while text[offset] != "]":
        yield offset
        offset = _next(text, offset)


def _next(text: str, value: int) -> int:
    """Skip a value and the comma after it."""
    offset = skip_space(text, end_of(text, value))
    return skip_space(text, offset + 1) if text[offset] == "," else offset


def end_of(text: str, start: int) -> int:
    """Find the end of the value that begins at an offset."""
    return _SKIPPER.raw_decode(text, start)[1]


def in_string(text: str, quote: int, offset: int) -> int:
    """Find where a character of a string's value is in the string's JSON text."""
    place, seen = quote + 1, 0
    for escape in _ESCAPE.finditer(text, place):
        if seen + escape.start() - place >= offset:
            break
        seen += escape.start() - place + 1
        place = escape.end()
    return place + offset - seen


def line_column(text: str, offset: int) -> tuple[int, int]:
    r"""Count the line and column of an offset, from 1; lines end at \n and \r\n, as in editors."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def span_of(text: str, start: int, end: int, *, line: int = 1, column: int = 1) -> Span:
    """Place a part of a text that begins at `line` and `column` of its file."""
    own_line, own_column = line_column(text, start)
    newline = text.find("\n", start)
    line_end = len(text) if newline < 0 else newline
    if newline > 0 and text[newline - 1] == "\r":
        line_end -= 1
    length = max(0, min(end, line_end) - start)
    first = own_column + column - 1 if own_line == 1 else own_column
    return Span(line + own_line - 1, first, first + length)


def put(text: str, path: Sequence[str], value: object) -> str:
    """Set a value at a path; missing members are added after the others.

    `text` is valid JSON without a BOM. LookupError, with the part of the path, where a value has no
    members or items, or a list has no such item.
    """
    start = skip_space(text, 0)
    for depth, part in enumerate(path):
        opening = text[start]
        is_item = opening == "[" and part.isdecimal() and part.isascii()
        found = child(text, start, int(part) if is_item else part)
        if found is None and opening == "{":
            return _added(text, start, path[depth:], value)
        if found is None:
            raise LookupError(part)
        start = found[1]
    return text[:start] + _written(value) + text[end_of(text, start) :]


def _added(text: str, start: int, path: Sequence[str], value: object) -> str:
    for part in reversed(path[1:]):
        value = {part: value}
    values = [place for _name, _key, place in members(text, start)]
    end = end_of(text, values[-1]) if values else start + 1
    comma = "," if values else ""
    return f"{text[:end]}{comma}{_written(path[0])}:{_written(value)}{text[end:]}"


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
