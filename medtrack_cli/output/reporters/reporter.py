"""What a reporter is given, in the order of the input."""

from collections.abc import Callable
from typing import Protocol

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding

SourceLine = Callable[[], str | None]
"""Fetch the source line that a finding points at; None when it isn't available."""


class Reporter(Protocol):
    """Gets each file and its findings, then the summary."""

    most: int | None
    """How many findings it shows by default; None: all."""

    def file(self, name: str) -> None:
        """Begin a file."""

    def finding(self, finding: Finding, line: SourceLine) -> None:
        """Report a finding in the current file."""

    def unreadable(self, error: InputMissing) -> None:
        """Report a path that can't be read, or not to its end."""

    def finish(self, verdict: Verdict) -> None:
        """Write what comes last."""


def sentence_of(finding: Finding) -> str:
    """Put a finding in one line: the message, then the suggestion."""
    return f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message
