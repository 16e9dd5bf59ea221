"""Why it failed, and what to do next."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import MedtrackError, WrongExpression
from medtrack_cli.output.shown.shown import Record, Sheet


class ShownError(NamedTuple):
    """A failure."""

    failure: MedtrackError
    is_data: bool = False

    def records(self) -> Iterator[Record]:
        failure = self.failure
        yield {
            "kind": Kind.ERROR,
            "code": failure.code,
            "message": failure.message,
            "hint": failure.hint,
            "exit_code": int(failure.exit_code),
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        failure = self.failure
        yield from sheet.sentence(failure.message, "red", "error:")
        if isinstance(failure, WrongExpression):
            from medtrack_cli.output.snippet import expression_lines

            for line in expression_lines(failure, sheet.width):
                yield f"  {line}"
        if failure.hint:
            yield from sheet.sentence(failure.hint, "cyan", "hint:")
