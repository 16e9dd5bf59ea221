"""The options of replay, in groups: the command gets each group as one value."""

from dataclasses import dataclass
from typing import Annotated

from medtrack_cli.commands.completing import (
    all_runs,
    profiles,
    recorded_patterns,
    unfinished_runs,
)
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import seconds, whole
from medtrack_cli.commands.option_types import TIME, AllowEmpty, DryRun, Rate, RetryFor, Where
from medtrack_cli.commands.options import option
from medtrack_cli.core.choices import Invalid, To


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Which of the recorded events are sent."""

    since: Annotated[
        str | None,
        option(Panel.WHAT, "--since TIME", f"Only what was received from then on: {TIME}."),
    ] = None
    until: Annotated[
        str | None,
        option(Panel.WHAT, "--until TIME", "Only what was received before; a time as for --since."),
    ] = None
    key: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--key PATTERN",
            "Only routing keys of this pattern; repeatable.",
            autocompletion=recorded_patterns,
        ),
    ] = None
    exclude_key: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--exclude-key PATTERN",
            "Leave these routing keys out; repeatable.",
            autocompletion=recorded_patterns,
        ),
    ] = None
    type_: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--type EVENT_TYPE", "Only events of this type; repeatable."),
    ] = None
    from_service: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--service NAME", "Only events of this service; repeatable."),
    ] = None
    id_: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--id ID",
            "Only this message, or events of this student, stage, user …; repeatable.",
        ),
    ] = None
    where: Where = None
    limit: Annotated[
        int | None,
        option(
            Panel.WHAT,
            "--limit N",
            "Only the first N of the chosen ones.",
            parser=whole(1),
        ),
    ] = None
    invalid: Annotated[
        Invalid | None,
        option(Panel.WHAT, "--invalid", "What to do with invalid events [send; of a queue: skip]."),
    ] = None
    skip_corrupt: Annotated[
        bool, option(Panel.WHAT, "--skip-corrupt", "Leave out damaged records, and count them.")
    ] = False
    allow_empty: AllowEmpty = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """When each is sent."""

    speed: Annotated[
        str, option(Panel.HOW, "--speed N|max", "2 is twice as fast as recorded; max: no pauses.")
    ] = "1"
    rate: Rate = None
    max_gap: Annotated[
        float | None,
        option(
            Panel.HOW,
            "--max-gap SECONDS",
            "Cut longer pauses of the recording to this time: 10, 500ms, 5m.",
            parser=seconds,
        ),
    ] = None
    max_backlog: Annotated[
        list[str] | None,
        option(
            Panel.HOW,
            "--max-backlog QUEUE=N",
            "Pause while that queue holds more than N; repeatable.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """Where to, and what is changed on the way."""

    to: Annotated[
        To | None,
        option(
            Panel.HOW,
            "--to",
            "Send dead letters to the exchange, as at first, or to the queue they died in.",
        ),
    ] = None
    to_profile: Annotated[
        str | None,
        option(
            Panel.CONNECTION,
            "--to-profile NAME",
            "Send to the broker of this profile.",
            autocompletion=profiles,
        ),
    ] = None
    key_prefix: Annotated[
        str,
        option(
            Panel.HOW,
            "--key-prefix TEXT",
            "Put this before each routing key: 'test.'.",
            show_default=False,
        ),
    ] = ""
    header: Annotated[
        list[str] | None,
        option(
            Panel.HOW,
            "--header KEY=VALUE",
            "Add a message header, or replace a recorded one; repeatable.",
        ),
    ] = None
    set_: Annotated[
        list[str] | None,
        option(Panel.HOW, "--set PATH=VALUE", "Change a field of each; repeatable."),
    ] = None
    refresh_timestamps: Annotated[
        bool,
        option(Panel.HOW, "--refresh-timestamps", "Give each event the time at which it is sent."),
    ] = False
    new_ids: Annotated[
        bool, option(Panel.HOW, "--new-ids", "Give each message a new id, the same when resumed.")
    ] = False
    pseudonymize: Annotated[
        bool,
        option(
            Panel.HOW,
            "--pseudonymize",
            "Replace real persons by made-up ones; what isn't certain is left out.",
        ),
    ] = False
    pseudonymize_ids: Annotated[
        bool, option(Panel.HOW, "--pseudonymize-ids", "Replace the ids of its events, too.")
    ] = False
    real_persons: Annotated[
        bool,
        option(
            Panel.HOW,
            "--real-persons",
            "Send real persons of a protected broker's recording to another one.",
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The job itself."""

    name: Annotated[
        str | None,
        option(Panel.HOW, "--name RUN", "Name the run; what it sends is marked with it."),
    ] = None
    resume: Annotated[
        str | None,
        option(
            Panel.RUNS,
            "--resume RUN",
            "Go on with a run; last is the newest unfinished one.",
            autocompletion=unfinished_runs,
        ),
    ] = None
    runs: Annotated[bool, option(Panel.RUNS, "--runs", "List the runs, newest first.")] = False
    show: Annotated[
        str | None,
        option(Panel.RUNS, "--show RUN", "Show what became of a run.", autocompletion=all_runs),
    ] = None
    cancel: Annotated[
        str | None,
        option(
            Panel.RUNS,
            "--cancel RUN",
            "End a run for good, from another terminal, too.",
            autocompletion=unfinished_runs,
        ),
    ] = None
    dry_run: DryRun = False
    retry_for: RetryFor = None
    yes: Annotated[bool, option(Panel.HOW, "--yes", "Don't ask before anything is sent.")] = False
