"""Queues, as a table or a paragraph each, with what has changed since they were shown last."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.queues import QueueState
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet
from medtrack_cli.output.wrapping import aligned, columns, wrapped

_TITLES = {
    "name": "queue",
    "publish_rate": "in/s",
    "deliver_rate": "out/s",
    "dead_letter": "dead letters to",
    "bindings": "bound by",
}
_FIELDS = QueueState._fields
_UNKNOWN = "unknown"
_HARD = "\N{NO-BREAK SPACE}"


class ShownQueues(NamedTuple):
    """Some queues. `before` has what was shown of them, `at` says when it is now."""

    queues: Sequence[QueueState]
    before: Mapping[str, QueueState] = {}
    at: str | None = None
    is_data: bool = True

    def records(self) -> Iterator[Record]:
        when = {"at": self.at} if self.at else {}
        for queue in self.queues:
            yield {"kind": Kind.QUEUE, **when, **queue._asdict()}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        rows = [self._row(queue, sheet) for queue in self.queues]
        titles = [_TITLES.get(name, name) for name in _FIELDS]
        widths = [max(map(columns, column)) for column in zip(titles, *rows, strict=True)]
        if sheet.room is not None and sum(widths) + 2 * len(widths) - 2 > sheet.room:
            for row in rows:
                yield from _paragraph(titles, row, sheet)
            return
        (heading,), *lines = aligned([titles, *rows], None)
        if not self.before:
            yield sheet.style(heading, "dim")
        yield from (line for (line,) in lines)

    def _row(self, queue: QueueState, sheet: Sheet) -> list[str]:
        before = self.before.get(queue.name)
        return [_cell(name, queue, before, sheet) for name in _FIELDS]


def _cell(name: str, queue: QueueState, before: QueueState | None, sheet: Sheet) -> str:
    """Say a field in words, with how much a number has changed."""
    value = getattr(queue, name)
    if name == "dead_letter" and value is None:
        return "-" if queue.type else _UNKNOWN
    if value is None:
        return _UNKNOWN
    if name == "bindings":
        return safe_text(" ".join(value)) or "-"
    if isinstance(value, str):
        return safe_text(value)
    text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
    was = getattr(before, name) if before else None
    if was is None or was == value:
        return text
    return f"{text} {sheet.marks.up if value > was else sheet.marks.down}{abs(value - was):,.4g}"


def _paragraph(titles: Sequence[str], row: Sequence[str], sheet: Sheet) -> Iterator[str]:
    """Give a queue its name on a line, and what is known of it below."""
    yield row[0]
    pairs = zip(titles[1:], row[1:], strict=True)
    facts = " ".join(f"{title.replace(' ', _HARD)}{_HARD}{cell}" for title, cell in pairs)
    for line in wrapped(facts, sheet.room, "  ", "  "):
        yield line.replace(_HARD, " ")
