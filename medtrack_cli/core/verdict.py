"""The result of findings: their counts, and the exit code."""

from dataclasses import dataclass, field
from typing import ClassVar

from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.findings import Finding
from medtrack_cli.plural import counted


@dataclass(slots=True)
class Verdict:
    """Counts of a check. The exit code is that of the first cause.

    `kind` is that of the summary's object; subclasses say what was checked.
    """

    kind: ClassVar[Kind]

    strict: bool = False  # warnings fail, too
    errors: int = 0
    warnings: int = 0
    hidden: int = 0  # findings not shown, because there are too many
    seconds: float = 0.0
    exit_code: ExitCode = field(default=ExitCode.DONE)

    def add(self, finding: Finding) -> None:
        if finding.is_error:
            self.errors += 1
        else:
            self.warnings += 1
        if finding.is_error or self.strict:
            self.fail(ExitCode.VERDICT_NO)

    def fail(self, code: ExitCode) -> None:
        """End with this code, unless there was an earlier cause."""
        if self.exit_code is ExitCode.DONE:
            self.exit_code = code

    def numbers(self) -> dict[str, float]:
        """Give the numbers of the summary."""
        raise NotImplementedError

    def so_far(self) -> str:
        """Say how much has been checked."""
        raise NotImplementedError

    def sentence(self) -> str:
        """Give the summary in words."""
        found = ", ".join(self.found()) or self.nothing_found()
        return f"{self.so_far()}: {found} ({self.seconds:.2f} s)"

    def found(self) -> list[str]:
        counts = ((self.errors, "error"), (self.warnings, "warning"))
        return [counted(count, name) for count, name in counts if count]

    def nothing_found(self) -> str:
        return "all is well"
