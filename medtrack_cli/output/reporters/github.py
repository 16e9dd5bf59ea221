"""Findings as workflow commands, which GitHub shows beside the lines of a pull request."""

from typing import TextIO

from medtrack_cli.core.validated import Validated
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.reporters.reporter import SourceLine, sentence_of
from medtrack_cli.output.safe_text import safe_text


class GithubReporter:
    """Writes `::error` and `::warning` lines and a summary."""

    most: int | None = None

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def file(self, name: str) -> None:
        """Say nothing of files that are in order."""

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002 -- GitHub has it
        span = finding.span
        properties = {
            "title": f"medtrack {finding.rule}",
            "file": finding.file,
            "line": span.line,
            "endLine": span.line,
            "col": span.column,
            "endColumn": span.end_column,
        }
        self._command(finding.severity, properties, sentence_of(finding))

    def unreadable(self, error: InputMissing) -> None:
        self._command("error", {"title": "medtrack can't read", "file": error.subject}, error.what)

    def finish(self, validated: Validated) -> None:
        self._out.write(f"{validated.sentence()}\n")

    def _command(self, name: str, properties: dict[str, object], message: str) -> None:
        listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
        self._out.write(f"::{name} {listed}::{_data(message)}\n")


def _data(text: str) -> str:
    """Escape a command's message as the runner unescapes it; nothing can start a new command."""
    return safe_text(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
