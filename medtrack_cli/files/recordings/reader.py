"""Events in recordings: a header line, then a delivery a line. The format: docs/recordings.md."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from medtrack_cli.core.delivery import Content, Delivery, content_of
from medtrack_cli.core.items import Corrupt, Item
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.errors import NotARecording
from medtrack_cli.events import json_places, json_text
from medtrack_cli.events.findings import At, Finding, Rule, Span
from medtrack_cli.events.findings import Path as EventPath
from medtrack_cli.files.reading.syntax import CutOff
from medtrack_cli.files.recordings.checksums import (
    EVENT_LINE,
    KIND,
    LARGE,
    has_seal,
    is_damaged,
    read_record,
)

FORMAT = 2  # the version that is written; it and all earlier ones are read
_SEALED_SINCE = 2

MOST_SEARCHED = 2**20
"""The largest record, in bytes, in which a place is searched: it is parsed in memory."""


class RecordedItem(NamedTuple):
    """An event in a recording: its exact body, and the delivery it came in."""

    file: str
    line: int
    body: bytes | None
    recorded: Delivery | Corrupt
    exact: bool = True
    findings: tuple[Finding, ...] = ()
    source: Item | None = None

    def span(self, where: EventPath | int, at: At = At.VALUE) -> Span:
        """Place a problem where it stands, escaped, in the record; else at the whole record."""
        record, body = self.source and self.source.body, self.body
        is_as_it_came = isinstance(self.recorded, Delivery) and self.recorded.body == body
        if not (self.source and record and body and is_as_it_came) or len(record) > MOST_SEARCHED:
            return Span(self.line, 1, 2)
        whole, inner = json_text.decode(record), body.decode("utf-8", "replace")
        quote, _ = json_places.locate(whole, ("body_text",))
        if whole[quote] != '"':  # its bytes stand there, in base64
            return Span(self.line, 1, 2)
        text = json_text.decode(body)
        start, end = (
            (where, where + 1) if isinstance(where, int) else json_places.locate(text, where, at)
        )
        mark = len(inner) - len(text)
        first, last = (json_places.in_string(whole, quote, mark + each) for each in (start, end))
        begin = self.source.span(())
        return json_places.span_of(whole, first, last, line=begin.line, column=begin.column)


class _Recorder:
    """Who recorded a line, by the header above; a recording may have several.

    The clock of a line is known if it stands as far below its header as it was written, also in
    joined files. `origin` is where it was recorded, at first by a header that isn't read.
    """

    def __init__(self, origin: Origin | None) -> None:
        self.origin = origin
        self._file = self._name = ""
        self._above = 0  # lines of other files before its own

    def begin(self, item: Item, header: Mapping[str, Any]) -> None:
        """Continue with a header."""
        self.origin = Origin.read(header)
        self._file, self._name = item.file, f"{header.get('run')} {header.get('started_at')}"
        self._above = item.line - _number(header)

    def clock_of(self, item: Item, record: Mapping[str, Any]) -> str:
        """Name the clock of a delivery's line; empty if unknown."""
        if item.file != self._file:  # such as one of which only the end is read
            self._file, self._name, self._above = item.file, item.file, 0
        return self._name if item.line - _number(record) == self._above else ""


def _number(record: Mapping[str, Any]) -> int:
    number = record.get("line")
    return number if isinstance(number, int) else 0


def unwrap(items: Iterable[Item], origin: Origin | None = None) -> Iterator[Item]:
    """Take the events out of recorded lines; headers are dropped, all else passes unchanged.

    `origin` comes from the header above the first line, where reading begins below one. A damaged
    line becomes an item without a body, and so does the rest of a .gz that ends too early.
    NotARecording when the format is too new.
    """
    last: Item | None = None
    recorder = _Recorder(origin)
    try:
        for item in items:
            last = item
            if item.body is None or not _may_be_ours(item.body):
                yield item
            elif unwrapped := _unwrap(item, item.body, recorder):
                yield unwrapped
    except CutOff as error:
        if not (last and last.body and last.body.startswith(KIND)):
            raise
        where = "from here on" if error.line else "somewhere after this line"
        reason = f"the gzip is cut off or damaged {where}"
        yield _corrupt(last.file, error.line or last.line, reason)


def _may_be_ours(line: bytes) -> bool:
    """Return whether a line may be a record: only deliveries are large."""
    return line.startswith(KIND) and (len(line) <= LARGE or EVENT_LINE.match(line) is not None)


def _unwrap(item: Item, line: bytes, recorder: _Recorder) -> Item | None:
    """Return a line's event; None for a header."""
    if is_damaged(line):
        return _corrupt(item.file, item.line, "its checksum differs")
    parse, from_record = _format()
    try:
        record = parse(line) if len(line) <= LARGE else read_record(line)
    except (ValueError, RecursionError) as error:
        is_cut = isinstance(error, json.JSONDecodeError)
        reason = "it is cut off" if is_cut else "it isn't as medtrack writes it"
        return _corrupt(item.file, item.line, reason) if EVENT_LINE.match(line) else item
    if record["kind"] == "event":
        try:
            delivery = from_record(record, recorder.clock_of(item, record), recorder.origin)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _corrupt(item.file, item.line, "it isn't as medtrack writes it")
        return _recorded(item, delivery, content_of(delivery))
    if record["kind"] == "recording":
        is_whole = is_readable(record, item.file) and (
            has_seal(line) or record["version"] < _SEALED_SINCE
        )
        recorder.begin(item, record)
        return None if is_whole else _corrupt(item.file, item.line, "it is no header")
    return item


@cache
def _format() -> tuple[Callable[[bytes], Any], Callable[..., Delivery]]:
    """Load what reads a record: most inputs contain none."""
    from medtrack_cli.core.record import from_record, parse

    return parse, from_record


def is_readable(header: dict[str, Any], file: str) -> bool:
    """Return whether a record is a header; NotARecording when its format is newer."""
    version = header.get("version")
    if not isinstance(version, int):
        return False
    if version > FORMAT:
        hint = f"this medtrack reads recordings up to version {FORMAT}: use a newer one"
        raise NotARecording(f"recording of a newer format (version {version})", file, hint=hint)
    return version > 0


def _recorded(item: Item, delivery: Delivery, content: Content) -> RecordedItem:
    """Make a delivery's item; without a body if it can't be decompressed."""
    recorded = RecordedItem(item.file, item.line, content.body, delivery, source=item)
    problem = content.problem
    if problem is None:
        return recorded
    finding = Finding(problem.rule, item.file, recorded.span(0), "", problem.message)
    return recorded._replace(body=None if finding.is_error else content.body, findings=(finding,))


def _corrupt(file: str, line: int, reason: str) -> RecordedItem:
    span = Span(line, 1, 2)
    finding = Finding(Rule.NOT_AN_EVENT, file, span, "", f"corrupt record: {reason}")
    return RecordedItem(file, line, None, Corrupt(reason), findings=(finding,))
