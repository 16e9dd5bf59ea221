"""What a reporter is told, in the order of the input."""

from collections.abc import Callable
from typing import Protocol

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding

SourceLine = Callable[[], str | None]
"""Fetch the line of the source that a finding points at; None when it can't be had."""


class Reporter(Protocol):
    """Told of each file, its findings, and at last the summary."""

    most: int | None
    """How many findings it shows unless told otherwise; None: all."""

    def file(self, name: str) -> None:
        """Begin with a file."""
        ...

    def finding(self, finding: Finding, line: SourceLine) -> None:
        """Take a finding in the file begun last."""
        ...

    def unreadable(self, error: InputMissing) -> None:
        """Take a path that can't be read, or not to its end."""
        ...

    def finish(self, verdict: Verdict) -> None:
        """Write what comes last."""
        ...


def sentence_of(finding: Finding) -> str:
    """Say a finding in one line: the message, and the suggestion after it."""
    return f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message
