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
    SET,
    YES_PROTECTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is published."""

    event_type: str | None = argument(
        "EVENT_TYPE", "The type of bare payloads, or of events to generate.", default=None
    )
    file: list[str] | None = option(
        Panel.WHAT, "--file, -f FILE", "File, folder, glob, or - for stdin; repeatable."
    )
    data: list[str] | None = option(
        Panel.WHAT, "--data, -d JSON", "An event or a payload; repeatable."
    )
    set_: list[str] | None = SET
    count: int | None = option(Panel.WHAT, "--count N", "Generate N events.", parser=whole(1))
    seed: int | None = option(Panel.WHAT, "--seed N", "Make the same events for the same N.")
    service: str | None = option(Panel.WHAT, "--service NAME", "Fill in a missing `service`.")
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
    message_id: str | None = option(Panel.WHAT, "--message-id ID", "The message id of one event.")
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
        Panel.HOW, "--checkpoint FILE", "Note how far a run came; typed again, it goes on there."
    )
    allow_unroutable: bool = flag(
        Panel.HOW, "--allow-unroutable", "Events that no queue gets count as done, too."
    )
    yes: bool = YES_PROTECTED
