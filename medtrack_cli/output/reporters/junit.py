"""JUnit reports: of findings, each file a test case; and of what was expected of a run."""

import tempfile
from collections import Counter
from shutil import copyfileobj
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from medtrack_cli.core.simulating.expectations import Expectations
from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.reporters.reporter import Reporter, SourceLine, sentence_of
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.expectations import near_misses, time_line

SPOOLED = 1024 * 1024  # characters kept in memory


class JunitDocument:
    """One XML document; its test cases are kept in a temporary file until the totals are known.

    A test case has one result, as every reader of the format expects: an `error` or a `failure`,
    and a text.
    """

    def __init__(self, out: TextIO, command: str) -> None:
        self._out = out
        self._command = f"medtrack {command}"
        self._cases = _spool()
        self._texts = _spool()
        self._name: str | None = None
        self._result = ""
        self._counts = Counter[str]()

    def begin(self, name: str) -> None:
        self._close_case()
        self._name = name
        self._result = ""
        self._texts.close()
        self._texts = _spool()
        self._counts["tests"] += 1

    def result(self, tag: str, kind: str, message: str) -> None:
        """Make the case a `failure` or an `error`.

        The first of a kind counts, and an error wins.
        """
        if not self._result or tag == "error":
            self._result = f"{tag} type={_attribute(kind)} message={_attribute(message)}"

    def write(self, line: str) -> None:
        """Add a line to the case's text."""
        self._texts.write(f"{escape(safe_text(line))}\n")

    def finish(self, seconds: float) -> None:
        self._close_case()
        self._texts.close()
        counts = (
            f'tests="{self._counts["tests"]}" failures="{self._counts["failure"]}" '
            f'errors="{self._counts["error"]}" time="{seconds:.3f}"'
        )
        self._out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._out.write(f'<testsuites name="{self._command}" {counts}>\n')
        self._out.write(f'  <testsuite name="{self._command}" {counts}>\n')
        _pour(self._cases, self._out)
        self._out.write("  </testsuite>\n</testsuites>\n")

    def _close_case(self) -> None:
        if self._name is None:
            return
        name, classname = _attribute(self._name), self._command.replace(" ", ".")
        self._cases.write(f'    <testcase classname="{classname}" name={name}>')
        if self._result or self._texts.tell():
            tag = self._result.partition(" ")[0] or "system-out"
            self._cases.write(f"<{self._result or tag}>\n")
            _pour(self._texts, self._cases)
            self._cases.write(f"</{tag}>")
            self._counts[tag] += 1
        self._cases.write("</testcase>\n")
        self._name = None


class JunitReporter(Reporter):
    """Makes each file a test case: an `error` if it can't be read, a `failure` if it fails.

    Its text holds the findings.
    """

    def __init__(self, out: TextIO, command: str, *, strict: bool) -> None:
        super().__init__(out)
        self._document = JunitDocument(out, command)
        self._strict = strict
        self._name = ""

    def file(self, name: str) -> None:
        self._name = name
        self._document.begin(name)

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002
        text = f"{finding.place}: {sentence_of(finding)}"
        if finding.is_error or self._strict:
            self._document.result("failure", finding.rule, text)
        self._document.write(f"{finding.severity}[{finding.rule}] {text}")

    def unreadable(self, error: InputMissing) -> None:
        if self._name != error.subject:
            self.file(error.subject)
        self._document.result("error", "unreadable", error.message)

    def finish(self, verdict: Verdict) -> None:
        self._document.finish(verdict.seconds)


def report_expected(out: TextIO, expected: Expectations, seconds: float, *, reveal: bool) -> None:
    """Make each expectation a test case; an unmet one fails with near misses and the time line."""
    document, unmet = JunitDocument(out, "simulate run"), expected.unmet
    for each in expected.wanted:
        document.begin(f"{each.text} ({each.place})")
        if each in unmet:
            document.result("failure", "not_met", each.came)
            for line in (*near_misses(each, reveal=reveal), *time_line(expected)):
                document.write(line)
    document.finish(seconds)


def _spool() -> "tempfile.SpooledTemporaryFile[str]":
    return tempfile.SpooledTemporaryFile(SPOOLED, "w+", encoding="utf-8")


def _pour(
    source: "tempfile.SpooledTemporaryFile[str]",
    target: "TextIO | tempfile.SpooledTemporaryFile[str]",
) -> None:
    with source:
        source.seek(0)
        copyfileobj(source, target)


def _attribute(text: str) -> str:
    return quoteattr(safe_text(text))
