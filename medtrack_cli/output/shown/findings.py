"""A problem of an event, in its place."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.masking import masked_pointer
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet


class ShownFinding(NamedTuple):
    """A finding without the line that it stands on."""

    found: Finding
    is_data: bool = True

    def records(self) -> Iterator[Record]:
        found = self.found
        yield {
            "kind": Kind.FINDING,
            "file": found.file,
            "line": found.span.line,
            "column": found.span.column,
            "end_column": found.span.end_column,
            "pointer": found.pointer,
            "rule": found.rule,
            "severity": found.severity,
            "message": found.message,
            "suggestion": found.suggestion,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        found, style = self.found, sheet.style
        place = style(f"{safe_text(found.file)}:{found.span.line}:{found.span.column}", "bold")
        colour = "red" if found.is_error else "yellow"
        rule = style(f"{found.severity}[{found.rule}]", colour)
        pointer = f" at {safe_text(masked_pointer(found.pointer))}" if found.pointer else ""
        yield f"{place}: {rule}{pointer}: {safe_text(found.message)}"
        if found.suggestion:
            yield from sheet.sentence(found.suggestion, "cyan", "  hint:")
