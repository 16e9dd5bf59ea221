"""The options of publish, in groups: the command gets each group as one value."""

from dataclasses import dataclass
from pathlib import Path

from medtrack_cli.commands.completing import properties
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Panel, argument, flag, option
from medtrack_cli.commands.shared_options import (
    ALLOW_EMPTY,
    DRY_RUN,
    RATE,
    RETRY_FOR,
    YES_PROTECTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is published."""

    event_type: str | None = argument(
        "EVENT_TYPE",
        "The type of payloads without an envelope, or of events to generate.",
        default=None,
    )
    file: list[str] | None = option(
        Panel.WHAT, "--file, -f FILE", "File, folder, glob, or - for stdin; repeatable."
    )
    data: list[str] | None = option(
        Panel.WHAT, "--data, -d JSON", "An event or a payload; repeatable."
    )
    set_: list[str] | None = option(
        Panel.WHAT,
        "--set PATH=VALUE",
        "Set a field of each event, such as payload.score=85; repeatable.",
    )
    count: int | None = option(
        Panel.WHAT, "--count N", "Generate N events, with made-up values.", parser=whole(1)
    )
    seed: int | None = option(
        Panel.WHAT, "--seed N", "Generate the same events whenever N is the same."
    )
    service: str | None = option(
        Panel.WHAT, "--service NAME", "Fill in the field `service` where it is missing."
    )
    header: list[str] | None = option(
        Panel.WHAT, "--header KEY=VALUE", "Add a message header; repeatable."
    )
    property_: list[str] | None = option(
        Panel.WHAT,
        "--property NAME=VALUE",
        "Set an AMQP property: priority, expiration, type, app_id, correlation_id, reply_to; "
        "repeatable.",
        autocompletion=properties,
    )
    message_id: str | None = option(
        Panel.WHAT, "--message-id ID", "The message id of a single event [one is made]."
    )
    allow_empty: bool = ALLOW_EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How it is sent."""

    dry_run: bool = DRY_RUN
    keep_going: bool = flag(
        Panel.HOW, "--keep-going", "Send the valid events, leave out the invalid."
    )
    rate: float | None = RATE
    window: int | None = option(
        Panel.HOW,
        "--window N",
        "Events on their way without a confirm yet, at most [500; with --via http 1].",
        parser=whole(1),
    )
    timeout: float | None = option(
        Panel.END, "--timeout SECONDS", "End the run after this time: 30, 500ms, 5m, 1h."
    )
    retry_for: float | None = RETRY_FOR
    no_validate: bool = flag(Panel.HOW, "--no-validate", "Send invalid events, too.")
    checkpoint: Path | None = option(
        Panel.HOW,
        "--checkpoint FILE",
        "Keep here how far a run came; typed again, it goes on from there.",
    )
    allow_unroutable: bool = flag(
        Panel.HOW, "--allow-unroutable", "Events that no queue gets count as done, too."
    )
    yes: bool = YES_PROTECTED
