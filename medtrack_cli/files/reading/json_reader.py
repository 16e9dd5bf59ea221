"""Events in JSON and NDJSON files, each with its own bytes and its place."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from medtrack_cli.core.items import NoEventsHere, no_events_in
from medtrack_cli.events import json_places, json_text
from medtrack_cli.events.findings import At, Finding, Path, Rule, Span
from medtrack_cli.events.json_slips import COMMENT, NO_COMMENTS
from medtrack_cli.events.json_text import MAX_BODY
from medtrack_cli.files.known import is_yaml
from medtrack_cli.files.reading.over_lines import document, may_go_on
from medtrack_cli.files.reading.streams import BOM, read_some
from medtrack_cli.files.recordings.checksums import EVENT_LINE

MAX_LINE = MAX_BODY + 64 * 1024
"""Bytes of the longest line that is loaded: an event and some space around it."""

MAX_RECORDED_LINE = 3 * MAX_BODY + 1024 * 1024
"""The same for a line that records a delivery: its body as a value and as an escaped string."""

_SPACE = b" \t\r\n"
_CHUNK = 64 * 1024

_YAML = ("this is YAML, not JSON", "name the file *.yaml")
_SPACES = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_WORD = re.compile(rb'[^ \t\r\n,\[\]{}"]++')
_TO_BRACKET = re.compile(
    rb'(?:[^"\[\]{}/#]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?://|#)[^\n]*+|/\*.*?\*/|/)*+[\[\]{}]',
    re.DOTALL,
)


class JsonItem(NamedTuple):
    """An event in JSON: its bytes in the file, and where they begin."""

    file: str
    line: int
    body: bytes | None
    column: int = 1
    findings: tuple[Finding, ...] = ()
    exact: bool = True
    recorded: object | None = None

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:
        """Place a problem of the body in the file; paths begin at the body's root."""
        if self.body is None:
            return Span(self.line, self.column, self.column)
        text = json_text.decode(self.body)
        if isinstance(where, int):
            start, end = where, where + 1
        else:
            start, end = json_places.locate(text, where, at)
        return json_places.span_of(text, start, end, line=self.line, column=self.column)


def broken(file: str, span: Span, rule: Rule, message: str, suggestion: str = "") -> JsonItem:
    """Make the item for a place where an event should be but isn't."""
    finding = Finding(rule, file, span, "", message, suggestion)
    return JsonItem(file, span.line, None, span.column, (finding,))


Skip = Callable[[bytes, int], bool]
"""Decides by a line with its end, and its number, or by a whole file, that it needs no item."""


def read_lines(
    stream: BinaryIO,
    file: str,
    head: deque[bytes] | None = None,
    *,
    skip: Skip | None = None,
    lines_before: int = 0,
) -> Iterator[JsonItem | NoEventsHere]:
    """Read NDJSON, each event as soon as its line arrives; blank lines are skipped.

    `head` holds lines taken from the stream but not read yet, before and afterwards; `lines_before`
    counts the lines before it.
    """
    number, blank = lines_before, 0
    head = deque() if head is None else head
    lines = _lines(stream, head)
    for line in lines:
        number += 1
        if skip is not None and len(line) <= MAX_BODY and skip(line, number):
            continue
        body = line.rstrip(_SPACE)
        if body[:1] == BOM[:1]:
            body = body.removeprefix(BOM)
        if not body:
            blank += 1
            continue
        if len(line) > MAX_BODY:
            whole = _long_body(stream, line)
            if whole is None:
                yield _too_large(file, number, 1)
                continue
            body = whole
        begins = number
        if may_go_on(body):
            more, said = document(body, lines, head)
            number += more
            if more:
                yield broken(file, Span(begins, 1, 2), Rule.JSON_SYNTAX, *said)
                continue
        yield JsonItem(file, begins, body)
    if blank == number:
        yield no_events_in(file)


def _lines(stream: BinaryIO, head: deque[bytes]) -> Iterator[bytes]:
    while line := head.popleft() if head else stream.readline(MAX_LINE):
        yield line


def _long_body(stream: BinaryIO, line: bytes) -> bytes | None:
    """Read on to a long line's end, in constant memory; None if it is too long."""
    limit = MAX_RECORDED_LINE if EVENT_LINE.match(line) else MAX_BODY
    whole, last, is_whole = bytearray(line), line, True
    while not last.endswith(b"\n") and (last := stream.readline(_CHUNK)):
        is_whole = len(whole) <= limit
        if is_whole:
            whole += last
    if not is_whole:
        return None
    whole[-_CHUNK:] = whole[-_CHUNK:].rstrip(_SPACE)  # in place: copying a long line is slow
    body = bytes(whole).removeprefix(BOM).rstrip(_SPACE)
    return body if len(body) <= limit else None


def _too_large(file: str, line: int, column: int) -> JsonItem:
    message = f"the event is larger than {MAX_BODY} bytes"
    return broken(file, Span(line, column, column + 1), Rule.TOO_LARGE, message)


