"""medtrack replay."""

import re
import shlex
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from medtrack_cli.commands.completing import recorded_patterns
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import LEAST, MOST, as_float, seconds
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.core.ports import Invalid, PublishPolicy, To
from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.filters import Window
    from medtrack_cli.core.publishing.job import Job
    from medtrack_cli.core.publishing.replay import Replay
    from medtrack_cli.wiring.inputs import Input

SMALL = 4 * 2**20
"""Bytes of recordings that are held in memory while they are sent; larger ones are read twice."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

EXAMPLES = (
    "medtrack replay morning.ndjson --dry-run",
    "medtrack replay morning.ndjson --speed 10",
    "medtrack replay morning.ndjson --speed max --key 'student.*' --yes",
    "medtrack replay morning.ndjson --since 2025-01-15T10:00:02Z --dry-run",
)


def _speed(text: str) -> float | None:
    """Read --speed: a factor, or max for no pace at all."""
    if text == "max":
        return None
    speed = as_float(text)
    if not LEAST <= speed <= MOST:
        hint = "--speed 2 is twice as fast"
        raise UsageError(f"--speed is a number from {LEAST} to {MOST:,}, or max", text, hint=hint)
    return speed


def _time(option: str, text: str | None) -> datetime | None:
    """Read a time of the command line; one without an offset is UTC."""
    try:
        return from_rfc3339(text) if text else None
    except ValueError:
        hint = f"{option} 2025-01-15T10:00:00Z"
        raise UsageError(f"{option} is a time", str(text), hint=hint) from None


def _name(text: str | None) -> str | None:
    """Read --name, which is a file's name, too."""
    if text is not None and not _NAME.fullmatch(text):
        hint = "letters, digits, dots, dashes and underscores, 64 at the most"
        raise UsageError("--name is no name of a run", text, hint=hint)
    return text


def replay(
    runtime: Runtime,
    sources: Annotated[
        list[str], argument("SOURCE…", "Recordings, folders, globs, or - for stdin.")
    ],
    *,
    speed: Annotated[
        str,
        option(
            Panel.HOW,
            "--speed",
            metavar="N|max",
            help="2 is twice as fast as recorded; max: no pauses.",
        ),
    ] = "1",
    key: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--key",
            metavar="PATTERN",
            autocompletion=recorded_patterns,
            help="Only routing keys of this pattern; repeatable.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--since",
            metavar="TIME",
            help="Only what was received from then on: 2025-01-15T10:00:00Z (UTC if bare).",
        ),
    ] = None,
    until: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--until",
            metavar="TIME",
            help="Only what was received before; a time as for --since.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--where",
            metavar="EXPR",
            help="Only events of which this CEL is true: 'event.payload.score < 10'.",
        ),
    ] = None,
    skip_corrupt: Annotated[
        bool,
        option(Panel.WHAT, "--skip-corrupt", help="Leave out damaged records, and count them."),
    ] = False,
    invalid: Annotated[
        Invalid, option(Panel.WHAT, "--invalid", help="What to do with invalid events.")
    ] = Invalid.SEND,
    to: Annotated[
        To | None,
        option(
            Panel.HOW,
            "--to",
            help="Send dead letters to the exchange, as at first, or to the queue they died in.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        option(
            Panel.HOW,
            "--name",
            metavar="RUN",
            help="Name the run; what it sends is marked with it.",
        ),
    ] = None,
    allow_empty: Annotated[
        bool, option(Panel.WHAT, "--allow-empty", help="An input without any event is fine.")
    ] = False,
    dry_run: Annotated[
        bool, option(Panel.HOW, "--dry-run", help="Print what would be sent; send nothing.")
    ] = False,
    retry_for: Annotated[
        float | None,
        option(
            Panel.CONNECTION,
            "--retry-for",
            parser=seconds,
            metavar="SECONDS",
            help="How long to try again for a connection [only a lost one: 60].",
        ),
    ] = None,
    yes: Annotated[
        bool, option(Panel.HOW, "--yes", help="Don't ask on a protected profile.")
    ] = False,
) -> int:
    """Send recorded events again, as they were.

    Byte for byte, at the recorded pace, marked as replayed. Routing key, properties and headers
    are as recorded, the message id too. The headers x-medtrack-replay, x-medtrack-replay-seq and
    x-medtrack-original-time are added. Dead letters that came under another key than their
    first one are sent only with --to.
    """
    from medtrack_cli.commands.doubting import warn_of_patterns
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.core.publishing import replay as core
    from medtrack_cli.core.publishing.pacing import Pace
    from medtrack_cli.wiring import conditions
    from medtrack_cli.wiring.inputs import gathered
    from medtrack_cli.wiring.recordings import keep_name

    factor = _speed(speed)
    condition = conditions.condition(where)
    clock, note = runtime.world.clock, runtime.printer.note
    start = clock.now()
    source = gathered(runtime, sources, allows_empty=allow_empty)
    source.require()
    run_name, keys = _name(name) or core.run_name(start), tuple(key or ())
    warn_of_patterns(runtime, keys)
    plan = core.Replay(
        *(run_name, uuid4(), keys, _window(since, until), invalid, runtime.registry, condition),
        to=to,
        command=shlex.join(["medtrack", "replay", *sources]),
    )
    job = _job(source, plan, start, skips_corrupt=skip_corrupt)
    with keep_name(runtime, run_name) if name and not dry_run else nullcontext():
        code = carry_out(
            *(runtime, "replay", job, PublishPolicy(retry_for=retry_for)),
            lambda stop: Pace(factor, clock, stop, note) if factor else None,
            is_checked=source.can_be_read_again,
            dry_run=dry_run,
            yes=yes,
        )
    if any(plan.window) and not job.events and source.can_be_read_again:
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


def _window(since: str | None, until: str | None) -> "Window":
    from medtrack_cli.core.filters import Window

    window = Window(_time("--since", since), _time("--until", until))
    if window.since and window.until and window.since >= window.until:
        raise UsageError("--since is not before --until", str(since), hint="swap the two times")
    return window


def _job(source: "Input", plan: "Replay", start: datetime, *, skips_corrupt: bool) -> "Job":
    """Make what is sent of a recording: once where it is small."""
    from medtrack_cli.core.publishing.deliver import Tally
    from medtrack_cli.core.publishing.job import Job
    from medtrack_cli.core.publishing.replay import making
    from medtrack_cli.wiring.brokers import why_unsendable

    read = partial(source.items, window=plan.window if any(plan.window) else None)
    make = making(read, plan, start, why_unsendable, skips_corrupt=skips_corrupt)
    again = source.can_be_read_again
    is_small = again and source.size is not None and source.size <= SMALL
    return Job(make, Tally(), again, is_small, source.refuse_changes)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "replay", examples=EXAMPLES, panel=Panel.EVENTS, connects=True)(replay)
