"""Findings as compilers print them: place, rule, sentence, the line with a caret."""

from collections.abc import Callable, Iterable
from shutil import get_terminal_size
from typing import TextIO

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.reporters.reporter import Reporter, SourceLine
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.findings import headline
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.snippet import snippet
from medtrack_cli.output.style import Style, marks_for


class HumanReporter(Reporter):
    """Writes for people; values in the lines shown are masked unless `reveal`.

    Paths that can't be read go to `on_error`; without it they are part of the report.
    """

    most: int | None = 50

    def __init__(
        self,
        out: TextIO,
        style: Style,
        on_error: Callable[[InputMissing], None] | None,
        *,
        reveal: bool,
        quiet: bool,
    ) -> None:
        super().__init__(out)
        self._on_error = on_error
        self._reveal = reveal
        self._quiet = quiet
        width, marks = get_terminal_size((100, 24)).columns, marks_for(out.encoding)
        self._sheet = Sheet(width, marks, style, is_terminal=out.isatty())

    def finding(self, finding: Finding, line: SourceLine) -> None:
        self._write(headline(finding, self._sheet))
        text = line()
        if text is not None and finding.span.column <= len(text) + 1:  # a long line is cut
            self._frame(finding, text, "red" if finding.is_error else "yellow")
        if finding.suggestion:
            self._write(self._sheet.sentence(finding.suggestion, "cyan", "  hint:"))

    def _write(self, lines: Iterable[str]) -> None:
        self._out.writelines(f"{line}\n" for line in lines)

    def _frame(self, finding: Finding, line: str, colour: str) -> None:
        style = self._sheet.style
        number = str(finding.span.line)
        gutter = " " * len(number)
        room = max(self._sheet.width - len(number) - 4, 20)
        shown = snippet(line, finding.span, room, reveal=self._reveal)
        bar = style("|", "dim")
        self._out.write(f"{style(number, 'dim')} {bar} {shown.text}\n")
        self._out.write(f"{gutter} {bar} {style(shown.caret, colour)}\n")

    def unreadable(self, error: InputMissing) -> None:
        if self._on_error:
            self._out.flush()
            self._on_error(error)
        else:
            self._out.write(f"error: {safe_text(error.message)}\n")

    def finish(self, verdict: Verdict) -> None:
        if verdict.hidden:
            hint = "--max-findings shows more"
            self._out.write(f"… and {verdict.hidden:,} more findings; {hint}\n")
        if not self._quiet:
            self._out.write(f"{verdict.sentence()}\n")
