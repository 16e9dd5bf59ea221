"""Reports of validate and of topology lint, and the page of stats."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medtrack_cli.core.validating.examine import Completion
from medtrack_cli.core.verdict import Verdict
from medtrack_cli.errors import InputMissing
from medtrack_cli.files.validating.run import Piece, default_jobs, validate
from medtrack_cli.output.reporters.opening import (
    Report,
    ReportOptions,
    Wanted,
    opened,
    parse_outputs,
)
from medtrack_cli.output.reporters.reporter import file_places
from medtrack_cli.output.terminal import Progress
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.validating.totals import Validated
    from medtrack_cli.files.reading.input import Input

__all__ = ["Piece", "Report", "reports", "validation", "wanted_reports"]


def validation(
    runtime: Runtime, source: "Input", validated: "Validated", jobs: int | None
) -> "Iterator[Piece | InputMissing]":
    """Validate an input, file by file; with `jobs` None its size decides."""
    completion = Completion(source.as_type, registry=runtime.registry)
    return validate(source, completion, validated, jobs or default_jobs(source))


def wanted_reports(runtime: Runtime, outputs: Sequence[str]) -> "Sequence[Wanted]":
    """Read the -o options of validate."""
    return parse_outputs(outputs, runtime.world.environ)


@contextmanager
def reports(  # noqa: PLR0913 -- one parameter a decision of the caller
    runtime: Runtime,
    wanted: "Sequence[Wanted]",
    verdict: Verdict,
    *,
    reveal: bool,
    most: int | None,
    command: str = "validate",
) -> "Iterator[Report]":
    """Open the wanted reports, and show progress on a terminal."""
    world = runtime.world

    def say(error: InputMissing) -> None:
        runtime.printer.error(error)  # only made now: most validations need none

    places = file_places(world.environ)
    options = ReportOptions(
        runtime.wants_colour, reveal, runtime.quiet, verdict.strict, places, say, command
    )
    with (
        opened(wanted, world.stdout, options) as reporters,
        Progress(world.stderr, verdict.so_far, quiet=runtime.quiet) as progress,
    ):
        yield Report(reporters, most, progress.hidden, reveal=reveal)
