"""medtrack validate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from medtrack_cli.commands.explain import rules
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Panel, argument, command, flag, option
from medtrack_cli.commands.shared_options import ALLOW_EMPTY, LIST_RULES, REPORTS, STRICT
from medtrack_cli.errors import InputMissing, UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.reports import Piece, Report

EXAMPLES = (
    "medtrack validate sample-events",
    "medtrack validate 'sample-events/*.json' --strict -o sarif=medtrack.sarif",
    "medtrack validate payload.json --as student.deleted",
    "medtrack schema example user.created | medtrack validate - -o json",
    "medtrack validate --explain bad_format",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """How events are checked."""

    as_type: str | None = option(
        Panel.WHAT, "--as TYPE", "Check payloads without envelope as this type."
    )
    strict: bool = STRICT
    allow_empty: bool = ALLOW_EMPTY
    jobs: int | None = option(
        Panel.HOW, "--jobs N", "Check with N processes [by the input's size].", parser=whole(1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """What is shown, and where."""

    output: list[str] | None = REPORTS
    max_findings: int | None = option(
        Panel.OUTPUT, "--max-findings N", "Show N findings [human: 50], count all.", parser=whole(0)
    )
    reveal: bool = flag(Panel.OUTPUT, "--reveal", "Show personal values in the lines shown.")
    list_rules: bool = LIST_RULES
    explain: str | None = option(Panel.OUTPUT, "--explain RULE", "Explain a rule; check nothing.")


@command("validate", *EXAMPLES, effect="read", panel=Panel.EVENTS)
def validate(
    runtime: Runtime,
    paths: list[str] | None = argument(
        "PATH…", "Files, folders, globs, or - for stdin.", default=None
    ),
    *,
    checking: Checking,
    reporting: Reporting,
) -> int:
    """Check event files: JSON, NDJSON, YAML.

    Every finding is shown with its place. Needs no broker, no network and no configuration. Exit
    code 0: valid; 1: findings; 66: a path can't be read, or there is no event at all; 65: a path is
    a report. The others are checked all the same; the first cause counts.
    """
    from medtrack_cli.core.validating.totals import Validated
    from medtrack_cli.wiring import reports
    from medtrack_cli.wiring.inputs import gathered

    if reporting.list_rules or reporting.explain:
        if paths:
            option = "--list-rules" if reporting.list_rules else "--explain"
            raise UsageError(f"{option} checks nothing: it goes without a path", paths[0])
        return rules(runtime, reporting.explain)
    if not paths:
        what = "nothing to validate: name a file, a folder, a glob, or -"
        raise UsageError(what, hint="medtrack validate sample-events")
    clock = runtime.world.clock
    started = clock.monotonic()
    validated = Validated(strict=checking.strict)
    wanted = reports.wanted_reports(runtime, reporting.output or [])
    source = gathered(
        *(runtime, paths),
        as_type=checking.as_type,
        outputs=[(each.path, "report") for each in wanted if each.path],
        allows_empty=checking.allow_empty,
    )
    pieces = reports.validation(runtime, source, validated, checking.jobs)
    with reports.reports(
        *(runtime, wanted, validated), reveal=reporting.reveal, most=reporting.max_findings
    ) as report:
        for piece in pieces:
            if isinstance(piece, InputMissing):
                validated.add_unreadable(piece.exit_code)
                report.unreadable(piece)
                continue
            if piece.begins:
                report.file(piece.source.name)
            try:
                _report_findings(piece, report, runtime.world.stdout)
            except InputMissing as error:
                validated.add_unreadable(error.exit_code)
                report.unreadable(error)
        if validated.fail_if_empty(len(source.found)):
            report.unreadable(source.no_event())
        validated.seconds = clock.monotonic() - started
        report.finish(validated)
    return validated.exit_code


def _report_findings(piece: "Piece", report: "Report", out: TextIO) -> None:
    """Report a file's findings; those of a pipe are seen at once: its next event may be far off."""
    for finding in piece.findings:
        report.finding(finding, piece.lines)
        if not piece.source.is_regular:
            out.flush()
