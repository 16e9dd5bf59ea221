"""From replay's options to the selection, the changes, the job."""

import re
import shlex
from collections import Counter
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from medtrack_cli.commands.arguments import (
    MOST_BYTES,
    refuse_bytes,
    refuse_without,
    warn_of_patterns,
    warn_of_types,
)
from medtrack_cli.commands.replay_options import Changing, Choosing, Pacing, Redriving
from medtrack_cli.commands.replay_pace import speed_of
from medtrack_cli.commands.times import window_of
from medtrack_cli.core.choices import Invalid, To
from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from medtrack_cli.commands.replay_run import Asked
    from medtrack_cli.core.items import Item
    from medtrack_cli.core.publishing.job import Job, Make
    from medtrack_cli.core.publishing.outline import Outline
    from medtrack_cli.core.publishing.pseudonyms import Pseudonymizer
    from medtrack_cli.core.publishing.recorded import Recorded
    from medtrack_cli.core.publishing.replay import Replay
    from medtrack_cli.core.publishing.rewrite import Rewrite
    from medtrack_cli.core.publishing.runs import Cursor
    from medtrack_cli.core.publishing.selection import Selection
    from medtrack_cli.wiring.runs import ReplayJournal
    from medtrack_cli.wiring.streams import Readable

SMALL = 64 * 2**20
"""Bytes of recordings that are held in memory while they are sent, taking three times as much.
Larger ones are read twice.
"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def selection_of(runtime: Runtime, choosing: Choosing, invalid: Invalid) -> "Selection":
    """Determine which deliveries are wanted; warn of conditions that nothing known meets."""
    from medtrack_cli.core.publishing.selection import Selection
    from medtrack_cli.wiring.conditions import condition

    keys, excluded = tuple(choosing.key or ()), tuple(choosing.exclude_key or ())
    types = tuple(choosing.type_ or ())
    asked = condition(choosing.where)
    warn_of_patterns(runtime, (*keys, *excluded))
    warn_of_types(runtime, types)
    return Selection(
        window_of(choosing.since, choosing.until, runtime.world.clock.now()),
        *(keys, excluded, types, tuple(choosing.from_service or ()), tuple(choosing.id_ or ())),
        *(asked, choosing.limit, choosing.invalid or invalid),
    )


def rewrite_of(
    runtime: Runtime, changing: Changing, kept: "Mapping[str, Any] | None" = None
) -> "Rewrite":
    """Determine what is changed; UsageError for changes with which no event could be sent.

    `kept` is the journal's header of a resumed run.
    """
    from medtrack_cli.core.publishing.rewrite import Rewrite
    from medtrack_cli.events import overrides as paths

    refuse_bytes("--set", *changing.set_ or ())
    refuse_bytes("--key-prefix", changing.key_prefix, most=MOST_BYTES)
    if changing.key_prefix and changing.to is To.QUEUE:
        hint = "leave one of them out: a queue is reached by its name alone"
        raise UsageError("--key-prefix and --to queue exclude each other", hint=hint)
    headers = _headers_of(changing)
    settings = paths.parse_all(changing.set_ or ())
    paths.checked_for_any(settings, runtime.registry)
    if changing.refresh_timestamps and any(path == ("timestamp",) for path, _ in settings):
        hint = "leave one of them out"
        raise UsageError("--refresh-timestamps and --set timestamp are one thing", hint=hint)
    now = runtime.world.clock.now() if changing.refresh_timestamps else None
    new_ids, fakes = changing.new_ids, _fakes_of(runtime, changing, kept)
    return Rewrite(changing.to, changing.key_prefix, headers, new_ids, settings, now, fakes)


def _headers_of(changing: Changing) -> "Mapping[str, str]":
    from medtrack_cli.core.dead_letters import SENDERS_COPIES
    from medtrack_cli.core.publishing.extras import headers_of

    refuse_bytes("--header", *changing.header or ())
    headers = headers_of(changing.header or ())
    refuse_bytes("--header: a key", *headers, most=MOST_BYTES)
    for name in headers:
        hint = ""
        if name.lower().startswith("x-medtrack-"):
            hint = "choose another name: these mark what a replay sends"
        elif name in SENDERS_COPIES:
            hint = "it is a list of routing keys, and no text"
        if hint:
            raise UsageError("--header doesn't set this", name, hint=hint)
    return headers


def _fakes_of(
    runtime: Runtime, changing: Changing, kept: "Mapping[str, Any] | None"
) -> "Pseudonymizer | None":
    if changing.pseudonymize_ids and not changing.pseudonymize:
        raise UsageError("--pseudonymize-ids goes with --pseudonymize", hint="--pseudonymize")
    if not changing.pseudonymize:
        return None
    if changing.real_persons:
        hint = "leave one of them out"
        raise UsageError("--pseudonymize and --real-persons exclude each other", hint=hint)
    from medtrack_cli.wiring.pseudonyms import pseudonymizer

    return pseudonymizer(runtime, maps_ids=changing.pseudonymize_ids, kept=kept)


def target_of(runtime: Runtime, changing: Changing, *, has_broker: bool = False) -> Runtime:
    """Apply --to-profile to the connection; a source that is a file has no broker."""
    if changing.to_profile is None:
        return runtime
    if "profile" in runtime.flags and not has_broker:
        hint = "the recording is a file: --to-profile alone says where it goes"
        raise UsageError("--profile and --to-profile exclude each other", hint=hint)
    kept = {
        name: text
        for name, text in runtime.flags.items()
        if not has_broker or name in {"config", "exchange"}  # the others lead to the source
    }
    target = replace(runtime, flags={**kept, "profile": changing.to_profile})
    target.config  # noqa: B018 -- an unknown profile is told before anything is read
    target.tell_what_is_set_aside()
    return target


def refuse_without_queue(redriving: Redriving) -> None:
    """Refuse options of --from-queue without it."""
    typed = {
        f"--{each.name.replace('_', '-')}": getattr(redriving, each.name) != each.default
        for each in fields(redriving)
    }
    refuse_without("--from-queue", typed, hint="--from-queue QUEUE")


def plan_of(
    runtime: Runtime, asked: "Asked", name: str | None, kept: "Mapping[str, Any] | None" = None
) -> "Replay":
    """Determine what is sent of a recording, and with which key; `kept` as in `rewrite_of`."""
    from medtrack_cli.core.publishing.replay import Replay, run_name
    from medtrack_cli.wiring.brokers import here

    changing = asked.changing
    return Replay(
        name or run_name(runtime.world.clock.now()),
        uuid4(),
        selection_of(runtime, asked.choosing, Invalid.SEND),
        rewrite_of(runtime, changing, kept),
        runtime.registry,
        command=shlex.join(["medtrack", "replay", *asked.words]),
        target=None if changing.real_persons or changing.pseudonymize else here(runtime),
    )


def outline_of(
    runtime: Runtime, plan: "Replay", pacing: Pacing, source: Runtime | None = None
) -> "Outline":
    """Begin to count what is to be sent, and its duration; `source` is another broker's."""
    from medtrack_cli.core.publishing.outline import Outline
    from medtrack_cli.core.publishing.pacing import Pace
    from medtrack_cli.wiring.brokers import here

    speed = speed_of(pacing)
    due = Pace(speed, runtime.world.clock, max_gap=pacing.max_gap).after if speed else None
    outline = Outline(plan.name, here(runtime), due, pacing.rate)
    if source:
        outline.origins.add(here(source))
    return outline


