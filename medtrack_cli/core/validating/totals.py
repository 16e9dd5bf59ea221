"""The results of a validation so far."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from medtrack_cli.core.items import Item, NoEventsHere
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.validating.examine import NOTHING_TO_ADD, Completion, examine
from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.check import quick_check
from medtrack_cli.events.findings import Finding, Rule
from medtrack_cli.plural import counted


@dataclass(slots=True)
class Validated(Verdict):
    """Counts of a validation."""

    kind = Kind.VALIDATED

    files: int = 0
    events: int = 0  # places where an event should be
    invalid: int = 0
    empty: int = 0  # files that hold no event, where that isn't allowed
    unreadable: int = 0

    def counts_valid(self, completion: Completion) -> Callable[[bytes, int], bool] | None:
        """Make the function that counts an event with no problem; False: look closer.

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
        """Check events and yield their findings, counted. Raises InputMissing as the items do."""
        for examined in examine(items, completion):
            self.events += not isinstance(examined.item, NoEventsHere)
            if examined.findings:
                self.invalid += not examined.is_valid
                for finding in examined.findings:
                    self.add(finding)
                    yield finding

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        Verdict.add(self, finding)  # super() finds no class that has slots
        self.empty += finding.rule is Rule.EMPTY_INPUT

    def add_unreadable(self, code: ExitCode) -> None:
        """Count a path that can't be read, or has no events, and keep its exit code."""
        self.unreadable += 1
        self.fail(code)

    def fail_if_empty(self, paths: int) -> bool:
        """Return whether none of a number of paths has an event, and fail for that.

        With --strict the first warning has failed before, and this is not the cause.
        """
        if self.empty and self.empty == paths:
            self.exit_code = ExitCode.INPUT_MISSING
            return True
        return False

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

    def found(self) -> list[str]:
        """Say what was found, and what couldn't be read."""
        left = [f"{counted(self.unreadable, 'path')} not read"] if self.unreadable else []
        return Verdict.found(self) + left

    def nothing_found(self) -> str:
        """Say that all is well, if there were events."""
        return "all valid" if self.events else "nothing to check"

    def so_far(self) -> str:
        """Say how much has been checked."""
        return f"checked {counted(self.events, 'event')} in {counted(self.files, 'file')}"
