"""Strict JSON (RFC 8259), read to find what is wrong with it and where.

Events go through faster readers; this one reads those that failed. A text is an event's body
decoded, without a BOM; offsets count its code points. No input, however deep, long or broken, costs
more than a few passes over it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from itertools import islice
from math import isinf
from typing import NoReturn

from medtrack_cli.events.findings import At, Path, Problem, Rule
from medtrack_cli.events.json_slips import GOES_ON, NO_NUMBER, slip_at

MAX_BODY = 16 * 1024 * 1024
"""The largest body an event may have, in bytes."""

MAX_DEPTH = 64
"""How deep objects and lists may be nested."""

MAX_DIGITS = 4300
"""The longest integer that Python itself reads in linear time."""

MOST = 1000  # problems of one kind that are reported: a hostile body could have millions

_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]'
    r"|NaN|-?Infinity|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?",
    re.DOTALL,
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class _NotJson(Exception):
    """A token that Python's reader accepts, but RFC 8259 and other readers don't."""


class _Pairs(list[tuple[str, object]]):
    """An object's members in order, with duplicates."""


@lru_cache(maxsize=1)
def decode(body: bytes) -> str:
    """Decode a body without its BOM; what isn't UTF-8 becomes U+FFFD."""
    return body.decode("utf-8", "replace").removeprefix("\ufeff")


_UTF_16 = "it begins as UTF-16 does: encode it as UTF-8"
_BEGINNINGS = {
    b"\x1f\x8b": "it begins as gzip does: does its message lack content_encoding?",
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}


def examine(
    body: bytes, max_depth: int = MAX_DEPTH, max_size: int = MAX_BODY
) -> tuple[object | None, list[Problem]]:
    """Read one event's text strictly, and name everything that isn't valid JSON.

    The value is None when the text can't be read; with duplicate keys alone it is given, with the
    last value of each.
    """
    if len(body) > max_size:
        return None, [Problem(Rule.TOO_LARGE, 0, f"the event is larger than {max_size} bytes")]
    try:
        text = body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        offset = len(body[: error.start].decode("utf-8").removeprefix("\ufeff"))
        hint = _BEGINNINGS.get(body[:2], "")
        return None, [Problem(Rule.BAD_ENCODING, offset, "this byte is not UTF-8", hint)]
    deep = _too_deep(text, max_depth)
    if deep is not None:
        message = f"objects and lists are nested more than {max_depth} deep"
        return None, [Problem(Rule.TOO_DEEP, deep, message)]
    try:
        value, has_duplicates = _parse(text)
    except json.JSONDecodeError as error:
        return None, [_syntax_problem(text, error)]
    except _NotJson:
        return None, [_bad_word(text)]
    problems = list(islice(_surrogates(text), MOST))
    if has_duplicates:
        problems += islice(_duplicates(text), MOST)
    return (None if problems and problems[0].rule is Rule.BAD_ENCODING else value), problems


def value_of(body: bytes) -> object | None:
    """Give the value that `examine` reads, sooner: nothing is looked for."""
    is_shallow = body.count(b"{") + body.count(b"[") <= MAX_DEPTH
    if is_shallow and len(body) <= MAX_BODY and b"\\u" not in body:  # which may be half a character
        with suppress(ValueError, _NotJson):
            value: object = _decoder().decode(body.decode("utf-8").removeprefix("\ufeff"))
            return value
    return examine(body)[0]


@cache
def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_refuse, parse_int=_integer, parse_float=_float)


def _too_deep(text: str, max_depth: int) -> int | None:
    """Find the bracket that opens one level too many."""
    if text.count("{") + text.count("[") <= max_depth:
        return None
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > max_depth:
                return token.start()
        elif first in "]}":
            depth -= 1
    return None