def job_of(
    runtime: Runtime,
    source: "Readable",
    plan: "Replay",
    asked: "Asked",
    journal: "ReplayJournal | None",
) -> "Job":
    """Make the job for a recording; it is read once if it is small.

    For a resumed run, what is left of it; UsageError where the recording has changed.
    """
    from medtrack_cli.core.publishing.job import Job, Tally
    from medtrack_cli.wiring.runs import noting

    again, cursor, tally = source.can_be_read_again, None, Tally()
    plan = replace(plan, ends_at_limit=not again)  # a pipe may never end
    known = None
    if journal:
        plan = replace(plan, run=journal.run, note=noting(journal))
        if not journal.is_new and _is_untouched(runtime, source, plan, asked, journal):
            cursor, known = journal.cursor, journal.was_checked and journal.was_checked[:2]
        tally.omitted.update(known[1] if known else {})
        tally.omitted.update({"done_before": journal.was_done} if journal.was_done else {})
    is_small = again and source.size is not None and source.size <= SMALL
    make = _making(runtime, source, plan, asked, cursor)
    if source.gone:
        tally.omitted["gone"] = source.gone
    job = Job(make, tally, again, is_small, source.refuse_changes, journal, known=known)
    if source.gone is not None:
        job.gone = lambda: source.gone or 0
    if journal:
        job.name = plan.name
        job.checked = lambda events, omitted: journal.checked(
            events, omitted, job.outline.to_json() if job.outline else {}
        )
    refresh(runtime, job, plan)
    return job


def refresh(runtime: Runtime, job: "Job", plan: "Replay") -> None:
    """Give each event the time at which it is sent, if that was asked for."""
    from medtrack_cli.core.publishing.rewrite import refreshed

    if plan.rewrite.now is not None:
        job.last_touch = partial(refreshed, now=runtime.world.clock.now)


def _making(
    runtime: Runtime, source: "Readable", plan: "Replay", asked: "Asked", cursor: "Cursor | None"
) -> "Make":
    """Make the function that makes the messages of a recording, from a cursor on."""
    from medtrack_cli.core.publishing.replay import making
    from medtrack_cli.events.check import quick_check
    from medtrack_cli.wiring.brokers import sendable
    from medtrack_cli.wiring.inputs import FROM_THE_START, Beginning, Span

    quick_check(runtime.registry)  # now: pydantic loses a signal that comes while it is built

    window, beginning, start = plan.selection.window, FROM_THE_START, asked.started
    if cursor:
        beginning, start = Beginning(cursor.source, cursor.line), cursor.time
        plan = replace(plan, before=cursor.before)

    def read(passed: "Callable[[], None]") -> "Iterator[Item]":
        span = Span(window, passed) if any(window) else None
        return source.items(span=span, beginning=beginning)

    skips_corrupt = asked.choosing.skip_corrupt
    return making(read, plan, from_rfc3339(start), sendable(), skips_corrupt=skips_corrupt)


def _is_untouched(
    runtime: Runtime,
    source: "Readable",
    plan: "Replay",
    asked: "Asked",
    journal: "ReplayJournal",
) -> bool:
    """Return whether a run's recording is unchanged; one that may have changed is compared."""
    from medtrack_cli.core.publishing.job import Pass
    from medtrack_cli.wiring.runs import refuse_changes

    def chosen() -> "Iterator[Recorded]":
        seen: list[Recorded] = []
        noted = replace(plan, keep_going=True, note=lambda _position, each: seen.append(each))
        for _ in _making(runtime, source, noted, asked, None)(Pass.SEND, Counter()):
            yield seen.pop()

    with runtime.printer.progress(lambda: f"{journal.compared:,} events compared"):
        return refuse_changes(journal, source, chosen)


def name_of(text: str | None, option: str = "--name") -> str | None:
    """Read the name of a run, which is also a file's name."""
    if text is not None and not _NAME.fullmatch(text):
        hint = "letters, digits, dots, dashes and underscores, 64 at the most"
        raise UsageError(f"{option} is no name of a run", text, hint=hint)
    return text
