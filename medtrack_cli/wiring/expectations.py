"""What a run is expected to show: read from a file, and reported to another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli.core.conditions import Condition
from medtrack_cli.core.simulating.expectations import Expectations
from medtrack_cli.core.simulating.reactions import REACTIONS
from medtrack_cli.files.expectations import read_expectations
from medtrack_cli.files.written import Written
from medtrack_cli.output.new_file import report_file
from medtrack_cli.output.reporters.junit import report_expected
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.conditions import condition

Report = Callable[[Expectations, float], None]
"""Writes a report, with the seconds that it took."""


def expectations(runtime: Runtime, file: Path) -> Expectations:
    """Read what is expected; NotExpectations with the place of what is wrong."""
    known = [each.id for each in REACTIONS]
    return read_expectations(file, runtime.registry, known, _asked)


def _asked(expression: str) -> Condition:
    made = condition(expression)
    assert made is not None  # noqa: S101 -- there is an expression
    return made


@contextmanager
def junit(path: Path | None, expected_in: Path, *, reveal: bool) -> Iterator[Report]:
    """Open a JUnit report, which takes its name when the run has ended; None: there is none.

    CannotCreate where it would replace the file of expectations, or another that would be missed.
    """
    if path is None:
        yield lambda _expected, _seconds: None
        return
    Written([(path, "report")]).refuse([expected_in])
    with report_file(path) as out:
        yield lambda expected, seconds: report_expected(out, expected, seconds, reveal=reveal)
