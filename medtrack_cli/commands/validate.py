"""medtrack validate."""

from typing import Annotated

import typer

from medtrack_cli.commands.explain import rules
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.option_types import AllowEmpty, ListRules, Reports, Strict
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.errors import InputMissing, UsageError
from medtrack_cli.runtime import Runtime

EXAMPLES = (
    "medtrack validate sample-events",
    "medtrack validate 'sample-events/*.json' --strict -o sarif=medtrack.sarif",
    "medtrack validate payload.json --as student.deleted",
    "medtrack schema example user.created | medtrack validate - -o json",
    "medtrack validate --explain bad_format",
)


def validate(
    runtime: Runtime,
    paths: Annotated[
        list[str] | None,
        argument("PATH…", "Files, folders, globs, or - for stdin."),
    ] = None,
    *,
    output: Reports = None,
    as_type: Annotated[
        str | None,
        option(Panel.WHAT, "--as TYPE", "Check payloads without envelope as this type."),
    ] = None,
    strict: Strict = False,
    allow_empty: AllowEmpty = False,
    max_findings: Annotated[
        int | None,
        option(
            Panel.OUTPUT,
            "--max-findings N",
            "Show N [human: 50], count the rest.",
            parser=whole(0),
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        option(Panel.HOW, "--jobs N", "Use N processes [by the input's size].", parser=whole(1)),
    ] = None,
    reveal: Annotated[
        bool, option(Panel.OUTPUT, "--reveal", "Show personal values in the lines shown.")
    ] = False,
    list_rules: ListRules = False,
    explain: Annotated[
        str | None, option(Panel.OUTPUT, "--explain RULE", "Explain a rule; check nothing.")
    ] = None,
) -> int:
    """Check event files: JSON, NDJSON, YAML.

    Every finding is shown with its place. Needs no broker, no network and no configuration. Exit
    code 0: valid; 1: findings; 66: a path can't be read, or there is no event at all; 65: a path is
    a report. The others are checked all the same; the first cause counts.
    """
    from medtrack_cli.core.validating.totals import Validated
    from medtrack_cli.wiring import reports
    from medtrack_cli.wiring.inputs import gathered

    if (list_rules or explain) and paths:
        option = "--list-rules" if list_rules else "--explain"
        raise UsageError(f"{option} checks nothing: it goes without a path", paths[0])
    if list_rules or explain:
        return rules(runtime, explain)
    if not paths:
        what = "nothing to validate: name a file, a folder, a glob, or -"
        raise UsageError(what, hint="medtrack validate sample-events")
    clock = runtime.world.clock
    started = clock.monotonic()
    validated = Validated(strict=strict)
    wanted = reports.wanted_reports(runtime, output or [])
    outputs = [(each.path, "report") for each in wanted if each.path]
    source = gathered(runtime, paths, as_type=as_type, outputs=outputs, allows_empty=allow_empty)
    pieces = reports.validation(runtime, source, validated, jobs)
    with reports.reports(runtime, wanted, validated, reveal=reveal, most=max_findings) as report:
        for piece in pieces:
            if isinstance(piece, InputMissing):
                validated.add_unreadable(piece.exit_code)
                report.unreadable(piece)
                continue
            if piece.begins:
                report.file(piece.source.name)
            try:
                for finding in piece.findings:
                    report.finding(finding, piece.lines)
            except InputMissing as error:
                validated.add_unreadable(error.exit_code)
                report.unreadable(error)
        if validated.fail_if_empty(len(source.found)):
            report.unreadable(source.no_event())
        validated.seconds = clock.monotonic() - started
        report.finish(validated)
    return validated.exit_code


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "validate", effect="read", examples=EXAMPLES, panel=Panel.EVENTS)(validate)
