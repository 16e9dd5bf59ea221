"""The text a YAML parser is fed: strictly UTF-8, no line breaks that readers disagree on."""

import codecs
import re
from typing import BinaryIO

from medtrack_cli.events.findings import Rule, Span
from medtrack_cli.events.json_text import MAX_BODY
from medtrack_cli.files.reading.streams import read_some
from medtrack_cli.yaml_nodes import Place, Trouble

_CHUNK = 64 * 1024
_KEPT = 4 * _CHUNK  # the part of the text in which mistakes are searched
_SLACK = 4 * _CHUNK  # what the parser may have read ahead, and comments around an event

# What YAML forbids, and U+0085, U+2028, U+2029: line breaks in YAML 1.1, but not in 1.2.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|\r(?!\n)"
)


class TextStream:
    """A file as text, without its BOM; it ends early, with `fault` set, where it isn't YAML.

    Then `end` is where it was cut off.
    """

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self.fault: Trouble | None = None
        self._stream = stream
        self._head = head
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._line = self._column = self._offset = 0
        self._event = Place(0, 0, 0)
        self._kept = ""  # the end of what has been read

    @property
    def end(self) -> Place:
        """The end of what has been read."""
        return Place(self._line, self._column, self._offset)

    def last_lines(self) -> dict[int, str]:
        """Give the last lines by number, from 0; incomplete ones are left out."""
        lines = self._kept.split("\n")
        first = self._line - len(lines) + 1
        is_cut = first > 0 or len(self._kept) == _KEPT
        return {
            number: line.removesuffix("\r")
            for number, line in enumerate(lines, first)
            if not (is_cut and number == first)
        }

    def begin(self, event: Place) -> None:
        """Note where an event begins: up to 16 MiB of text may follow from there."""
        self._event = event

    def read(self, size: int = -1) -> str:  # noqa: ARG002 -- the parser's protocol
        """Read the next piece of text, of any length; empty at the end."""
        text, is_end = "", False
        while not text and not is_end and not self.fault:
            if self._offset - self._event.offset > MAX_BODY + _SLACK:
                line, column, _ = self._event
                message = f"the event is larger than {MAX_BODY} bytes"
                self._stop(Rule.TOO_LARGE, Span(line + 1, column + 1, column + 1), message)
                break
            chunk = self._head or read_some(self._stream, _CHUNK)
            self._head = b""
            if chunk.endswith(b"\r"):
                chunk += self._stream.read(1)
            is_end = not chunk
            text = self._decode(chunk)
        return text

    def _decode(self, chunk: bytes) -> str:
        try:
            text, is_utf8 = self._decoder.decode(chunk, final=not chunk), True
        except UnicodeDecodeError as error:
            text, is_utf8 = error.object[: error.start].decode("utf-8"), False
        if not self._offset:
            text = text.removeprefix("\ufeff")
        forbidden = _FORBIDDEN.search(text)
        if forbidden:
            text = text[: forbidden.start()]
        self._pass_over(text)
        here = Span(self._line + 1, self._column + 1, self._column + 2)
        if forbidden:
            name = f"U+{ord(forbidden.group()):04X}"
            suggestion = "write it as an escape in a double-quoted string"
            self._stop(Rule.YAML_SYNTAX, here, f"{name} is not allowed in YAML", suggestion)
        elif not is_utf8:
            self._stop(Rule.BAD_ENCODING, here, "this byte is not UTF-8")
        return text

    def _pass_over(self, text: str) -> None:
        newline = text.rfind("\n")
        if newline >= 0:
            self._line += text.count("\n")
            self._column = 0
        self._column += len(text) - newline - 1
        self._offset += len(text)
        self._kept = (self._kept + text)[-_KEPT:]

    def _stop(self, rule: Rule, span: Span, message: str, suggestion: str = "") -> None:
        self.fault = Trouble(rule, (), span, message, suggestion)
