"""medtrack listen."""

from contextlib import closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from medtrack_cli.commands.arguments import MOST_BYTES, expectations, refuse_bytes, warn_of_patterns
from medtrack_cli.commands.listen_options import Choosing, Ending, FromStream, Taking, Writing
from medtrack_cli.commands.listen_source import (
    EXAMPLES,
    event_lines_of,
    keep,
    part_of,
    piped,
    recorder_of,
    source_of,
    warn_of_losses,
)
from medtrack_cli.commands.options import Panel, argument, command
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from medtrack_cli.core.listening.listen import Sink, Wanted, Watched
    from medtrack_cli.core.listening.tally import ListenSummary, ListenTally
    from medtrack_cli.wiring.recordings import Recorder


@command("listen", *EXAMPLES, effect="destructive", panel=Panel.EVENTS, connects=True, piped=piped)
def listen(
    runtime: Runtime,
    patterns: list[str] | None = argument(
        "PATTERN…", "Routing keys; * is one word, # any number [#].", default=None
    ),
    *,
    choosing: Choosing,
    ending: Ending,
    writing: Writing,
    taking: Taking,
    stream: FromStream,
) -> int:
    """Show and record what is published.

    Events come through a queue of our own that ends with the command; only --queue takes messages
    of an existing queue, and --from-stream only reads. On a terminal a live view (? lists its
    keys), with personal data masked; otherwise JSON lines, exact. Exit code 1: --count or --expect
    was not reached in time.
    """
    from medtrack_cli.commands.confirm import confirm_consuming
    from medtrack_cli.core.listening.listen import Wanted, Watched
    from medtrack_cli.core.listening.tally import Limits, ListenTally
    from medtrack_cli.core.ports import Retry
    from medtrack_cli.output.shown.listening import ShownListened
    from medtrack_cli.wiring import conditions

    if taking.yes and taking.queue is None:
        raise UsageError("--yes goes with --queue", hint="nothing else asks")
    keys, excluded = tuple(patterns or ()), tuple(choosing.exclude_key or ())
    lines = event_lines_of(runtime, writing)
    condition = conditions.condition(choosing.where)
    expected = expectations(ending.expect or [], keys or ("#",), excluded, runtime.registry)
    refuse_bytes("--exclude-key", *excluded, most=MOST_BYTES)
    part = part_of(runtime, stream, keys, taking)
    most = None if condition or expected or excluded else ending.count
    source = part.source or source_of(keys, taking, most)
    limits = Limits(ending.count, ending.timeout, ending.idle_timeout, expected, part.end)
    tally = ListenTally(limits, runtime.world.clock)
    warn_of_patterns(runtime, (*keys, *excluded))
    if source.takes and source.name:
        confirm_consuming(runtime, source.name, yes=taking.yes)
        leaving_out = {"--where": condition, "--exclude-key": excluded}
        warn_of_losses(runtime, source, leaving_out | {"--pseudonymize": writing.pseudonymize})
    look = partial(
        Watched,
        *(runtime.connection, source, runtime.world.clock),
        body=writing.body,
        reveal=writing.reveal,
        local_time=writing.local_time,
        clipboard=writing.clipboard,
        trace=runtime.verbose > 0,
        left_out=lambda: tally.left_out,
        record=partial(keep, runtime, include_replays=writing.include_replays),
        retry=Retry(taking.retry_for),
    )
    recorder, wanted = recorder_of(runtime, writing), Wanted(excluded, condition, *part.wanted)
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
    from medtrack_cli.wiring.watching import watching

    with (
        closing(recorder) if recorder else nullcontext(),
        runtime.world.stop_on_signals() as stop,
        watching(runtime, look(stop=stop), recorder, lines) as (consumer, sink),
    ):
        tell, registry = runtime.printer.error, runtime.registry
        return run(consumer, sink, tally, stop, registry=registry, wanted=wanted, tell=tell)
