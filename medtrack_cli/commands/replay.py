"""medtrack replay."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from medtrack_cli.commands.arguments import warn_of_damage
from medtrack_cli.commands.options import Panel, argument, command
from medtrack_cli.commands.replay_job import (
    job_of,
    name_of,
    outline_of,
    plan_of,
    refuse_without_queue,
    target_of,
)
from medtrack_cli.commands.replay_options import (
    Changing,
    Choosing,
    Pacing,
    Redriving,
    Running,
    Streaming,
    refuse_beside,
)
from medtrack_cli.commands.replay_pace import pace_of, policy_of
from medtrack_cli.commands.replay_stream import refuse_without_stream, stream_of
from medtrack_cli.commands.slips import written
from medtrack_cli.commands.times import fixed
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.commands.replay_run import Asked
    from medtrack_cli.wiring.runs import ReplayJournal
    from medtrack_cli.wiring.streams import Readable

EXAMPLES = (
    "medtrack replay morning.ndjson --dry-run",
    "medtrack replay morning.ndjson --speed 10",
    "medtrack replay morning.ndjson --speed max --key 'student.*' --yes",
    "medtrack replay morning.ndjson --key-prefix test. --refresh-timestamps --dry-run",
    "medtrack replay morning.ndjson --since 2025-01-15T10:00:02Z --dry-run",
    "medtrack replay --from-stream medtrack.archive --since -2h --dry-run",
    "medtrack replay --runs",
)


@command("replay", *EXAMPLES, effect="destructive", panel=Panel.EVENTS, connects=True)
def replay(
    runtime: Runtime,
    sources: list[str] | None = argument(
        "SOURCE…", "Recordings, folders, globs, or - for stdin.", default=None
    ),
    *,
    context: typer.Context | None = None,
    redriving: Redriving,
    streaming: Streaming,
    choosing: Choosing,
    pacing: Pacing,
    changing: Changing,
    running: Running,
) -> int:
    """Send recorded events again, as they were.

    Byte for byte, at the recorded pace, marked as replayed. Routing key, properties, headers and
    message id are as recorded, except for the changes you ask for. The headers x-medtrack-replay,
    x-medtrack-replay-seq and x-medtrack-original-time are added. A recorded dead letter
    whose routing key was changed on its way is sent only with --to.

    Each replay is a run with a journal: however it ends, --resume continues where it was.
    """
    from medtrack_cli.commands.replay_run import Asked
    from medtrack_cli.core.times import rfc3339

    refuse_beside(context, running)
    if running.runs or running.show or running.cancel:
        from medtrack_cli.commands.replay_runs import told

        return told(runtime, running)
    if running.resume is None:
        refuse_without_stream(streaming, redriving.from_queue)
    now = runtime.world.clock.now()
    asked = Asked(runtime, sources or [], choosing, pacing, changing, rfc3339(now), streaming)
    if redriving.from_queue is not None:
        from medtrack_cli.commands.redriving import redrive

        return redrive(asked, redriving, running)
    refuse_without_queue(redriving)
    if streaming.from_stream is not None:
        if sources:
            what = "--from-stream goes without a SOURCE"
            raise UsageError(what, sources[0], hint="leave one out")
        asked = replace(asked, sources=[f"stream {streaming.from_stream}"])
    if running.resume is None:
        if not asked.sources:
            line = written([*runtime.typed, "morning.ndjson", "--dry-run"])
            raise UsageError("nothing to replay: name a recording, or --resume RUN", hint=line)
        since, until = fixed(choosing.since, choosing.until, now)
        choosing = replace(choosing, since=since, until=until)
        return _sent(replace(asked, choosing=choosing), running, None)
    return _resumed(context, asked, running)


def _resumed(context: typer.Context | None, asked: "Asked", running: Running) -> int:
    """Send what is left of an earlier run."""
    from medtrack_cli.commands.replay_run import refuse_other_target, taken_up
    from medtrack_cli.wiring.runs import replays

    runs = replays(asked.runtime)
    name = runs.last() if running.resume == "last" else name_of(running.resume, "--resume") or ""
    with runs.reopened(name) as journal:
        asked = taken_up(context, asked, journal)
        has_broker = asked.streaming.from_stream is not None
        target = target_of(asked.runtime, asked.changing, has_broker=has_broker)
        refuse_other_target(target, journal)
        warn_of_damage(asked.runtime, name, journal.damaged)
        return _sent(asked, running, journal)


def _sent(asked: "Asked", running: Running, journal: "ReplayJournal | None") -> int:
    """Send what was asked for, or what is left of it."""
    from medtrack_cli.commands.replay_run import under_journal
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.wiring.inputs import gathered
    from medtrack_cli.wiring.runs import begun

    is_stream = asked.streaming.from_stream is not None
    runtime = target_of(asked.runtime, asked.changing, has_broker=is_stream)
    policy = policy_of(asked.pacing, running.retry_for)
    pace = pace_of(runtime, asked.pacing, policy)
    name = journal.header["name"] if journal else name_of(running.name)
    plan = plan_of(runtime, asked, name, journal.header if journal else None)
    source: Readable
    if is_stream:
        source = stream_of(asked.runtime, asked.streaming, plan.selection.window, journal)
    else:
        source = gathered(runtime, asked.sources, allows_empty=asked.choosing.allow_empty)
        source.require()
    if journal is None and not running.dry_run:
        journal = begun(runtime, plan, source, asked.started, asked.to_json())
    job = job_of(runtime, source, plan, asked, journal)

    def send() -> int:
        return carry_out(
            *(runtime, "replay", job, policy, pace),
            is_checked=source.can_be_read_again and job.known is None,
            dry_run=running.dry_run,
            yes=running.yes,
            outline=outline_of(runtime, plan, asked.pacing, asked.runtime if is_stream else None),
        )

    if journal is None or running.dry_run:
        code = send()
    else:
        names = [each.name for each in source.sources]
        code = under_journal(runtime, journal, job, names, send)
    if any(plan.selection.window) and not job.events and source.can_be_read_again:
        _name_span(runtime, source)
    return code


def _name_span(runtime: Runtime, source: "Readable") -> None:
    """Say from when to when a recording is in which nothing was wanted."""
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
