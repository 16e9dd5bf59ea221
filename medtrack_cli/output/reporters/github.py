"""Findings as workflow commands, which GitHub shows beside the lines of a pull request."""

from collections.abc import Mapping

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import NOWHERE, Finding
from medtrack_cli.output.reporters.reporter import (
    STDIN,
    Reporter,
    SourceLine,
    sentence_of,
)
from medtrack_cli.output.safe_text import safe_text


class GithubReporter(Reporter):
    """Writes `::error` and `::warning` lines and a summary."""

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002 -- GitHub has it
        span = finding.span
        place = {
            "file": self._file_place(finding.file),
            "line": span.line,
            "endLine": span.line,
            "col": span.column,
            "endColumn": span.end_column,
        }
        text = f"{finding.place}: {sentence_of(finding)}"  # the log shows only this
        title = f"medtrack {finding.rule}"
        self._command(
            finding.severity, title, {} if finding.file == STDIN or span == NOWHERE else place, text
        )

    def unreadable(self, error: InputMissing) -> None:
        place = {"file": self._file_place(error.subject)}
        self._command("error", "medtrack can't read", place, error.message)

    def finish(self, verdict: Verdict) -> None:
        self._out.write(f"{verdict.sentence()}\n")

    def _command(self, name: str, title: str, place: Mapping[str, object], message: str) -> None:
        properties = {"title": title, **place}
        listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
        self._out.write(f"::{name} {listed}::{_data(message)}\n")


def _data(text: str) -> str:
    """Escape a command's message as the runner unescapes it, so it can't start a new command."""
    return safe_text(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
