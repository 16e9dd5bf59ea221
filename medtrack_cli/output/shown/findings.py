"""A problem of an event, at its place."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.masking import masked_pointer
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet, picked
from medtrack_cli.output.wrapping import wrapped


class ShownFinding(NamedTuple):
    """A finding without its source line."""

    found: Finding

    def records(self) -> Iterator[Record]:
        found = self.found
        yield {
            "kind": Kind.FINDING,
            "file": found.file,
            "line": found.span.line or None,
            "column": found.span.column or None,
            "end_column": found.span.end_column or None,
            **picked(found, "pointer", "rule", "severity", "message", "suggestion"),
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        found = self.found
        pointer = f" at {safe_text(masked_pointer(found.pointer))}" if found.pointer else ""
        yield from headline(found, sheet, pointer)
        if found.suggestion:
            yield from sheet.sentence(found.suggestion, "cyan", "  hint:")


def headline(found: Finding, sheet: Sheet, pointer: str = "") -> Iterator[str]:
    """Give a finding's place, rule and sentence, broken between words."""
    style, place = sheet.style, safe_text(found.place)
    rule, colour = f"{found.severity}[{found.rule}]", "red" if found.is_error else "yellow"
    text = f"{place}: {rule}{pointer}: {safe_text(found.message)}"
    for line in wrapped(text, sheet.room, indent="  "):
        coloured = line.replace(rule, style(rule, colour), 1)
        if line.startswith(place):
            coloured = style(place, "bold") + coloured.removeprefix(place)
        yield coloured
