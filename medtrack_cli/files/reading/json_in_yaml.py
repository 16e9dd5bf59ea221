"""JSON in a YAML file: valid JSON is read as JSON, so that its verdict is the same.

YAML parsers read it differently: none accepts escaped surrogate pairs, as JSON writes an emoji, and
some take U+2028 for a line break.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from medtrack_cli.core.validating.examine import compact
from medtrack_cli.events.findings import At, Finding, Path, Rule, Span
from medtrack_cli.events.json_text import MAX_BODY, MAX_DEPTH, examine
from medtrack_cli.files.reading.json_reader import JsonItem, read_document
from medtrack_cli.files.reading.streams import read_some

_CHUNK = 64 * 1024
_BEFORE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:(?:[ \t]*(?:#[^\n]*)?|%[^\n]*)\r?\n|---(?=\s))*[ \t]*(?=[{\[])"
)
_NOT_SPACE = re.compile(rb"[^\s\xef\xbb\xbf]")


@dataclass(frozen=True, slots=True)
class YamlItem:
    """An event of a YAML file as compact JSON, in envelope order; `locate` places its paths."""

    file: str
    line: int
    body: bytes | None
    findings: tuple[Finding, ...] = ()
    locate: Callable[[Path, At], Span] | None = None
    exact: bool = False
    recorded: object | None = None

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:
        """Place a problem of the body in the file; for an offset in the body, at the event."""
        if self.locate is None:
            return Span(self.line, 1, 1)
        return self.locate(() if isinstance(where, int) else where, at)


def take(stream: BinaryIO, head: bytes) -> tuple[bytes, bool]:
    """Read as much of a YAML file as decides whether all of it is JSON, and return whether it is.

    Comments and --- before the JSON then become spaces. More than 16 MiB are not held, and a
    scenario is YAML.
    """
    data = head or read_some(stream, _CHUNK)
    before = _BEFORE.match(data)
    if before is None:
        return data, False
    while len(data) <= MAX_BODY and (more := read_some(stream, max(_CHUNK, len(data)))):
        data += more
    if len(data) > MAX_BODY:
        return data, False
    text = _NOT_SPACE.sub(b" ", before[0]) + data[before.end() :]
    value, problems = examine(text, MAX_DEPTH + 1)
    is_scenario = isinstance(value, dict) and {"vars", "events"} <= value.keys()
    is_json = not any(each.rule is Rule.JSON_SYNTAX for each in problems) and not is_scenario
    return (text, True) if is_json else (data, False)


def read_json_in_yaml(text: bytes, file: str) -> Iterator[JsonItem | YamlItem]:
    """Read what was taken; an event that can't be rewritten is left as it is, and invalid."""
    for item in read_document(BytesIO(text), file):
        value, problems = examine(item.body or b"")
        if problems or not isinstance(value, dict):
            yield item
            continue
        yield YamlItem(file, item.line, compact(value), locate=item.span)
