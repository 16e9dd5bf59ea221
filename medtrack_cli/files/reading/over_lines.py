"""Documents in NDJSON: a document over several lines is one mistake, not one for each line."""

import re
from collections import deque
from collections.abc import Iterator

from medtrack_cli.events.json_text import MAX_BODY, MAX_DEPTH
from medtrack_cli.files.recordings.checksums import KIND

IN_SEVERAL_LINES = (
    "JSON is written over several lines here, and NDJSON has an event a line",
    "name the file *.json; of several, `jq -c .` writes one a line",
)
IN_YAML = ("this is YAML, and NDJSON has an event in JSON a line", "name the file *.yaml")

_SPACE = b" \t\r\n"
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]')
_CLOSED_BY = {b"{"[0]: b"}", b"["[0]: b"]"}
_FIELD = rb"event_type|payload|service|timestamp|version|vars|events"
_YAML = re.compile(rb"---(?:[ \t]|$)|(?:- )?\"?(?:%b)\"?:(?:\s|$)" % _FIELD)


def may_go_on(body: bytes) -> bool:
    """Return whether a line, by its look, may begin a document that continues on the next lines."""
    if body[-1] in b"{[,:" and body.lstrip(_SPACE)[:1] in {b"{", b"["}:
        return not body.startswith(KIND)  # in a recording each line has its own verdict
    return body[0] in b'-"epstv' and _YAML.match(body) is not None


def document(
    body: bytes, lines: Iterator[bytes], head: deque[bytes]
) -> tuple[int, tuple[str, str]]:
    """Take the lines of the document that `body` begins, in constant memory.

    Returns how many there are and what it is. A line that can't belong to it ends it, and is put
    into `head`.
    """
    is_json = body.lstrip(_SPACE)[:1] in {b"{", b"["}
    json = _Json(body)
    count = 0
    while not (is_json and json.is_closed) and (line := next(lines, b"")):
        text = line.strip(_SPACE)
        belongs = json.takes(line, text) if is_json else text[:1] != b"{"
        if len(line) > MAX_BODY or not (belongs or not text):
            head.append(line)
            break
        count += 1
    return count, IN_SEVERAL_LINES if is_json else IN_YAML


class _Json:
    """The open brackets of a JSON document, and how its last line ended."""

    def __init__(self, body: bytes) -> None:
        text = body.strip(_SPACE)
        self._is_list = text == b"["
        self._open = bytearray()
        self._last = b""
        self._read(text)

    @property
    def is_closed(self) -> bool:
        return not self._open

    def takes(self, line: bytes, text: bytes) -> bool:
        """Continue with a line, if it can follow the one before in the document."""
        if not text or not self._may_follow(text[:1]):
            return False
        if line.startswith(b'{"') and not self._is_list:
            return False  # an event after a line that was cut off: nested ones are indented
        return self._read(text)

    def _may_follow(self, first: bytes) -> bool:
        if self._last not in {b"{", b"[", b",", b":"}:
            return first in {b",", b"}", b"]", b":"}
        in_object = self._open[-1:] == b"{"
        if self._last == b"{" or (self._last == b"," and in_object):
            return first == b'"' or (self._last == b"{" and first == b"}")
        return first not in {b"}", b",", b":"} and (first != b"]" or self._last == b"[")

    def _read(self, text: bytes) -> bool:
        for token in _TOKEN.findall(text):
            if token in {b"{", b"["}:
                self._open += token
            elif token[:1] != b'"' and not (self._open and _CLOSED_BY[self._open.pop()] == token):
                return False
        self._last = text[-1:]
        return len(self._open) <= MAX_DEPTH
