"""medtrack publish."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import uuid4

import typer

from medtrack_cli.commands import numbers
from medtrack_cli.commands.completing import properties
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import seconds, whole
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.commands.short_texts import MOST_BYTES, refuse_bytes
from medtrack_cli.core.choices import Via
from medtrack_cli.core.ports import PublishPolicy
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medtrack_cli.core.publishing.plan import Read
    from medtrack_cli.core.validate import Completion
    from medtrack_cli.wiring.inputs import Checkpoint, Input, Source

SMALL = 20 * 2**20
"""Bytes of files that are held in memory while they are sent; larger ones are read twice."""

ViaOption = Annotated[
    Via,
    option(
        Panel.CONNECTION, "--via", help="http: the management API, where AMQP's port is closed."
    ),
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
        str | None, argument("EVENT_TYPE", "Wrap bare payloads as this type; generate such events.")
    ] = None,
    *,
    file: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--file",
            "-f",
            metavar="FILE",
            help="File, folder, glob, or - for stdin; repeatable.",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        option(
            Panel.WHAT, "--data", "-d", metavar="JSON", help="An event or a payload; repeatable."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        option(Panel.WHAT, "--set", metavar="PATH=VALUE", help="Change a field; repeatable."),
    ] = None,
    count: Annotated[
        int | None,
        option(
            Panel.WHAT, "--count", parser=whole(1), metavar="N", help="Generate so many events."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        option(Panel.WHAT, "--seed", metavar="N", help="Generate the same events again."),
    ] = None,
    service: Annotated[
        str | None,
        option(Panel.WHAT, "--service", metavar="NAME", help="Fill in a missing service."),
    ] = None,
    header: Annotated[
        list[str] | None,
        option(
            Panel.WHAT, "--header", metavar="KEY=VALUE", help="Add a message header; repeatable."
        ),
    ] = None,
    property_: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--property",
            metavar="NAME=VALUE",
            help="priority, expiration, type, app_id, correlation_id or reply_to; repeatable.",
            autocompletion=properties,
        ),
    ] = None,
    message_id: Annotated[
        str | None, option(Panel.WHAT, "--message-id", metavar="ID", help="Use this message id.")
    ] = None,
    dry_run: Annotated[
        bool, option(Panel.HOW, "--dry-run", help="Print what would be sent; send nothing.")
    ] = False,
    keep_going: Annotated[
        bool,
        option(Panel.HOW, "--keep-going", help="Send the valid events, leave out the invalid."),
    ] = False,
    rate: Annotated[
        float | None,
        option(
            Panel.HOW, "--rate", parser=numbers.rate, metavar="N", help="At most so many a second."
        ),
    ] = None,
    window: Annotated[
        int | None,
        option(
            Panel.HOW,
            "--window",
            parser=whole(1),
            metavar="N",
            help="Events in flight, unconfirmed [500; by HTTP 1, which keeps their order].",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        option(
            Panel.END,
            "--timeout",
            parser=seconds,
            metavar="SECONDS",
            help="End the run after so long: 30, 500ms, 5m, 1h.",
        ),
    ] = None,
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
    no_validate: Annotated[
        bool, option(Panel.HOW, "--no-validate", help="Send invalid events, too.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        option(Panel.HOW, "--checkpoint", metavar="FILE", help="Go on from where a run stopped."),
    ] = None,
    allow_unroutable: Annotated[
        bool,
        option(Panel.HOW, "--allow-unroutable", help="Events that reach no queue count as done."),
    ] = False,
    allow_empty: Annotated[
        bool, option(Panel.WHAT, "--allow-empty", help="An input without any event is fine.")
    ] = False,
    yes: Annotated[
        bool, option(Panel.HOW, "--yes", help="Don't ask on a protected profile.")
    ] = False,
) -> int:
    """Send events, each confirmed by the broker.

    Files are validated whole before the first event leaves; one invalid event stops the run
    with nothing sent, unless --keep-going. Exit code 0 means that every event was confirmed.
    """
    from medtrack_cli.commands.sending import carry_out
    from medtrack_cli.core.publishing import pacing
    from medtrack_cli.core.publishing.deliver import Tally
    from medtrack_cli.core.publishing.extras import headers_of, properties_of
    from medtrack_cli.core.publishing.job import Job
    from medtrack_cli.core.publishing.plan import Plan, making
    from medtrack_cli.core.trace import trace_headers
    from medtrack_cli.wiring.inputs import gathered

    _refuse_nul_and_long(set_, header, property_, service, message_id)
    clock, service = runtime.world.clock, service or runtime.config.service
    outputs = [(checkpoint, "checkpoint")] if checkpoint else []
    given = partial(gathered, runtime, outputs=outputs, allows_empty=allow_empty)
    source = _source(runtime, event_type, file, data, set_, count, seed, service, given)
    completion = _completion(runtime, event_type, service, set_)
    typed, own = headers_of(header or ()), properties_of(property_ or ())
    headers = typed | trace_headers(runtime.world.environ, typed, runtime.printer.warning)
    shaping: list[object] = [event_type, service, data, set_, header, message_id]
    mark = _checkpoint(runtime, checkpoint, source, [*shaping, *([property_] * bool(property_))])
    run = mark.run if mark else uuid4()
    plan = Plan(
        *(run, completion, keep_going, headers or None, message_id, not no_validate),
        own or None,
    )
    tally = Tally(unroutable_is_done=allow_unroutable)
    if mark and mark.was_done:
        tally.aside["done_before"] = mark.was_done
    make = making(source.read, plan, mark.noted if mark else iter, runtime.trace)
    job = Job(
        *(make, tally, source.can_be_read_again, source.is_small and not keep_going),
        *(source.refuse_changes, mark),
    )
    policy = _policy(runtime, window, rate, timeout, retry_for)
    pace = partial(pacing.at_rate, per_second=rate, clock=clock) if rate else None
    return carry_out(
        *(runtime, "publish", job, policy),
        lambda stop: pace and partial(pace, stop=stop),
        is_checked=source.can_be_read_again and not keep_going,
        dry_run=dry_run,
        yes=yes,
    )


def _refuse_nul_and_long(
    set_: list[str] | None,
    header: list[str] | None,
    property_: list[str] | None,
    service: str | None,
    message_id: str | None,
) -> None:
    for name, texts in (("--set", set_), ("--header", header), ("--property", property_)):
        refuse_bytes(name, *texts or ())
    refuse_bytes("--service", service or "")
    refuse_bytes("--message-id", message_id or "", most=MOST_BYTES)


def _completion(
    runtime: Runtime, event_type: str | None, service: str | None, set_: list[str] | None
) -> "Completion":
    """Say what is added to events that lack it, and what is set in all."""
    from medtrack_cli.core.times import rfc3339
    from medtrack_cli.core.validate import Completion
    from medtrack_cli.events import paths

    clock = runtime.world.clock
    return Completion(
        *(event_type, service, lambda: rfc3339(clock.now()), runtime.registry),
        paths.parse_all(set_ or ()),
    )


def _policy(
    runtime: Runtime,
    window: int | None,
    rate: float | None,
    timeout: float | None,
    retry_for: float | None,
) -> PublishPolicy:
    """Say how hard to try; with a rate, less is read ahead: that may leave in one burst."""
    is_http = runtime.config.via_http
    window = window or (1 if is_http else PublishPolicy().window)
    if is_http and window > 1:
        runtime.printer.note("with several requests in flight, events arrive in any order")
    ahead = max(1, min(int(rate / 10), 2 * window)) if rate else None
    return PublishPolicy(window=window, timeout=timeout, retry_for=retry_for, read_ahead=ahead)


def _checkpoint(
    runtime: Runtime, path: Path | None, source: "_Source", options: list[object]
) -> "Checkpoint | None":
    """Open the checkpoint and say what it spares."""
    if path is None:
        return None
    from medtrack_cli.wiring import inputs

    mark = inputs.checkpoint(runtime, path, source.sources, options)
    if mark.damaged:
        lines = "a line is damaged" if mark.damaged == 1 else f"{mark.damaged:,} lines are damaged"
        runtime.printer.warning(f"{path}: {lines}: what was done by it alone is sent again")
    if not mark.is_proved:
        runtime.printer.warning(
            f"{path}: an older version began it, and kept no digest of what it sent: that the "
            "input is the same is known by its size, its start and its end alone"
        )
    if mark.was_done:
        with runtime.printer.progress(lambda: f"{mark.compared:,} events compared"):
            mark.verify(source.read(None))
        runtime.printer.note(f"{path}: {mark.was_done:,} events are done already")
    return mark


class _Source(NamedTuple):
    """Events to publish, whether they can be had a second time, and the files they are in."""

    read: "Read"
    can_be_read_again: bool
    is_small: bool = False
    sources: "Sequence[Source]" = ()
    refuse_changes: "Callable[[], None]" = lambda: None


def _source(  # noqa: PLR0917 -- the options that say what is published
    runtime: Runtime,
    event_type: str | None,
    file: list[str] | None,
    data: list[str] | None,
    settings: list[str] | None,
    count: int | None,
    seed: int | None,
    service: str | None,
    given: "Callable[..., Input]",
) -> _Source:
    """Find what is to be published: files and typed events, or generated ones."""
    if file or data:
        if count or seed is not None:
            raise UsageError("--count and --seed generate events", hint="leave out -f and -d")
        source = given(file or [], as_type=event_type, typed=data or [])
        source.require()
        is_small = source.size is not None and source.size <= SMALL
        return _Source(
            source.items, source.can_be_read_again, is_small, source.sources, source.refuse_changes
        )
    event_type = _type_to_make(runtime, event_type, is_asked=bool(count or settings))
    from medtrack_cli.wiring import inputs

    generated = inputs.generated(runtime, event_type, count or 1, seed, service)
    return _Source(lambda _skip: generated(), can_be_read_again=True)


def _type_to_make(runtime: Runtime, event_type: str | None, *, is_asked: bool) -> str:
    """Refuse a command line that names nothing to send."""
    from medtrack_cli.commands.slips import is_file, with_source, written

    if event_type and is_asked and not is_file(event_type):
        return event_type
    hint = written(with_source(runtime.typed, event_type, has_count=is_asked))
    if event_type is None:
        none = "nothing to publish: name a file with -f, JSON with -d, or an event type"
        raise UsageError("generated events need an event type" if is_asked else none, hint=hint)
    if is_file(event_type):
        raise UsageError("an event type stands first, and this is a file", event_type, hint=hint)
    name = runtime.registry.find(event_type).name
    raise UsageError(f"nothing to publish: how many events of {name}?", hint=hint)


def register(app: typer.Typer) -> None:
    """Add the command."""
    more: Mapping[str, tuple[object, object]] = {"via": (ViaOption, Via.AMQP)}
    command(app, "publish", examples=EXAMPLES, panel=Panel.EVENTS, connects=True, more=more)(
        publish
    )
