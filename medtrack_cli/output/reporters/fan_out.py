"""One report for several reporters, each with as many findings as it is to show."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.masking import masked_pointer
from medtrack_cli.output.reporters.reporter import Reporter


class Report:
    """Passes what is found on to every reporter.

    `most` bounds the findings shown, by default 50 in human output; the rest are counted. Keys that
    are no names are masked in pointers unless `reveal`. `alone` keeps others off the terminal while
    a reporter writes.
    """

    def __init__(
        self,
        reporters: Sequence[Reporter],
        most: int | None,
        alone: Callable[[], AbstractContextManager[None]],
        *,
        reveal: bool,
    ) -> None:
        self._alone = alone
        self._reveal = reveal
        self._reporters = [(each, each.most if most is None else most) for each in reporters]
        self._count = 0

    def file(self, name: str) -> None:
        """Begin a file."""
        for reporter, _ in self._reporters:
            reporter.file(name)

    def finding(self, finding: Finding, lines: Callable[[int], str | None]) -> None:
        """Report a finding in the current file."""
        willing = [r for r, most in self._reporters if most is None or self._count < most]
        self._count += 1
        if not self._reveal:
            finding = replace(finding, pointer=masked_pointer(finding.pointer))
        if willing:
            with self._alone():
                for reporter in willing:
                    reporter.finding(finding, lambda: lines(finding.span.line))

    def unreadable(self, error: InputMissing) -> None:
        """Report a path that can't be read, or not to its end."""
        with self._alone():
            for reporter, _ in self._reporters:
                reporter.unreadable(error)

    def finish(self, verdict: Verdict) -> None:
        """Write what comes last."""
        with self._alone():
            for reporter, most in self._reporters:
                verdict.hidden = 0 if most is None else max(0, self._count - most)
                reporter.finish(verdict)
