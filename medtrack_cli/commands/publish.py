"""medtrack publish."""

from dataclasses import replace
from functools import partial
from uuid import uuid4

from medtrack_cli.commands.options import Panel, command, option
from medtrack_cli.commands.publish_input import (
    filling,
    open_checkpoint,
    policy_of,
    publish_input,
    refuse_texts,
)
from medtrack_cli.commands.publish_options import Making, Sending
from medtrack_cli.core.choices import Via
from medtrack_cli.runtime import Runtime

VIA = option(
    Panel.CONNECTION,
    "--via",
    "http: the management API, where AMQP's port is closed.",
    default=Via.AMQP,
)

EXAMPLES = (
    "medtrack publish -f sample-events/student.created.json",
    "medtrack publish -f sample-events/registration.yaml",
    "medtrack publish student.created --set payload.email=a@example.org",
    "medtrack publish evaluation.created --count 20 --rate 50",
    "medtrack publish student.deleted -f payload.json --service my-service",
    "medtrack schema example user.created | medtrack publish -f -",
)


@command(
    "publish",
    *EXAMPLES,
    effect="write",
    panel=Panel.EVENTS,
    connects=True,
    more={"via": (Via, VIA)},
)
def publish(runtime: Runtime, *, making: Making, sending: Sending) -> int:
    """Send events, each confirmed by the broker.

    Files are validated whole before the first event leaves; one invalid event stops the run
    with nothing sent, unless --keep-going. Exit code 0 means that every event was confirmed.
    """
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.core.publishing.extras import headers_of, properties_of
    from medtrack_cli.core.publishing.job import Job, Tally
    from medtrack_cli.core.publishing.pacing import Paced
    from medtrack_cli.core.publishing.plan import Plan
    from medtrack_cli.core.publishing.plan import making as making_messages
    from medtrack_cli.core.trace import trace_headers
    from medtrack_cli.wiring.inputs import gathered

    refuse_texts(making)
    clock, environ = runtime.world.clock, runtime.world.environ
    making = replace(making, service=making.service or runtime.config.service)
    outputs = [(sending.checkpoint, "checkpoint")] if sending.checkpoint else []
    given = partial(gathered, runtime, outputs=outputs, allows_empty=making.allow_empty)
    source = publish_input(runtime, making, given)
    completion = filling(runtime, making)
    typed, own = headers_of(making.header or ()), properties_of(making.property_ or ())
    headers = typed | trace_headers(environ, typed, runtime.printer.warning)
    mark = open_checkpoint(runtime, sending.checkpoint, source, making)
    plan = Plan(
        mark.run if mark else uuid4(),
        *(completion, sending.keep_going, headers or None, making.message_id),
        *(not sending.no_validate, own or None),
    )
    tally = Tally(unroutable_is_done=sending.allow_unroutable)
    if mark and mark.was_done:
        tally.omitted["done_before"] = mark.was_done
    make = making_messages(source.read, plan, mark.noted if mark else iter, runtime.trace)
    job = Job(
        *(make, tally, source.can_be_read_again, source.is_small and not sending.keep_going),
        *(source.refuse_changes, mark),
    )
    rate = sending.rate
    return carry_out(
        *(runtime, "publish", job, policy_of(runtime, sending)),
        lambda stop: Paced(clock, stop, rate=rate) if rate else None,
        is_checked=source.can_be_read_again and not sending.keep_going,
        dry_run=sending.dry_run,
        yes=sending.yes,
    )
