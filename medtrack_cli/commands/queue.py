"""medtrack queue: list and watch; peek and declare have files of their own."""

from enum import StrEnum
from typing import TYPE_CHECKING

from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Group, Panel, argument, command, flag, option
from medtrack_cli.commands.queue_declare import declare
from medtrack_cli.commands.queue_peek import peek
from medtrack_cli.errors import BrokerUnreachable, ExitCode
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from medtrack_cli.core.ports import Stop
    from medtrack_cli.core.queues import Condition, QueueState

PERIOD = 1.0
"""Seconds between two readings; RabbitMQ updates its counts every five."""


class Sort(StrEnum):
    """What queues can be sorted by."""

    NAME = "name"
    READY = "ready"
    UNACKED = "unacked"
    CONSUMERS = "consumers"
    PUBLISH_RATE = "publish_rate"
    DELIVER_RATE = "deliver_rate"


SORTED_BY = f"By {', '.join(Sort)}; the greatest number first."
SORT = option(Panel.OUTPUT, "--sort FIELD", SORTED_BY, default=Sort.NAME)
PATTERN = argument(
    "PATTERN", "A queue's name, or a pattern such as 'student-*' [all].", queues, default=None
)


@command(
    "list",
    "medtrack queue list",
    "medtrack queue list 'student-*' --sort ready",
    "medtrack queue list --bound --min-ready 100 -o json",
    effect="read",
    connects=True,
)
def list_(
    runtime: Runtime,
    pattern: str | None = PATTERN,
    *,
    sort: Sort = SORT,
    min_ready: int = option(
        Panel.WHAT,
        "--min-ready N",
        "Only queues in which N messages wait.",
        parser=whole(0),
        default=0,
    ),
    bound: bool = flag(Panel.WHAT, "--bound", "Only queues that are bound to the event exchange."),
) -> int:
    """List queues, and what waits in them.

    Uses the management API; without it, a named queue is read by AMQP. What isn't known is shown as
    unknown, not as 0. To empty or delete queues, use rabbitmqctl.
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
            runtime.printer.note("no queue matches")
        return stop.exit_code or ExitCode.DONE


@command(
    "watch",
    "medtrack queue watch 'student-*' --timeout 1",
    "medtrack queue watch student-service.dead --until 'ready==0' --timeout 1m",
    effect="read",
    connects=True,
)
def watch(
    runtime: Runtime,
    pattern: str | None = PATTERN,
    *,
    until: str | None = option(
        Panel.END, "--until CONDITION", "End when this holds for each queue, such as 'ready==0'."
    ),
    timeout: float | None = option(
        Panel.END,
        "--timeout SECONDS",
        "End after this time: 30, 500ms, 5m, 1h; exit code 1 with --until.",
    ),
) -> int:
    """Show queues, then what changes in them.

    With --until it ends with 0 as soon as the condition holds for each queue, and with 1 if
    --timeout comes first. RabbitMQ updates its counts every five seconds.
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
    which = "no queue matches"
    if left:
        which = f"{left[0]!r}" + (f" and {len(left) - 1} more" if left[1:] else "")
    runtime.printer.warning(f"{wanted} was not reached in {timeout:g} s: {which}")
    return ExitCode.VERDICT_NO


def _watched(
    runtime: Runtime,
    pattern: str | None,
    wanted: "Condition | None",
    timeout: float | None,
    stop: "Stop",
) -> "list[QueueState]":
    """Show changes until all queues meet the condition, or time is up; return their last state."""
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
    """Read the queues, or return their last state while the broker is away for a while."""
    try:
        return read()
    except BrokerUnreachable as error:
        if not before:
            raise
        runtime.printer.note(f"{error.what}: looking again")
        return list(before.values())


queue = Group(
    "queue",
    "See what waits where; declare a queue.",
    ["medtrack queue list", "medtrack queue declare student-service --bind 'student.*'"],
    Panel.BROKER,
    (list_, watch, peek, declare),
)
