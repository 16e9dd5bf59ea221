"""medtrack publish."""

from typing import Annotated
from uuid import uuid4

import typer

from medtrack_cli.commands.options import command
from medtrack_cli.core.ports import PublishPolicy
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

EXAMPLES = (
    "medtrack publish -f sample-events/student.created.json",
    "medtrack publish -f sample-events/registration.yaml",
    "medtrack publish student.deleted -f payload.json --service my-service",
    "generate-events | medtrack publish -f - --keep-going -o json",
)


def publish(
    runtime: Runtime,
    event_type: Annotated[
        str | None, typer.Argument(help="Wrap bare payloads as this type.", show_default=False)
    ] = None,
    *,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", help="File, folder, glob, or - for stdin; repeatable."),
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option("--data", "-d", help="An event or payload as JSON.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", help="Fills an event's missing service.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent; send nothing.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Send the valid events, skip the invalid.")
    ] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.001, help="At most so many a second.")
    ] = None,
    window: Annotated[
        int, typer.Option("--window", min=1, help="Unconfirmed events in flight.")
    ] = 500,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, help="Seconds for the whole run.")
    ] = None,
    retry_for: Annotated[
        float | None,
        typer.Option("--retry-for", min=0, help="Seconds to try for a lost connection [60]."),
    ] = None,
    allow_unroutable: Annotated[
        bool, typer.Option("--allow-unroutable", help="Events that no queue wants are done, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask on a protected profile.")] = False,
) -> int:
    """Send events, each confirmed by the broker.

    Files are validated whole before the first event leaves; one invalid event stops the run
    with nothing sent, unless --keep-going. Exit code 0 means that every event was confirmed.
    """
    from medtrack_cli.commands.sending import print_only, report, send
    from medtrack_cli.core import deliver, pacing
    from medtrack_cli.core.publish import Plan, is_all_valid, messages
    from medtrack_cli.core.times import rfc3339
    from medtrack_cli.core.validate import Completion

    if not file and not data:
        raise UsageError("nothing to publish", hint="-f FILE, -f - for stdin, or -d JSON")
    clock = runtime.world.clock
    source = runtime.input(file or [], as_type=event_type, typed=data or [])
    source.require()
    sender = service or runtime.config.service
    filling = Completion(event_type, sender, lambda: rfc3339(clock.now()), runtime.registry)
    plan = Plan(uuid4(), filling, keep_going=keep_going)
    everything = Plan(plan.run, filling, keep_going=True)
    tally = deliver.Tally(unroutable_is_done=allow_unroutable)
    if source.can_be_read_again and not keep_going and not is_all_valid(source.items(), plan):
        reason = "another event is invalid"
        receipts = deliver.unsent(messages(source.items(), everything), reason=reason)
        return report(runtime, "published", tally, receipts)
    if dry_run:
        return print_only(runtime, messages(source.items(), plan, runtime.trace))
    runtime.confirm_protected("publish", yes=yes)
    outgoing = messages(source.items(), plan, runtime.trace)
    paced = pacing.at_rate(outgoing, rate, clock) if rate else outgoing
    again = (lambda: messages(source.items(), everything)) if source.can_be_read_again else None
    policy = PublishPolicy(window=window, timeout=timeout, retry_for=retry_for)
    return send(
        runtime,
        "published",
        policy,
        tally,
        lambda publisher, _stop: deliver.deliver(publisher, paced, again),
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "publish", examples=EXAMPLES, connects=True)(publish)
