"""medtrack publish."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from medtrack_cli.commands.completing import properties
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import seconds, whole
from medtrack_cli.commands.option_types import AllowEmpty, DryRun, Rate, RetryFor, YesProtected
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.commands.publish_input import (
    filling,
    open_checkpoint,
    policy_of,
    publish_input,
    refuse_texts,
)
from medtrack_cli.core.choices import Via
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

ViaOption = Annotated[
    Via, option(Panel.CONNECTION, "--via", "http: the management API, where AMQP's port is closed.")
]

EXAMPLES = (
    "medtrack publish -f sample-events/student.created.json",
    "medtrack publish -f sample-events/registration.yaml",
    "medtrack publish student.created --set payload.email=a@example.org",
    "medtrack publish evaluation.created --count 20 --rate 50",
    "medtrack publish student.deleted -f payload.json --service my-service",
    "medtrack schema example user.created | medtrack publish -f -",
)


def publish(
    runtime: Runtime,
    event_type: Annotated[
        str | None,
        argument("EVENT_TYPE", "Wrap payloads as events of this type, or generate some."),
    ] = None,
    *,
    file: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--file, -f FILE", "File, folder, glob, or - for stdin; repeatable."),
    ] = None,
    data: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--data, -d JSON", "An event or a payload; repeatable."),
    ] = None,
    set_: Annotated[
        list[str] | None, option(Panel.WHAT, "--set PATH=VALUE", "Change a field; repeatable.")
    ] = None,
    count: Annotated[
        int | None, option(Panel.WHAT, "--count N", "Generate N events.", parser=whole(1))
    ] = None,
    seed: Annotated[
        int | None, option(Panel.WHAT, "--seed N", "Generate the same events again.")
    ] = None,
    service: Annotated[
        str | None, option(Panel.WHAT, "--service NAME", "Fill in a missing service.")
    ] = None,
    header: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--header KEY=VALUE", "Add a message header; repeatable."),
    ] = None,
    property_: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--property NAME=VALUE",
            "priority, expiration, type, app_id, correlation_id or reply_to; repeatable.",
            autocompletion=properties,
        ),
    ] = None,
    message_id: Annotated[
        str | None, option(Panel.WHAT, "--message-id ID", "Use this message id.")
    ] = None,
    dry_run: DryRun = False,
    keep_going: Annotated[
        bool, option(Panel.HOW, "--keep-going", "Send the valid events, leave out the invalid.")
    ] = False,
    rate: Rate = None,
    window: Annotated[
        int | None,
        option(
            Panel.HOW,
            "--window N",
            "Events sent before their confirms come [500; by HTTP 1, in order].",
            parser=whole(1),
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        option(
            Panel.END,
            "--timeout SECONDS",
            "End the run after this time: 30, 500ms, 5m, 1h.",
            parser=seconds,
        ),
    ] = None,
    retry_for: RetryFor = None,
    no_validate: Annotated[
        bool, option(Panel.HOW, "--no-validate", "Send invalid events, too.")
    ] = False,
    checkpoint: Annotated[
        Path | None, option(Panel.HOW, "--checkpoint FILE", "Go on from where a run stopped.")
    ] = None,
    allow_unroutable: Annotated[
        bool, option(Panel.HOW, "--allow-unroutable", "Events that reach no queue count as done.")
    ] = False,
    allow_empty: AllowEmpty = False,
    yes: YesProtected = False,
) -> int:
    """Send events, each confirmed by the broker.

    Files are validated whole before the first event leaves; one invalid event stops the run
    with nothing sent, unless --keep-going. Exit code 0 means that every event was confirmed.
    """
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.core.publishing.extras import headers_of, properties_of
    from medtrack_cli.core.publishing.job import Job, Tally
    from medtrack_cli.core.publishing.pacing import Paced
    from medtrack_cli.core.publishing.plan import Plan, making
    from medtrack_cli.core.trace import trace_headers
    from medtrack_cli.wiring.inputs import gathered

    refuse_texts(set_, header, property_, service, message_id)
    clock, service = runtime.world.clock, service or runtime.config.service
    outputs = [(checkpoint, "checkpoint")] if checkpoint else []
    given = partial(gathered, runtime, outputs=outputs, allows_empty=allow_empty)
    source = publish_input(runtime, event_type, file, data, set_, count, seed, service, given)
    completion = filling(runtime, event_type, service, set_)
    typed, own = headers_of(header or ()), properties_of(property_ or ())
    headers = typed | trace_headers(runtime.world.environ, typed, runtime.printer.warning)
    shaping: list[object] = [event_type, service, data, set_, header, message_id]
    mark = open_checkpoint(
        runtime, checkpoint, source, [*shaping, *([property_] * bool(property_))]
    )
    run = mark.run if mark else uuid4()
    plan = Plan(
        *(run, completion, keep_going, headers or None, message_id, not no_validate),
        own or None,
    )
    tally = Tally(unroutable_is_done=allow_unroutable)
    if mark and mark.was_done:
        tally.omitted["done_before"] = mark.was_done
    make = making(source.read, plan, mark.noted if mark else iter, runtime.trace)
    job = Job(
        *(make, tally, source.can_be_read_again, source.is_small and not keep_going),
        *(source.refuse_changes, mark),
    )
    policy = policy_of(runtime, window, rate, timeout, retry_for)
    return carry_out(
        *(runtime, "publish", job, policy),
        lambda stop: Paced(clock, stop, rate=rate) if rate else None,
        is_checked=source.can_be_read_again and not keep_going,
        dry_run=dry_run,
        yes=yes,
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    more: Mapping[str, tuple[object, object]] = {"via": (ViaOption, Via.AMQP)}
    command(
        app,
        "publish",
        effect="write",
        examples=EXAMPLES,
        panel=Panel.EVENTS,
        connects=True,
        more=more,
    )(publish)
