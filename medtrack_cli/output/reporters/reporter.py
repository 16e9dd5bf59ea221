"""What a reporter is given, in the order of the input."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TextIO

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding

SourceLine = Callable[[], str | None]
"""Fetch the source line that a finding points at; None when it isn't available."""

FilePlace = Callable[[str], str]
"""From a file's name as the user gave it to its name in a report."""

STDIN = "<stdin>"


class Reporter(ABC):
    """Gets each file and its findings, then the summary."""

    most: int | None = None
    """How many findings it shows by default; None: all."""

    def __init__(self, out: TextIO, file_place: FilePlace = str) -> None:
        self._out = out
        self._file_place = file_place

    def file(self, name: str) -> None:  # noqa: B027 -- most say nothing of a valid file
        """Begin a file."""

    @abstractmethod
    def finding(self, finding: Finding, line: SourceLine) -> None:
        """Report a finding in the current file."""

    @abstractmethod
    def unreadable(self, error: InputMissing) -> None:
        """Report a path that can't be read, or not to its end."""

    @abstractmethod
    def finish(self, verdict: Verdict) -> None:
        """Write what comes last."""


def sentence_of(finding: Finding) -> str:
    """Put a finding in one line: the message, then the suggestion."""
    return f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message


def file_places(environ: Mapping[str, str]) -> FilePlace:
    """Name files relative to the checkout's root on GitHub or GitLab, wherever the command runs.

    A file outside of it, and every file elsewhere, keeps its name.
    """
    workspace = environ.get("GITHUB_WORKSPACE") or environ.get("CI_PROJECT_DIR")
    if not workspace:
        return str
    root = os.path.realpath(workspace)

    def from_root(name: str) -> str:
        path = os.path.abspath(name)  # noqa: PTH100 -- a link keeps its name, as in the checkout
        is_inside = name != STDIN and os.path.commonpath([root, path]) == root
        return os.path.relpath(path, root) if is_inside else name

    return from_root
