"""Findings for programs: one object a line."""

import json
from collections.abc import Callable
from typing import Any, TextIO

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.reporters.reporter import Reporter, SourceLine
from medtrack_cli.output.shown.findings import ShownFinding
from medtrack_cli.output.shown.notices import ShownError


class JsonReporter(Reporter):
    """Writes `finding` lines and a summary as the last line.

    Paths that can't be read go to `on_error`; without it they are `error` lines of the report.
    """

    def __init__(
        self, out: TextIO, on_error: Callable[[InputMissing], None] | None, *, ascii_only: bool
    ) -> None:
        super().__init__(out)
        self._on_error = on_error
        self._ascii_only = ascii_only

    def finding(self, finding: Finding, line: SourceLine) -> None:  # noqa: ARG002 -- the line is for people
        self._write(*ShownFinding(finding).records())

    def unreadable(self, error: InputMissing) -> None:
        if self._on_error:
            self._on_error(error)
        else:
            self._write(*ShownError(error).records())

    def finish(self, verdict: Verdict) -> None:
        self._write({"kind": verdict.kind, **verdict.numbers()})

    def _write(self, record: dict[str, Any]) -> None:
        text = json.dumps(record, ensure_ascii=self._ascii_only, separators=(",", ":"))
        self._out.write(text + "\n")
