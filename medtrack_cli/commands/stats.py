"""medtrack stats."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.errors import InputMissing, NotARecording
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.stats import Stats

EXAMPLES = (
    "medtrack stats morning.ndjson",
    "medtrack stats morning.ndjson --html report.html",
    "gzip -c morning.ndjson | medtrack stats - -o json",
)


def stats(
    runtime: Runtime,
    recordings: Annotated[
        list[str], argument("RECORDING…", "Recordings, folders, globs, or - for stdin.")
    ],
    *,
    html: Annotated[
        Path | None,
        option(Panel.OUTPUT, "--html", metavar="FILE", help="Write a page with charts, too."),
    ] = None,
) -> int:
    """Say what recordings hold, with a chart.

    Times are those of reception; events that stand in no recording have their own timestamp.
    Names that may be personal are masked, save in JSON. Exit code 65: something is neither a
    recorded delivery nor an event; 66: a path can't be read. The rest was counted all the same.
    """
    from medtrack_cli.wiring.pages import refuse_place, write_page

    if html:
        refuse_place(html)
    found = _read(runtime, recordings, [(html, "page")] if html else [])
    nothing = NotARecording(*_foreign(found), hint="medtrack validate says what is wrong with it")
    if found.foreign and not found.events:
        raise nothing
    if found.events or not found.unreadable:
        from medtrack_cli.output.shown.statistics import ShownStats

        runtime.printer.show(ShownStats(found))
        if html:
            write_page(html, found, ", ".join(recordings))
    if found.foreign:
        runtime.printer.error(nothing)
    return found.exit_code


def _read(runtime: Runtime, paths: list[str], outputs: list[tuple[Path, str]]) -> "Stats":
    """Read all that the paths name; what can't be read is said, and the others go on."""
    from medtrack_cli.core.inputs import without_empty
    from medtrack_cli.core.stats import Stats
    from medtrack_cli.core.stats_reading import StatsReader
    from medtrack_cli.wiring.inputs import gathered

    collected = Stats()
    reader = StatsReader(collected, runtime.registry)
    source = gathered(runtime, paths, outputs=outputs)
    with runtime.printer.progress(lambda: f"{collected.events:,} events read"):
        for found in source.found:
            try:
                if isinstance(found, InputMissing):
                    raise found
                reader.begin(found.name)
                for item in without_empty(source.read(found, reader.count)):
                    reader.add(item)
            except (InputMissing, NotARecording) as error:
                collected.add_unreadable(error.exit_code)
                runtime.printer.error(error)
    collected.finish()
    return collected


def _foreign(found: "Stats") -> tuple[str, str]:
    """Say what is neither a recorded delivery nor an event."""
    what = "neither a recorded delivery nor an event"
    if found.foreign > 1:
        what += f", as in {found.foreign:,} places"
    return what, found.first_foreign


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "stats", examples=EXAMPLES, panel=Panel.EVENTS)(stats)
