"""medtrack validate."""

from typing import Annotated

import typer

from medtrack_cli.commands.options import command
from medtrack_cli.errors import InputMissing
from medtrack_cli.runtime import Runtime

EXAMPLES = (
    "medtrack validate sample-events",
    "medtrack validate 'events/**/*.ndjson' -o json",
    "medtrack validate payload.json --as student.created",
    "generate-events | medtrack validate -",
)


def validate(
    runtime: Runtime,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Files, folders, globs, or - for stdin.")
    ],
    *,
    as_type: Annotated[
        str | None, typer.Option("--as", help="Check bare payloads as this event type.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
) -> int:
    """Check events in JSON, NDJSON and YAML files: every finding, with its place.

    Needs no broker, no network and no configuration. Exit code 0: valid; 1: findings;
    66: a path can't be read, though the others were checked.
    """
    from medtrack_cli.core.validate import Checked, Completion

    printer, clock = runtime.printer, runtime.world.clock
    started = clock.monotonic()
    source = runtime.input(paths, as_type=as_type)
    checked = Checked(strict=strict)
    for missing in source.missing:
        checked.unreadable += 1
        printer.error(missing)
    for each in source.sources:
        try:
            for finding in checked.findings(source.read(each), Completion(as_type)):
                printer.finding(finding)
        except InputMissing as error:
            checked.unreadable += 1
            printer.error(error)
    seconds = round(clock.monotonic() - started, 3)
    numbers = {**checked.numbers(), "seconds": seconds}
    printer.summary("validated", numbers, f"{checked.sentence()} ({seconds:.2f} s)")
    return checked.exit_code


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "validate", examples=EXAMPLES)(validate)
