"""medtrack listen."""

from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medtrack_cli.commands.arguments import MOST_BYTES, refuse_bytes
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.listen_source import (
    EXAMPLES,
    Form,
    event_lines_of,
    keep,
    piped,
    recorder_of,
    refuse_what_does_nothing,
    source_of,
    warn_of_losses,
)
from medtrack_cli.commands.listen_stream import FromStream
from medtrack_cli.commands.numbers import seconds, whole
from medtrack_cli.commands.option_types import Reveal, ShowBody, Where
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.core.listening.sources import QueueType
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from medtrack_cli.core.listening.listen import Sink, Wanted, Watched
    from medtrack_cli.core.listening.tally import ListenSummary, ListenTally
    from medtrack_cli.wiring.recordings import Recorder


def listen(
    runtime: Runtime,
    patterns: Annotated[
        list[str] | None,
        argument("PATTERN…", "Routing keys; * is one word, # any number [#]."),
    ] = None,
    *,
    exclude_key: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--exclude-key PATTERN", "Leave these routing keys out; repeatable."),
    ] = None,
    count: Annotated[
        int | None,
        option(Panel.END, "--count N", "End after N events that pass --where.", parser=whole(1)),
    ] = None,
    timeout: Annotated[
        float | None,
        option(
            Panel.END,
            "--timeout SECONDS",
            "End after this time: 30, 500ms, 5m, 1h.",
            parser=seconds,
        ),
    ] = None,
    idle_timeout: Annotated[
        float | None,
        option(
            Panel.END,
            "--idle-timeout SECONDS",
            "End when nothing came for this time.",
            parser=seconds,
        ),
    ] = None,
    expect: Annotated[
        list[str] | None,
        option(
            Panel.END, "--expect TYPE[:N]", "End when N valid events of this type came; repeatable."
        ),
    ] = None,
    where: Where = None,
    output: Annotated[
        Form | None,
        option(Panel.OUTPUT, "--output, -o", "Rows for people, JSON lines, or each body alone."),
    ] = None,
    template: Annotated[
        str | None,
        option(
            Panel.OUTPUT, "--format TEMPLATE", "A line of your own: '{routing_key} {payload.cin}'."
        ),
    ] = None,
    record: Annotated[
        Path | None,
        option(Panel.OUTPUT, "--record FILE", "Record what arrives; a recording is added to."),
    ] = None,
    rotate: Annotated[
        str | None,
        option(
            Panel.OUTPUT,
            "--rotate SIZE|TIME",
            "Record in parts of 100MB, 1h …: FILE.000001.ndjson and so on.",
        ),
    ] = None,
    include_replays: Annotated[
        bool, option(Panel.OUTPUT, "--include-replays", "Record what medtrack replay sent, too.")
    ] = False,
    pseudonymize: Annotated[
        bool,
        option(
            Panel.OUTPUT,
            "--pseudonymize",
            "Record made-up persons in place of real ones; what is shown stays.",
        ),
    ] = False,
    durable: Annotated[
        str | None,
        option(
            Panel.HOW,
            "--durable NAME",
            "Listen through a queue of this name, which stays for 10 minutes without us.",
        ),
    ] = None,
    queue_type: Annotated[
        QueueType | None,
        option(
            Panel.HOW,
            "--queue-type",
            "Of --durable: on one node of a cluster, or replicated [classic].",
        ),
    ] = None,
    queue: Annotated[
        str | None,
        option(
            Panel.HOW,
            "--queue NAME",
            "Take the messages of an existing queue.",
            autocompletion=queues,
        ),
    ] = None,
    stream: FromStream,
    yes: Annotated[
        bool, option(Panel.HOW, "--yes", "Don't ask before taking from --queue.")
    ] = False,
    body: ShowBody = False,
    reveal: Reveal = False,
    local_time: Annotated[
        bool, option(Panel.OUTPUT, "--local-time", "Show the time of this machine's zone, not UTC.")
    ] = False,
    clipboard: Annotated[
        bool, option(Panel.OUTPUT, "--clipboard", "Let the key y copy, by the terminal (OSC 52).")
    ] = False,
    retry_for: Annotated[
        float | None,
        option(
            Panel.CONNECTION,
            "--retry-for SECONDS",
            "How long to try again for the first connection [one try]; a lost one is tried "
            "again for ever.",
            parser=seconds,
        ),
    ] = None,
) -> int:
    """Show and record what is published.

    Events come through a queue of our own that ends with the command; only --queue takes messages
    of an existing queue, and --from-stream only reads. On a terminal a live view (? lists its
    keys), with personal data masked; otherwise JSON lines, exact. Exit code 1: --count or --expect
    was not reached in time.
    """
    from medtrack_cli.commands.arguments import expectations
    from medtrack_cli.commands.confirm import confirm_consuming
    from medtrack_cli.commands.input_warnings import warn_of_patterns
    from medtrack_cli.core.listening.listen import Wanted, Watched
    from medtrack_cli.core.listening.tally import Limits, ListenTally
    from medtrack_cli.core.ports import Retry
    from medtrack_cli.output.shown.listening import ShownListened
    from medtrack_cli.wiring import conditions

    if yes and queue is None:
        raise UsageError("--yes goes with --queue", hint="nothing else asks")
    keys = tuple(patterns or ["#"])
    shown: dict[str, Any] = {
        "body": body,
        "clipboard": clipboard,
        "reveal": reveal,
        "local_time": local_time,
    }
    refuse_what_does_nothing(output, template, shown)
    lines = event_lines_of(runtime, output, template, reveal=reveal, local_time=local_time)
    condition = conditions.condition(where)
    expected = expectations(expect or [], keys, exclude_key or [], runtime.registry)
    excluded = tuple(exclude_key or ())
    refuse_bytes("--exclude-key", *excluded, most=MOST_BYTES)
    part = stream.part(runtime, patterns or (), [durable, queue, queue_type])
    most = None if condition or expected or excluded else count
    source = part.source or source_of(patterns, durable, queue_type, queue, most)
    limits = Limits(count, timeout, idle_timeout, expected, part.end)
    tally = ListenTally(limits, runtime.world.clock)
    warn_of_patterns(runtime, (*(patterns or ()), *excluded))
    if source.takes and source.name:
        confirm_consuming(runtime, source.name, yes=yes)
        choosing = {"--where": condition, "--exclude-key": excluded, "--pseudonymize": pseudonymize}
        warn_of_losses(runtime, source, choosing)
    look = partial(
        Watched,
        *(runtime.connection, source, runtime.world.clock),
        **shown,
        trace=runtime.verbose > 0,
        left_out=lambda: tally.left_out,
        record=partial(keep, runtime, include_replays=include_replays),
        retry=Retry(retry_for),
    )
    recorder = recorder_of(
        *(runtime, record, rotate), include_replays=include_replays, pseudonymize=pseudonymize
    )
    wanted = Wanted(excluded, condition, *part.wanted)
    result = _listen(runtime, tally, wanted, look, lines, recorder)
    runtime.printer.tell(ShownListened(result))
    return result.exit_code


def _listen(  # noqa: PLR0917 -- what is put together
    runtime: Runtime,
    tally: "ListenTally",
    wanted: "Wanted",
    look: "Callable[..., Watched]",
    lines: "AbstractContextManager[Sink] | None",
    recorder: "Recorder | None",
) -> "ListenSummary":
    """Listen to the end, into the view or `lines`, and into a recording."""
    from medtrack_cli.core.listening.listen import listen as run
    from medtrack_cli.core.listening.listen import tee

    with (
        closing(recorder) if recorder else nullcontext(),
        runtime.world.stop_on_signals() as stop,
    ):
        watched = look(stop=stop)
        note = runtime.printer.note
        with (
            lines or runtime.printer.deliveries(watched) as shown,
            runtime.world.open_consumer(
                watched.settings, watched.source, note, stop, watched.retry
            ) as tap,
        ):
            sink = tee([shown, *([recorder] if recorder else [])])
            tell = runtime.printer.error
            return run(tap, sink, tally, stop, registry=runtime.registry, wanted=wanted, tell=tell)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "listen",
        effect="destructive",
        examples=EXAMPLES,
        panel=Panel.EVENTS,
        connects=True,
        piped=piped,
    )(listen)
