"""medtrack stats."""

from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.options import Panel, argument, command, option
from medtrack_cli.commands.shared_options import STREAM_SINCE
from medtrack_cli.commands.times import window_of
from medtrack_cli.errors import EventsGone, InputMissing, NotARecording, UsageError
from medtrack_cli.plural import counted
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.statistics.counts import Stats

EXAMPLES = (
    "medtrack stats morning.ndjson",
    "medtrack stats morning.ndjson --html report.html",
    "medtrack stats --from-stream medtrack.archive --since -2h",
    "gzip -c morning.ndjson | medtrack stats - -o json",
)


@command("stats", *EXAMPLES, effect="read", panel=Panel.EVENTS, connects=True)
def stats(
    runtime: Runtime,
    recordings: list[str] | None = argument(
        "RECORDING…", "Recordings, folders, globs, or - for stdin.", default=None
    ),
    *,
    from_stream: str | None = option(
        Panel.WHAT,
        "--from-stream NAME",
        "What a stream holds, in place of recordings.",
        autocompletion=queues,
    ),
    since: str | None = STREAM_SINCE,
    until: str | None = option(
        Panel.WHAT, "--until TIME", "Of a stream, only events before; a time as for --since."
    ),
    html: Path | None = option(Panel.OUTPUT, "--html FILE", "Write a page with charts, too."),
) -> int:
    """Say what recordings hold, with a chart.

    Times are those of reception; for events outside of a recording, or from a stream, their own
    timestamp. A stream is read up to the end it has at the start. Names that may be personal are
    masked, except in JSON. Exit code 65: something is neither a recorded delivery nor an event; 66:
    a path can't be read. The rest is counted all the same.
    """
    from medtrack_cli.wiring.pages import refuse_place, write_page

    if html:
        refuse_place(html)
    if bool(recordings) == bool(from_stream):
        both = "medtrack stats RECORDING, or medtrack stats --from-stream NAME"
        hint = both if recordings else "medtrack stats morning.ndjson"
        raise UsageError("stats takes recordings or a stream", hint=hint)
    if from_stream:
        found = _read_stream(runtime, from_stream, since, until)
    elif since or until:
        raise UsageError("--since and --until go with --from-stream")
    else:
        found = _read(runtime, recordings or [], [(html, "page")] if html else [])
    nothing = NotARecording(*_foreign(found), hint="medtrack validate says what is wrong with it")
    if found.foreign and not found.events:
        raise nothing
    if found.events or not found.unreadable:
        from medtrack_cli.output.shown.statistics import ShownStats

        runtime.printer.show(ShownStats(found))
        if html:
            write_page(html, found, from_stream or ", ".join(recordings or []))
    if found.foreign:
        runtime.printer.error(nothing)
    return found.exit_code


def _read(runtime: Runtime, paths: list[str], outputs: list[tuple[Path, str]]) -> "Stats":
    """Read all that the paths name; unreadable ones are reported, and the others follow."""
    from medtrack_cli.core.items import without_empty
    from medtrack_cli.core.statistics.counts import Stats
    from medtrack_cli.core.statistics.reading import StatsReader
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


def _read_stream(runtime: Runtime, name: str, since: str | None, until: str | None) -> "Stats":
    """Read a stream to its end; events without a time are reported where times matter."""
    from medtrack_cli.core.statistics.counts import Stats
    from medtrack_cli.core.statistics.reading import StatsReader
    from medtrack_cli.wiring.streams import deliveries, stretch

    refuse_queue_name("--from-stream", name)
    window = window_of(since, until, runtime.world.clock.now())
    collected = Stats()
    reader = StatsReader(collected, runtime.registry)
    part = stretch(runtime, name, "first", window)

    def lost(error: EventsGone) -> None:
        runtime.printer.error(error)
        collected.fail(error.exit_code)

    with (
        runtime.world.stop_on_signals() as stop,
        runtime.printer.progress(lambda: f"{collected.events + collected.left_out:,} events read"),
    ):
        for delivery in deliveries(runtime, part, stop, lost):
            reader.add_read(delivery, window, name)
        if stop.exit_code is not None:
            raise KeyboardInterrupt(stop.exit_code)
    collected.finish()
    if collected.undated:
        told = f"{counted(collected.undated, 'event')} of {name} without a time of their own"
        runtime.printer.warning(f"{told}: left out")
    return collected


def _foreign(found: "Stats") -> tuple[str, str]:
    """Say what is neither a recorded delivery nor an event."""
    what = "neither a recorded delivery nor an event"
    if found.foreign > 1:
        what += f", as in {found.foreign:,} places"
    return what, found.first_foreign
