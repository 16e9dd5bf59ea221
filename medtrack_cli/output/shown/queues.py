"""Queues in a table, with what has changed since they were last shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.queues import QueueState
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet

_NAMED = {
    "name": "queue",
    "publish_rate": "in/s",
    "deliver_rate": "out/s",
    "dead_letter": "dead letters to",
    "bindings": "bound by",
}
_FIELDS = ("name", "ready", "unacked", "consumers", "type", *QueueState._fields[6:], "state")
_TITLES = [_NAMED.get(each, each) for each in _FIELDS]
_LEFT_OUT_FIRST = (*_TITLES[:4:-1], *_TITLES[4:1:-1])
_UNKNOWN = "unknown"


class ShownQueues(NamedTuple):
    """Some queues. `before` holds what was shown of them last, `at` the time of this one."""

    queues: Sequence[QueueState]
    before: Mapping[str, QueueState] = {}
    at: str | None = None

    def records(self) -> Iterator[Record]:
        when = {"at": self.at} if self.at else {}
        for queue in self.queues:
            yield {"kind": Kind.QUEUE, **when, **queue._asdict()}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        rows = (
            [_cell(name, each, self.before.get(each.name), sheet) for name in _FIELDS]
            for each in self.queues
        )
        return sheet.table(_TITLES, rows, _LEFT_OUT_FIRST, (), heading=not self.before)


def _cell(name: str, queue: QueueState, before: QueueState | None, sheet: Sheet) -> str:
    """Show a field in words, with the change of a number."""
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