class _Window:
    """The part of a file that is loaded: `data`, which begins at offset `at`, `line`:`column`."""

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self._stream = stream
        self.data = head
        self.at = 0
        self.line = self.column = 1

    def grow(self) -> bool:
        """Load more, doubling the window; False at the file's end or past 16 MiB."""
        size = len(self.data) - self.at
        more = read_some(self._stream, max(_CHUNK, size)) if size <= MAX_BODY else b""
        self.data += more
        return bool(more)

    def advance(self, end: int) -> bytes:
        """Move past the bytes up to `end`."""
        taken = self.data[self.at : end]
        newline = taken.rfind(b"\n")
        if newline >= 0:
            self.line += taken.count(b"\n")
            self.column = 1
        self.column += len(taken[newline + 1 :].decode("utf-8", "replace"))
        self.at = end
        if self.at > _CHUNK:
            self.data, self.at = self.data[self.at :], 0
        return taken

    def skip_space(self) -> bytes:
        """Skip white space; return the byte after it, empty at the file's end."""
        while True:
            match = _SPACES.match(self.data, self.at)
            self.advance(match.end() if match else self.at)
            if self.at < len(self.data) or not self.grow():
                return self.data[self.at : self.at + 1]

    @property
    def here(self) -> Span:
        """The place of the next byte."""
        return Span(self.line, self.column, self.column + (self.at < len(self.data)))


def read_document(stream: BinaryIO, file: str, head: bytes = b"") -> Iterator[JsonItem]:
    """Read a JSON file: one event, or an array of any length, element by element.

    What breaks the array itself, or follows it, ends the reading with an item that says so. `head`
    was already taken from the stream.
    """
    window = _Window(stream, head)
    while len(window.data) < len(BOM) and window.grow():
        pass
    window.at = len(BOM) if window.data.startswith(BOM) else 0
    first = window.skip_space()
    if first == b"[":
        yield from _read_array(window, file)
    elif first == b"{":
        item = _read_value(window, file)
        yield item
        if item.body is not None:
            yield from _read_end(window, file)
    elif first:
        rest = _read_rest(window, file)
        if rest.body is not None and is_yaml(rest.body):
            yield broken(
                file, Span(rest.line, rest.column, rest.column + 1), Rule.JSON_SYNTAX, *_YAML
            )
        else:
            yield rest


def _read_array(window: _Window, file: str) -> Iterator[JsonItem]:
    window.advance(window.at + 1)
    found = window.skip_space()
    while found != b"]":
        item = _read_value(window, file)
        yield item
        if item.body is None:
            return
        found = window.skip_space()
        if found == b",":
            comma = window.here
            window.advance(window.at + 1)
            found = window.skip_space()
            if found == b"]":
                yield broken(file, comma, Rule.JSON_SYNTAX, *json_text.TRAILING_COMMA)
                return
        elif found != b"]":
            yield _unexpected(window, file, "expected a comma or the end of the array")
            return
    window.advance(window.at + 1)
    yield from _read_end(window, file)


def _read_end(window: _Window, file: str) -> Iterator[JsonItem]:
    if window.skip_space():
        message = "expected nothing more: a JSON file holds one event or one array of events"
        suggestion = "several events, one a line, are NDJSON: name the file *.ndjson"
        yield _unexpected(window, file, message, suggestion)


def _unexpected(window: _Window, file: str, message: str, suggestion: str = "") -> JsonItem:
    """Make the item for what can't stand here; a comment is named as one."""
    while window.at + 2 > len(window.data) and window.grow():
        pass
    if COMMENT.match(window.data[window.at : window.at + 2].decode("latin-1")):
        message, suggestion = NO_COMMENTS
    return broken(file, window.here, Rule.JSON_SYNTAX, message, suggestion)


def _read_value(window: _Window, file: str) -> JsonItem:
    """Read one value, whole but unchecked; an unfinished one has its fault instead of a body."""
    line, column = window.line, window.column
    if window.data[window.at : window.at + 1] in b",:}]/#":
        return _unexpected(window, file, "expected an event")
    end = _end_of_value(window)
    if end is None:
        rest = _read_rest(window, file)
        if rest.body is None:
            return rest
        problem = json_text.examine(rest.body)[1][0]
        return broken(file, rest.span(problem.where), problem.rule, problem.message)
    if end - window.at > MAX_BODY:
        return _too_large(file, line, column)
    return JsonItem(file, line, window.advance(end), column)


def _read_rest(window: _Window, file: str) -> JsonItem:
    """Take all that is left as one body."""
    line, column = window.line, window.column
    while window.grow():
        pass
    if len(window.data) - window.at > MAX_BODY:
        return _too_large(file, line, column)
    return JsonItem(file, line, window.advance(len(window.data)).rstrip(_SPACE), column)


def _end_of_value(window: _Window) -> int | None:
    """Find the offset after a value by brackets and quotes alone; None without an end."""
    if window.data[window.at] in b"[{":
        return _end_of_brackets(window)
    pattern = _STRING if window.data[window.at] in b'"' else _WORD
    match = pattern.match(window.data, window.at)
    while match is None or (pattern is _WORD and match.end() == len(window.data)):
        if not window.grow():
            break
        match = pattern.match(window.data, window.at)
    return match.end() if match else None


def _end_of_brackets(window: _Window) -> int | None:
    depth, end = 0, window.at
    while depth or end == window.at:
        match = _TO_BRACKET.match(window.data, end)
        if match:
            end = match.end()
            depth += 1 if window.data[end - 1] in b"[{" else -1
        elif not window.grow():
            return None
    return end
