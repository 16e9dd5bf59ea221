"""Findings as a JUnit report: a test case a file, failed by its errors."""

import tempfile
from contextlib import closing
from shutil import copyfileobj
from typing import TextIO
from xml.sax.saxutils import quoteattr

from medtrack_cli.core.validated import Validated
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.reporters.reporter import SourceLine, sentence_of
from medtrack_cli.output.safe_text import safe_text


class JunitReporter:
    """Writes one XML document; its test cases wait in a temporary file for the totals."""

    most: int | None = None

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._cases = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 -- to the end
        self._is_open = False
        self._name = ""
        self._tests = self._failures = self._errors = 0

    def file(self, name: str) -> None:
        self._close_case()
        self._name = name
        self._is_open = True
        self._tests += 1
        self._cases.write(f'    <testcase classname="medtrack.validate" name={_attribute(name)}>\n')

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002
        place = f"{finding.file}:{finding.span.line}:{finding.span.column}"
        text = f"{place}: {sentence_of(finding)}"
        if finding.is_error:
            self._failures += 1
            kind, message = _attribute(finding.rule), _attribute(text)
            self._cases.write(f"      <failure type={kind} message={message}/>\n")
        else:
            self._cases.write(f"      <system-out>{_escaped(text)}</system-out>\n")

    def unreadable(self, error: InputMissing) -> None:
        if not (self._is_open and self._name == error.subject):
            self.file(error.subject)
        self._errors += 1
        message = _attribute(error.message)
        self._cases.write(f'      <error type="unreadable" message={message}/>\n')

    def finish(self, validated: Validated) -> None:
        self._close_case()
        counts = (
            f'tests="{self._tests}" failures="{self._failures}" errors="{self._errors}" '
            f'time="{validated.seconds}"'
        )
        with closing(self._cases):
            self._cases.seek(0)
            self._out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
            self._out.write(f'<testsuites name="medtrack validate" {counts}>\n')
            self._out.write(f'  <testsuite name="medtrack validate" {counts}>\n')
            copyfileobj(self._cases, self._out)
            self._out.write("  </testsuite>\n</testsuites>\n")

    def _close_case(self) -> None:
        if self._is_open:
            self._cases.write("    </testcase>\n")
        self._is_open = False


def _attribute(text: str) -> str:
    return quoteattr(safe_text(text))


def _escaped(text: str) -> str:
    return safe_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
