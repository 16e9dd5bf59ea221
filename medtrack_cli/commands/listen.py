"""medtrack listen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtrack_cli.commands.options import Output, command
from medtrack_cli.core.ports import Queue, Source, Tap
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.files.recorder import Recorder

EXAMPLES = (
    "medtrack listen",
    "medtrack listen 'student.*' 'user.#'",
    "medtrack listen --record morning.ndjson --timeout 600",
    "medtrack listen --durable my-tap -o json >> events.ndjson",
    "medtrack listen --queue student-service.dead --yes --record dead.ndjson",
    "medtrack listen stage.completed --count 1 --timeout 60 -o json",
)


def listen(
    runtime: Runtime,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(help="Routing keys; * is one word, # any number. [#]", show_default=False),
    ] = None,
    *,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many deliveries.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, help="End after so many seconds.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="Write what arrives to this file; one begun is added to."),
    ] = None,
    rotate: Annotated[
        str | None,
        typer.Option(
            "--rotate",
            metavar="SIZE|TIME",
            help="Record in parts of 100MB, 1h …: FILE.000001.ndjson and so on.",
        ),
    ] = None,
    include_replays: Annotated[
        bool, typer.Option("--include-replays", help="Record what medtrack replay sent, too.")
    ] = False,
    durable: Annotated[
        str | None,
        typer.Option(
            "--durable",
            metavar="NAME",
            help="Listen through a queue of this name that outlives us for 10 minutes.",
        ),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", metavar="NAME", help="Take the messages of an existing queue."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before --queue takes.")] = False,
    body: Annotated[
        bool, typer.Option("--body", help="Show the JSON body below each line.")
    ] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show personal data, and texts that are no event.")
    ] = False,
    local_time: Annotated[
        bool, typer.Option("--local-time", help="Show the time of this machine's zone, not UTC.")
    ] = False,
    retry_for: Annotated[
        float | None,
        typer.Option("--retry-for", min=0, help="Seconds to try for the first connection [10]."),
    ] = None,
) -> int:
    """Show what is published, through a queue of our own that ends with the command.

    Nobody else's messages are taken. On a terminal a live view (? lists its keys), with
    personal data masked; otherwise JSON lines, exact. Reached --count: 0; --timeout came first: 1.
    """
    from medtrack_cli.commands.taking import confirm_taking
    from medtrack_cli.core.listen import Limits, Watched, tee
    from medtrack_cli.core.listen import listen as run

    keys = tuple(patterns or [])
    source = _source(keys, durable, queue, count)
    if isinstance(source, Queue):
        confirm_taking(runtime, source.name, yes=yes)
    world, printer = runtime.world, runtime.printer
    settings, registry = runtime.connection, runtime.registry
    recorder = _recorder(runtime, record, rotate, include_replays=include_replays)
    try:
        with (
            runtime.stop_on_signals() as stop,
            printer.deliveries(
                Watched(settings, source, world.clock, stop, body, reveal, local_time)
            ) as shown,
            world.open_consumer(settings, source, printer.note, stop, retry_for) as tap,
        ):
            sink = tee([shown, *([recorder] if recorder else [])])
            heard = run(tap, sink, Limits(count, timeout), world.clock, stop, registry=registry)
    finally:
        if recorder:
            recorder.close()
    printer.listened(heard)
    return heard.exit_code


def _recorder(
    runtime: Runtime, record: Path | None, rotate: str | None, *, include_replays: bool
) -> "Recorder | None":
    if record is not None:
        return runtime.recorder(record, rotate=rotate, include_replays=include_replays)
    if rotate is not None or include_replays:
        option = "--rotate" if rotate is not None else "--include-replays"
        raise UsageError(f"{option} goes with --record", hint="--record FILE")
    return None


def _source(
    patterns: tuple[str, ...], durable: str | None, queue: str | None, count: int | None
) -> Source:
    """Choose where deliveries come from; no more is taken from a queue than may be wanted."""
    if queue is None:
        return Tap(patterns or ("#",), durable)
    if patterns or durable is not None:
        other = "--durable" if durable is not None else "patterns"
        hint = "a queue has its own bindings; --where filters what it holds"
        raise UsageError(f"--queue goes without {other}", queue, hint=hint)
    return Queue(queue, count)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "listen", examples=EXAMPLES, connects=True, piped=Output.JSON)(listen)