def _parse(text: str) -> tuple[object, bool]:
    """Parse a text of bounded depth; return the value and whether an object has a key twice."""
    has_duplicates = False

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal has_duplicates
        made = dict(pairs)
        has_duplicates = has_duplicates or len(made) != len(pairs)
        return made

    decoder = json.JSONDecoder(
        object_pairs_hook=members, parse_constant=_refuse, parse_int=_integer, parse_float=_float
    )
    value, end = decoder.raw_decode(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value, has_duplicates


def _refuse(word: str) -> NoReturn:
    raise _NotJson(word)


def _integer(digits: str) -> int:
    return _refuse(digits) if len(digits) > MAX_DIGITS else int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    return _refuse(digits) if isinf(number) else number


def _bad_word(text: str) -> Problem:
    """Find the first token that `_parse` refused: everything before it is JSON."""
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word.endswith(("NaN", "Infinity")):
            return Problem(Rule.JSON_SYNTAX, token.start(), f"{word} is not JSON")
        if word[0] in "-0123456789":
            try:
                _integer(word) if word.lstrip("-").isdecimal() else _float(word)
            except _NotJson:
                said = ("this number is larger than JSON readers can hold", "")
                is_number = not GOES_ON.match(text, token.end())
                return Problem(Rule.JSON_SYNTAX, token.start(), *(said if is_number else NO_NUMBER))
    raise AssertionError("the reader refused a text without a bad word")


_QUOTES = "JSON's strings and keys stand in double quotes"
TRAILING_COMMA = ("a comma before a closing bracket", "remove the comma")
_SENTENCES = {  # by the beginnings of the messages of Python's reader
    "Unterminated string": ("the string that opens here is never closed", ""),
    "Invalid control": ("a control character inside a string", "write it as an escape, \\n or \\t"),
    "Invalid \\": ("no such escape in JSON's strings", ""),
    "Illegal trailing comma": TRAILING_COMMA,
    "Extra data": ("expected nothing after the event", ""),
    "Expecting property name": ("expected a key in double quotes", _QUOTES),
    "Expecting ':'": ("expected a colon after the key", ""),
    "Expecting ','": ("expected a comma or the end of this object or list", ""),
    "Expecting value": ("expected a string, number, object, list, true, false or null", ""),
}


def _syntax_problem(text: str, error: json.JSONDecodeError) -> Problem:
    """Say what is wrong where, in words of ours that are the same for every Python version."""
    offset = error.pos
    start = next(start for start in _SENTENCES if error.msg.startswith(start))
    message, suggestion = _SENTENCES[start]
    if start == "Invalid \\":
        offset = text.rfind("\\", 0, offset + 1)
    elif start.startswith("Expecting"):
        found, before = text[offset : offset + 1], text[:offset].rstrip(" \t\r\n")
        if not found:
            message, suggestion = "the text ends too early" if before else "the text is empty", ""
        elif found in "]}" and before.endswith(","):
            offset, (message, suggestion) = len(before) - 1, TRAILING_COMMA
        elif found == "'":
            message, suggestion = "expected double quotes", _QUOTES
    is_stop = start.startswith(("Expecting", "Extra data")) and offset == error.pos
    if is_stop and (slip := slip_at(text, offset, is_value=start == "Expecting value")):
        message, suggestion = slip
    return Problem(Rule.JSON_SYNTAX, offset, message, suggestion)


def _surrogates(text: str) -> Iterator[Problem]:
    r"""Find strings with half of a surrogate pair (`"\ud800"`), which UTF-8 can't encode."""
    if not _SURROGATE_ESCAPE.search(text):
        return
    for token in _TOKEN.finditer(text):
        if text[token.start()] == '"' and _LONE_SURROGATE.search(json.loads(token.group())):
            message = "this string holds half of a surrogate pair"
            yield Problem(Rule.BAD_ENCODING, token.start(), message)


def _duplicates(text: str) -> Iterator[Problem]:
    tree = json.JSONDecoder(object_pairs_hook=_Pairs).raw_decode(text, skip_space(text, 0))[0]
    for path in dict.fromkeys(_duplicate_paths(tree, ())):
        yield Problem(Rule.DUPLICATE_KEY, path, "this key stands here twice", "keep one", At.KEY)


def _duplicate_paths(value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, _Pairs):
        seen = set()
        for key, member in value:
            if key in seen:
                yield (*path, key)
            seen.add(key)
            yield from _duplicate_paths(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _duplicate_paths(member, (*path, index))


def skip_space(text: str, offset: int) -> int:
    """Skip white space."""
    match = _SPACE.match(text, offset)
    return match.end() if match else offset
