"""Events in recordings: a header line, then a delivery a line, as `listen -o json` prints them."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.inputs import Item
from medtrack_cli.events.findings import At, Finding, Span
from medtrack_cli.events.findings import Path as EventPath

_KIND = b'{"kind":'


class RecordedItem(NamedTuple):
    """An event in a recording: its exact body, and the delivery it came in."""

    file: str
    line: int
    body: bytes | None
    recorded: Delivery
    exact: bool = True
    findings: tuple[Finding, ...] = ()

    def span(
        self,
        where: EventPath | int,  # noqa: ARG002 -- the body stands escaped in its line
        at: At = At.VALUE,  # noqa: ARG002
    ) -> Span:
        """Point at the record: places inside the body aren't places in the file."""
        return Span(self.line, 1, 2)


def unwrap(items: Iterable[Item]) -> Iterator[Item]:
    """Take the events out of recorded lines; all else passes as it is, headers are dropped."""
    for item in items:
        if item.body is None or not item.body.startswith(_KIND):
            yield item
            continue
        from medtrack_cli.core.record import from_record  # most inputs hold no record

        try:
            record = json.loads(item.body)
            kind = record["kind"]
            if kind == "recording":
                continue
            delivery = from_record(record)
        except (ValueError, KeyError, TypeError):
            yield item
            continue
        yield RecordedItem(item.file, item.line, delivery.body, delivery)
