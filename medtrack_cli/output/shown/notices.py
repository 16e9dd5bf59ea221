"""What is said beside the data: notes, warnings, and why it failed."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import MedtrackError, WrongExpression
from medtrack_cli.output.shown.shown import Record, Sheet, picked


class ShownNote(NamedTuple):
    """A line for a waiting person; a warning is shown even when quiet."""

    text: str
    is_warning: bool = False

    def records(self) -> Iterator[Record]:
        level = "warning" if self.is_warning else "note"
        yield {"kind": Kind.NOTE, "level": level, "message": self.text}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        if self.is_warning:
            return sheet.sentence(self.text, "yellow", "warning:")
        return sheet.sentence(self.text, "dim")


class ShownError(NamedTuple):
    """A failure, and what to do next."""

    failure: MedtrackError

    def records(self) -> Iterator[Record]:
        given = picked(self.failure, "code", "message", "hint")
        yield {"kind": Kind.ERROR, **given, "exit_code": int(self.failure.exit_code)}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        failure = self.failure
        yield from sheet.sentence(failure.message, "red", "error:")
        if isinstance(failure, WrongExpression):
            from medtrack_cli.output.snippet import expression_lines

            for line in expression_lines(failure, sheet.width):
                yield f"  {line}"
        if failure.hint:
            yield from sheet.sentence(failure.hint, "cyan", "hint:")
