"""Findings as SARIF 2.1.0, the format of code scanning."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from medtrack_cli import __version__
from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import NOWHERE, AnyRule, Finding
from medtrack_cli.output.reporters.reporter import FilePlace, Reporter, SourceLine, sentence_of

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


Rules = Mapping[AnyRule, Explanation]


class SarifReporter(Reporter):
    """Writes one JSON document as it goes: first the results, last their rules."""

    def __init__(self, out: TextIO, file_place: FilePlace, rules: Rules) -> None:
        super().__init__(out, file_place)
        self._rules = rules
        self._separator = ""
        self._unreadable: list[InputMissing] = []
        out.write(f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"results":[')

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002
        self._out.write(self._separator + "\n" + _compact(self._result(finding)))
        self._separator = ","

    def unreadable(self, error: InputMissing) -> None:
        self._unreadable.append(error)

    def finish(self, verdict: Verdict) -> None:
        invocation = {
            "executionSuccessful": not self._unreadable,
            "exitCode": int(verdict.exit_code),
            "toolExecutionNotifications": [
                {
                    "level": "error",
                    "message": {"text": error.what},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": self._uri(error.subject)}}
                    ],
                }
                for error in self._unreadable
            ],
        }
        rest = {
            "tool": {"driver": _driver(self._rules)},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
        }
        self._out.write("\n]," + _compact(rest)[1:] + "]}\n")

    def _result(self, finding: Finding) -> dict[str, Any]:
        named = [{"fullyQualifiedName": finding.pointer or finding.file}]
        location: dict[str, Any] = {"logicalLocations": named} if finding.pointer else {}
        span = finding.span
        region = {
            "startLine": span.line,
            "startColumn": span.column,
            "endColumn": span.end_column,
        }
        physical = {"artifactLocation": self._uri(finding.file), "region": region}
        if span == NOWHERE:
            location = {"logicalLocations": named}
        else:
            location["physicalLocation"] = physical
        return {
            "ruleId": finding.rule,
            "ruleIndex": list(self._rules).index(finding.rule),
            "level": finding.severity,
            "message": {"text": sentence_of(finding)},
            "locations": [location],
        }

    def _uri(self, name: str) -> dict[str, str]:
        """Name a file as a URI reference: relative stays relative, as code scanning wants it."""
        path = Path(self._file_place(name))
        return {"uri": path.as_uri() if path.is_absolute() else quote(os.fsencode(path))}


def _driver(rules: Rules) -> dict[str, Any]:
    return {
        "name": "medtrack",
        "version": __version__,
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": about.summary},
                "fullDescription": {"text": about.why},
                "help": {"text": _help(about)},
                "defaultConfiguration": {"level": rule.severity},
            }
            for rule, about in rules.items()
        ],
    }


def _help(about: Explanation) -> str:
    return f"{about.why} {about.do}\n\nwrong: {about.wrong}\nright: {about.right}"


def _compact(value: Any) -> str:  # noqa: ANN401 -- JSON
    return json.dumps(value, separators=(",", ":"))
