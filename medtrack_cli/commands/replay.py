"""medtrack replay."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.options import argument, command
from medtrack_cli.commands.replay_job import (
    job_of,
    outline_of,
    pace_of,
    plan_of,
    refuse_without_queue,
    target_of,
)
from medtrack_cli.commands.replay_options import Changing, Choosing, Pacing, Redriving, Running
from medtrack_cli.core.ports import PublishPolicy
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.inputs import Input

EXAMPLES = (
    "medtrack replay morning.ndjson --dry-run",
    "medtrack replay morning.ndjson --speed 10",
    "medtrack replay morning.ndjson --speed max --key 'student.*' --yes",
    "medtrack replay morning.ndjson --key-prefix test. --refresh-timestamps --dry-run",
    "medtrack replay morning.ndjson --since 2025-01-15T10:00:02Z --dry-run",
)


def replay(
    runtime: Runtime,
    sources: Annotated[
        list[str] | None, argument("SOURCE…", "Recordings, folders, globs, or - for stdin.")
    ] = None,
    *,
    redriving: Redriving,
    choosing: Choosing,
    pacing: Pacing,
    changing: Changing,
    running: Running,
) -> int:
    """Send recorded events again, as they were.

    Byte for byte, at the recorded pace, marked as replayed. Routing key, properties and headers
    are as recorded, the message id too, but for what you ask to be changed. The headers
    x-medtrack-replay, x-medtrack-replay-seq and x-medtrack-original-time are added. Dead letters
    that came under another key than their first one are sent only with --to.
    """
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.wiring.inputs import gathered
    from medtrack_cli.wiring.recordings import keep_name

    if redriving.from_queue is not None:
        from medtrack_cli.commands.redriving import redrive

        return redrive(runtime, sources or [], redriving, choosing, pacing, changing, running)
    refuse_without_queue(redriving)
    if not sources:
        raise UsageError("replay needs a SOURCE", hint="medtrack replay morning.ndjson --dry-run")
    runtime = target_of(runtime, changing)
    pace = pace_of(runtime, pacing.speed)
    source = gathered(runtime, sources, allows_empty=choosing.allow_empty)
    source.require()
    plan = plan_of(runtime, sources, choosing, changing, running.name)
    now = runtime.world.clock.now
    job = job_of(source, plan, now, skips_corrupt=choosing.skip_corrupt)
    is_kept = running.name and not running.dry_run
    with keep_name(runtime, plan.name) if is_kept else nullcontext():
        code = carry_out(
            *(runtime, "replay", job, PublishPolicy(retry_for=running.retry_for), pace),
            is_checked=source.can_be_read_again,
            dry_run=running.dry_run,
            yes=running.yes,
            outline=outline_of(runtime, plan, pacing),
        )
    if any(plan.selection.window) and not job.events and source.can_be_read_again:
        _name_span(runtime, source)
    return code


def _name_span(runtime: Runtime, source: "Input") -> None:
    """Say of a recording of which nothing was wanted from when to when it is."""
    from medtrack_cli.core.delivery import Delivery
    from medtrack_cli.core.times import rfc3339

    first = last = None
    for each in source.items():
        if isinstance(each.recorded, Delivery):
            moment = each.recorded.received_at
            first, last = min(first or moment, moment), max(last or moment, moment)
    if first and last:
        span = f"{rfc3339(first)} to {rfc3339(last)}"
        runtime.printer.note(f"nothing was received in that time; the recording is of {span}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "replay", examples=EXAMPLES, panel=Panel.EVENTS, connects=True)(replay)
