"""Findings as GitHub and GitLab show them beside the lines of a change."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import TextIO

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import NOWHERE, Finding
from medtrack_cli.output.reporters.reporter import (
    STDIN,
    FilePlace,
    Reporter,
    SourceLine,
    sentence_of,
)
from medtrack_cli.output.safe_text import safe_text


class GithubReporter(Reporter):
    """Writes workflow commands, `::error` and `::warning` lines, and a summary."""

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


class GitlabReporter(Reporter):
    """Writes a code quality report, one JSON array, as it goes.

    https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    """

    def __init__(self, out: TextIO, file_place: FilePlace) -> None:
        super().__init__(out, file_place)
        self._separator = ""
        self._alike: Counter[str] = Counter()
        out.write("[")

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002 -- it has the files
        severity = "major" if finding.is_error else "minor"
        place = finding.file, max(1, finding.span.line), finding.pointer
        self._write(finding.rule, sentence_of(finding), severity, *place)

    def unreadable(self, error: InputMissing) -> None:
        self._write("unreadable", error.what, "critical", error.subject, 1)

    def finish(self, verdict: Verdict) -> None:  # noqa: ARG002 -- the form has no summary
        self._out.write("\n]\n")

    def _write(  # noqa: PLR0913, PLR0917 -- what GitLab wants to know
        self, rule: str, text: str, severity: str, file: str, line: int, pointer: str = ""
    ) -> None:
        # What can't be a path in the repository, GitLab shows as it is.
        path = os.path.normpath(self._file_place(file)).encode(errors="replace").decode()
        issue = {
            "description": text,
            "check_name": rule,
            "fingerprint": self._fingerprint(f"{path}\0{rule}\0{pointer}\0{text}"),
            "severity": severity,
            "location": {"path": path, "lines": {"begin": line}},
        }
        self._out.write(f"{self._separator}\n{json.dumps(issue, separators=(',', ':'))}")
        self._separator = ","

    def _fingerprint(self, identity: str) -> str:
        """Identify a finding independently of its line; identical ones are numbered.

        GitLab shows only one of several with the same fingerprint, and compares branches by them.
        """
        key = sha256(identity.encode(errors="replace")).hexdigest()
        self._alike[key] += 1
        return sha256(f"{key} {self._alike[key]}".encode()).hexdigest()
