"""Findings as GitLab's code quality report.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import json
import os
from collections import Counter
from hashlib import sha256
from typing import TextIO

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.reporters.reporter import FilePlace, Reporter, SourceLine, sentence_of

_UNREADABLE = "unreadable"


class GitlabReporter(Reporter):
    """Writes one JSON array as it goes."""

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
        self._write(_UNREADABLE, error.what, "critical", error.subject, 1)

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
