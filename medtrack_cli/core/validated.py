"""What a validation has come to so far."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from medtrack_cli.core.inputs import Item, NoEventsHere
from medtrack_cli.core.validate import NOTHING_TO_ADD, Completion, examine
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.check import quick_check
from medtrack_cli.events.findings import Finding, Rule
from medtrack_cli.plural import counted


@dataclass(slots=True)
class Validated:
    """Counts of a validation. The exit code is that of the first cause met."""

    strict: bool = False  # warnings fail, too
    files: int = 0
    events: int = 0  # places where an event should be
    invalid: int = 0
    errors: int = 0
    warnings: int = 0
    empty: int = 0  # files that hold no event, where that isn't allowed
    unreadable: int = 0
    hidden: int = 0  # findings not shown, because there are too many
    seconds: float = 0.0
    exit_code: ExitCode = field(default=ExitCode.DONE)

    def counts_valid(self, completion: Completion) -> Callable[[bytes, int], bool] | None:
        """Make what counts an event at once when it has no problem; False: look closer.

        None when every event must be looked at.
        """
        if not completion.adds_nothing:
            return None
        has_no_problem = quick_check(completion.registry)

        def count(body: bytes, _number: int) -> bool:
            if has_no_problem(body):
                self.events += 1
                return True
            return False

        return count

    def findings(
        self, items: Iterable[Item], completion: Completion = NOTHING_TO_ADD
    ) -> Iterator[Finding]:
        """Check events and yield what is found, counted. Raises InputMissing as the items do."""
        for examined in examine(items, completion):
            self.events += not isinstance(examined.item, NoEventsHere)
            if examined.findings:
                self.invalid += not examined.is_valid
                for finding in examined.findings:
                    self.add(finding)
                    yield finding

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        if finding.is_error:
            self.errors += 1
        else:
            self.warnings += 1
        self.empty += finding.rule is Rule.EMPTY_INPUT
        if finding.is_error or self.strict:
            self._fail(ExitCode.VERDICT_NO)

    def add_unreadable(self, code: ExitCode) -> None:
        """Count a path that can't be read, or holds no events, and has this exit code."""
        self.unreadable += 1
        self._fail(code)

    def fail_if_empty(self, paths: int) -> bool:
        """Tell whether of so many paths none holds an event, and fail for that.

        With --strict the first warning has failed before, and is not the cause.
        """
        if self.empty and self.empty == paths:
            self.exit_code = ExitCode.INPUT_MISSING
            return True
        return False

    def _fail(self, code: ExitCode) -> None:
        if self.exit_code is ExitCode.DONE:
            self.exit_code = code

    def numbers(self) -> dict[str, float]:
        """Give the numbers of the summary."""
        return {
            "files": self.files,
            "events": self.events,
            "invalid": self.invalid,
            "errors": self.errors,
            "warnings": self.warnings,
            "unreadable": self.unreadable,
            "seconds": round(self.seconds, 3),
            "exit_code": self.exit_code,
        }

    def sentence(self) -> str:
        """Say the summary in words."""
        parts = [
            counted(count, name)
            for count, name in ((self.errors, "error"), (self.warnings, "warning"))
            if count
        ]
        if self.unreadable:
            parts.append(f"{counted(self.unreadable, 'path')} not read")
        found = ", ".join(parts) or ("all valid" if self.events else "nothing to check")
        return f"{self.so_far()}: {found} ({self.seconds:.2f} s)"

    def so_far(self) -> str:
        """Say how much has been checked."""
        return f"checked {counted(self.events, 'event')} in {counted(self.files, 'file')}"
