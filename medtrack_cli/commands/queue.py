"""medtrack queue list, watch, peek, declare."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import seconds, whole
from medtrack_cli.commands.options import argument, command, group, option
from medtrack_cli.commands.short_texts import refuse_queue_name
from medtrack_cli.core.listening.sources import QueueType
from medtrack_cli.errors import BrokerUnreachable, ExitCode
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from medtrack_cli.core.ports import Stop
    from medtrack_cli.core.queues import Condition, QueueState

PERIOD = 1.0
"""Seconds between two looks; RabbitMQ counts anew every five."""


class Sort(StrEnum):
    """What queues can be sorted by."""

    NAME = "name"
    READY = "ready"
    UNACKED = "unacked"
    CONSUMERS = "consumers"
    PUBLISH_RATE = "publish_rate"
    DELIVER_RATE = "deliver_rate"


Pattern = Annotated[
    str | None, argument("PATTERN", "A queue's name, or a pattern such as 'student-*' [all].")
]


def list_(
    runtime: Runtime,
    pattern: Pattern = None,
    *,
    sort: Annotated[
        Sort,
        option(
            *(Panel.OUTPUT, "--sort"),
            metavar="FIELD",
            help=f"By {', '.join(Sort)}; the greatest number first.",
        ),
    ] = Sort.NAME,
    min_ready: Annotated[
        int,
        option(
            *(Panel.WHAT, "--min-ready"),
            parser=whole(0),
            metavar="N",
            help="Only queues in which so many messages wait.",
            show_default=False,
        ),
    ] = 0,
    bound: Annotated[
        bool, option(Panel.WHAT, "--bound", help="Only queues that are bound to our exchange.")
    ] = False,
) -> int:
    """List queues, and what waits in them.

    By the management API; a queue that is named is asked for by AMQP where there is none. What
    nobody tells is unknown, which isn't 0. To empty or delete queues, use rabbitmqctl.
    """
    from medtrack_cli.core.queues import chosen
    from medtrack_cli.output.shown.queues import ShownQueues
    from medtrack_cli.wiring.queues import reading

    with runtime.world.stop_on_signals() as stop:
        found = reading(runtime, pattern, stop)()
        kept = chosen(found, pattern, min_ready=min_ready, bound=bound, sort=sort)
        if kept:
            runtime.printer.show(ShownQueues(kept))
        else:
            runtime.printer.note("no queue is so")
        return stop.exit_code or ExitCode.DONE


def watch(
    runtime: Runtime,
    pattern: Pattern = None,
    *,
    until: Annotated[
        str | None,
        option(
            *(Panel.END, "--until"),
            metavar="CONDITION",
            help="End when each queue is so, such as 'ready==0'.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        option(
            *(Panel.END, "--timeout"),
            parser=seconds,
            metavar="SECONDS",
            help="End after so long: 30, 500ms, 5m, 1h; with --until with 1.",
        ),
    ] = None,
) -> int:
    """Show queues, then what changes in them.

    With --until it ends with 0 as soon as each queue is so, and with 1 when --timeout is first.
    RabbitMQ counts anew every five seconds.
    """
    from medtrack_cli.core.queues import condition

    wanted = None if until is None else condition(until)
    with runtime.world.stop_on_signals() as stop:
        now = _watched(runtime, pattern, wanted, timeout, stop)
    if stop.exit_code:
        return stop.exit_code
    if not wanted or (now and all(map(wanted.holds, now))):
        return ExitCode.DONE
    left = [each.name for each in now if not wanted.holds(each)]
    which = f"{left[0]!r}" + (f" and {len(left) - 1} more" if left[1:] else "") if left else "any"
    runtime.printer.warning(f"{timeout:g} s are over, and {wanted} isn't so of {which}")
    return ExitCode.VERDICT_NO


def _watched(
    runtime: Runtime,
    pattern: str | None,
    wanted: "Condition | None",
    timeout: float | None,
    stop: "Stop",
) -> "list[QueueState]":
    """Show what changes until all are so, or time is up; give the queues as they are then."""
    from medtrack_cli.core.publishing.pacing import wait
    from medtrack_cli.core.queues import chosen
    from medtrack_cli.core.times import rfc3339
    from medtrack_cli.output.shown.queues import ShownQueues
    from medtrack_cli.wiring.queues import reading

    clock, read = runtime.world.clock, reading(runtime, pattern, stop)
    until = clock.monotonic() + (float("inf") if timeout is None else timeout)
    before: dict[str, QueueState] = {}
    while not stop.is_requested:
        now = chosen(_again(runtime, read, before), pattern)
        if changed := [each for each in now if before.get(each.name) != each]:
            runtime.printer.show(ShownQueues(changed, before, rfc3339(clock.now())))
        for gone in before.keys() - {each.name for each in now}:
            runtime.printer.note(f"queue {gone!r} is gone")
        before = {each.name: each for each in now}
        left = until - clock.monotonic()
        if left <= 0 or (wanted and now and all(map(wanted.holds, now))):
            break
        wait(clock.monotonic() + min(PERIOD, left), clock, stop)
    return list(before.values())


def _again(
    runtime: Runtime, read: "Callable[[], list[QueueState]]", before: "dict[str, QueueState]"
) -> "list[QueueState]":
    """Look, or give what was seen last when the broker is away for a while."""
    try:
        return read()
    except BrokerUnreachable as error:
        if not before:
            raise
        runtime.printer.note(f"{error.what}: looking again")
        return list(before.values())


def peek(
    runtime: Runtime,
    name: Annotated[str, argument("NAME", "The queue.")],
    *,
    number: Annotated[
        int,
        option(
            *(Panel.WHAT, "-n", "--number"),
            parser=whole(1),
            metavar="N",
            help="So many messages at most, the next ones.",
        ),
    ] = 10,
    where: Annotated[
        str | None,
        option(
            *(Panel.WHAT, "--where"),
            metavar="EXPR",
            help="Show only events of which this CEL is true.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        option(*(Panel.OUTPUT, "--record"), metavar="FILE", help="Record all that is looked at."),
    ] = None,
    body: Annotated[
        bool, option(Panel.OUTPUT, "--body", help="Show the JSON body below each line.")
    ] = False,
    reveal: Annotated[
        bool,
        option(Panel.OUTPUT, "--reveal", help="Show personal data, and texts that are no event."),
    ] = False,
) -> int:
    """Show what waits, and leave it there.

    The messages are given back where they were, in their order, with the mark redelivered; a
    quorum queue counts that as a delivery. One that has used up its deliveries would be dropped:
    a copy of it is put at the end of the queue instead (1).
    """
    from medtrack_cli.wiring.conditions import condition
    from medtrack_cli.wiring.peeking import look

    refuse_queue_name("NAME", name)
    peeked, limit = look(runtime, name, number, condition(where), record, body=body, reveal=reveal)
    told = f"{peeked.seen:,} looked at, {peeked.shown:,} shown"
    if peeked.seen:
        told += "; they are back, and marked as redelivered"
        told += f"; each has spent a delivery of {limit}" if limit is not None else ""
    runtime.printer.note(told if peeked.seen else f"nothing waits in {name}")
    if peeked.rescued:
        what = "had used up its deliveries: a copy is at the end of the queue in its place"
        runtime.printer.warning(f"{peeked.rescued:,} {what}")
    if peeked.lost:
        what = "had used up its deliveries and couldn't be copied: the broker drops it"
        runtime.printer.warning(f"{peeked.lost:,} {what}")
    return ExitCode.VERDICT_NO if peeked.rescued or peeked.lost else ExitCode.DONE


def declare(
    runtime: Runtime,
    name: Annotated[str, argument("NAME", "The queue.")],
    *,
    bind: Annotated[
        list[str],
        option(
            *(Panel.WHAT, "--bind"),
            metavar="PATTERN",
            help="Routing keys it gets from our exchange; repeatable.",
        ),
    ],
    queue_type: Annotated[
        QueueType, option(Panel.HOW, "--type", help="quorum: kept on several nodes.")
    ] = QueueType.QUORUM,
    dead_letter: Annotated[
        str | None,
        option(*(Panel.HOW, "--dead-letter"), metavar="NAME", help="The exchange of what dies."),
    ] = None,
    max_length: Annotated[
        int | None,
        option(
            *(Panel.HOW, "--max-length"),
            parser=whole(1),
            metavar="N",
            help="Messages it keeps; beyond it the oldest go.",
        ),
    ] = None,
    ttl: Annotated[
        float | None,
        option(
            *(Panel.HOW, "--ttl"),
            parser=seconds,
            metavar="SECONDS",
            help="How long a message waits: 30, 5m, 1h.",
        ),
    ] = None,
    delivery_limit: Annotated[
        int | None,
        option(
            *(Panel.HOW, "--delivery-limit"),
            parser=whole(1),
            metavar="N",
            help="How often a message is delivered at most (quorum).",
        ),
    ] = None,
    yes: Annotated[
        bool, option(Panel.HOW, "--yes", help="Don't ask on a protected profile.")
    ] = False,
) -> int:
    """Declare and bind a service's queue.

    As the consumer of the guide does. A queue that is there already is bound only; where it was
    declared otherwise nothing is done, and the difference is shown (76).
    """
    from medtrack_cli.commands.confirming import confirm
    from medtrack_cli.core.queues import NewQueue
    from medtrack_cli.wiring.queues import declare_queue

    queue = NewQueue(name, queue_type.value, dead_letter, max_length, ttl, delivery_limit)
    told = {"queue": name, "bound by": " ".join(bind)}
    confirm(runtime, "queue declare", told.items, yes=yes)
    declare_queue(runtime, queue, tuple(bind))
    return ExitCode.DONE


def register(app: typer.Typer) -> None:
    """Add the group."""
    added = group(
        app,
        "queue",
        "See what waits where; declare a queue.",
        examples=[
            "medtrack queue list",
            "medtrack queue declare student-service --bind 'student.*'",
        ],
        panel=Panel.BROKER,
    )
    command(
        added,
        "list",
        examples=[
            "medtrack queue list",
            "medtrack queue list 'student-*' --sort ready",
            "medtrack queue list --bound --min-ready 100 -o json",
        ],
        connects=True,
    )(list_)
    command(
        added,
        "watch",
        examples=[
            "medtrack queue watch 'student-*' --timeout 1",
            "medtrack queue watch student-service.dead --until 'ready==0' --timeout 1m",
        ],
        connects=True,
    )(watch)
    command(
        added,
        "peek",
        examples=[
            "medtrack queue peek student-service.dead",
            "medtrack queue peek student-service.dead -n 100 --record waiting.ndjson -o json",
        ],
        connects=True,
    )(peek)
    command(
        added,
        "declare",
        examples=[
            "medtrack queue declare student-service --bind 'student.*'",
            "medtrack queue declare audit --bind '#' --type classic --ttl 1h",
        ],
        connects=True,
    )(declare)
