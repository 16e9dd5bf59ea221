"""The options of replay, in groups: the command gets each group as one value."""

from dataclasses import dataclass, fields
from pathlib import Path

import typer

from medtrack_cli.commands.completing import (
    all_runs,
    profiles,
    recorded_patterns,
    unfinished_runs,
)
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Panel, flag, option
from medtrack_cli.commands.shared_options import (
    ALLOW_EMPTY,
    DRY_RUN,
    RATE,
    RETRY_FOR,
    SET,
    TIME,
    WHERE,
)
from medtrack_cli.core.choices import Invalid, To
from medtrack_cli.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Which of the recorded events are sent."""

    since: str | None = option(
        Panel.WHAT, "--since TIME", f"Only what was received from then on: {TIME}."
    )
    until: str | None = option(
        Panel.WHAT, "--until TIME", "Only what was received before; a time as for --since."
    )
    key: list[str] | None = option(
        Panel.WHAT,
        "--key PATTERN",
        "Only routing keys of this pattern; repeatable.",
        autocompletion=recorded_patterns,
    )
    exclude_key: list[str] | None = option(
        Panel.WHAT,
        "--exclude-key PATTERN",
        "Leave these routing keys out; repeatable.",
        autocompletion=recorded_patterns,
    )
    type_: list[str] | None = option(
        Panel.WHAT, "--type EVENT_TYPE", "Only events of this type; repeatable."
    )
    from_service: list[str] | None = option(
        Panel.WHAT, "--service NAME", "Only events of this service; repeatable."
    )
    id_: list[str] | None = option(
        Panel.WHAT,
        "--id ID",
        "Only this message, or events of this student, stage, user …; repeatable.",
    )
    where: str | None = WHERE
    limit: int | None = option(
        Panel.WHAT, "--limit N", "Only the first N of the chosen ones.", parser=whole(1)
    )
    invalid: Invalid | None = option(
        Panel.WHAT, "--invalid", "What to do with invalid events [send; of a queue: skip]."
    )
    skip_corrupt: bool = flag(
        Panel.WHAT, "--skip-corrupt", "Leave out damaged records, and count them."
    )
    allow_empty: bool = ALLOW_EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """When each is sent."""

    speed: str = option(
        Panel.HOW, "--speed N|max", "2 is twice as fast as recorded; max: no pauses.", default="1"
    )
    rate: float | None = RATE
    max_gap: float | None = option(
        Panel.HOW,
        "--max-gap SECONDS",
        "Cut longer pauses of the recording to this time: 10, 500ms, 5m.",
    )
    max_backlog: list[str] | None = option(
        Panel.HOW, "--max-backlog QUEUE=N", "Pause while that queue holds more than N; repeatable."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """Where to, and what is changed on the way."""

    to: To | None = option(
        Panel.HOW,
        "--to",
        "Send dead letters to the exchange, as at first, or to the queue they died in.",
    )
    to_profile: str | None = option(
        Panel.CONNECTION,
        "--to-profile NAME",
        "Send to the broker of this profile.",
        autocompletion=profiles,
    )
    key_prefix: str = option(
        Panel.HOW, "--key-prefix TEXT", "Put this before each routing key: 'test.'.", default=""
    )
    header: list[str] | None = option(
        Panel.HOW,
        "--header KEY=VALUE",
        "Add a message header, or replace a recorded one; repeatable.",
    )
    set_: list[str] | None = SET
    refresh_timestamps: bool = flag(
        Panel.HOW, "--refresh-timestamps", "Give each event the time at which it is sent."
    )
    new_ids: bool = flag(
        Panel.HOW, "--new-ids", "Give each message a new id, the same when resumed."
    )
    pseudonymize: bool = flag(
        Panel.HOW,
        "--pseudonymize",
        "Replace real persons by made-up ones; an event where that isn't sure is left out.",
    )
    pseudonymize_ids: bool = flag(
        Panel.HOW, "--pseudonymize-ids", "With --pseudonymize: replace its events' ids, too."
    )
    real_persons: bool = flag(
        Panel.HOW,
        "--real-persons",
        "Let a protected broker's recording, with its real persons, go to another broker.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The job itself."""

    name: str | None = option(
        Panel.HOW, "--name RUN", "Name the run; what it sends is marked with it."
    )
    resume: str | None = option(
        Panel.RUNS,
        "--resume RUN",
        "Go on with a run; last is the newest unfinished one.",
        autocompletion=unfinished_runs,
    )
    runs: bool = flag(Panel.RUNS, "--runs", "List the runs, newest first.")
    show: str | None = option(
        Panel.RUNS, "--show RUN", "Show what became of a run.", autocompletion=all_runs
    )
    cancel: str | None = option(
        Panel.RUNS,
        "--cancel RUN",
        "End a run for good, from another terminal, too.",
        autocompletion=unfinished_runs,
    )
    dry_run: bool = DRY_RUN
    retry_for: float | None = RETRY_FOR
    yes: bool = flag(Panel.HOW, "--yes", "Don't ask before anything is sent.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """A stream instead of recordings, and the part of it that is sent."""

    from_stream: str | None = option(
        Panel.WHAT, "--from-stream STREAM", "Send what this stream holds now; all stays in it."
    )
    offset: str | None = option(
        Panel.WHAT,
        "--offset A:B",
        "Of a stream, only these offsets, both included; or from first, last, next, N.",
    )
    from_first: bool = flag(
        Panel.WHAT, "--from-first", "Begin with the oldest event left, where others are gone."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriving:
    """Dead letters that are taken out of a queue."""

    from_queue: str | None = option(
        Panel.WHAT,
        "--from-queue QUEUE",
        "Send this queue's dead letters back; each leaves it when it has arrived.",
    )
    reason: list[str] | None = option(
        Panel.WHAT,
        "--reason NAME",
        "Only what died of this: rejected, expired, maxlen, delivery_limit; repeatable.",
    )
    died_in: list[str] | None = option(
        Panel.WHAT, "--died-in QUEUE", "Only what died in this queue; repeatable."
    )
    max_redrives: int = option(
        Panel.WHAT,
        "--max-redrives N",
        "Leave in the queue what was sent back N times before.",
        parser=whole(1),
        default=3,
    )
    to_queue: str | None = option(Panel.HOW, "--to-queue QUEUE", "Send dead letters to this queue.")
    record: Path | None = option(
        Panel.OUTPUT, "--record FILE", "Keep each dead letter as it was, before it is sent."
    )
    spend_deliveries: bool = flag(
        Panel.HOW,
        "--spend-deliveries",
        "Read a queue even if its delivery limit then drops messages.",
    )


_SHAPING = (Choosing, Pacing, Changing, Streaming)


def refuse_beside(context: typer.Context | None, running: Running) -> None:
    """Raise UsageError for what would be ignored beside --resume, --runs, --show or --cancel."""
    asked = ("cancel", "show", "runs", "resume")
    verb = next((name for name in asked if getattr(running, name) not in {None, False}), None)
    if verb is None:
        return
    refused = {*asked, "name", *(each.name for each in fields(Redriving))} - {verb}
    if verb != "resume":
        shaping = (each.name for kind in _SHAPING for each in fields(kind))
        refused |= {"sources", "dry_run", *shaping}
    for each in context.command.params if context else ():
        source = context.get_parameter_source(each.name or "") if context else None
        if each.name in refused and source and source.name == "COMMANDLINE":
            what = "a SOURCE" if each.name == "sources" else each.opts[0]
            hint = "leave one of them out"
            raise UsageError(f"--{verb} goes without {what}", hint=hint)
