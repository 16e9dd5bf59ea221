"""medtrack queue peek."""

from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Panel, argument, command, flag, option
from medtrack_cli.commands.shared_options import OFFSET, REVEAL, SHOW_BODY
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.peeking import Look


@command(
    "peek",
    "medtrack queue peek student-service.dead",
    "medtrack queue peek student-service.dead -n 100 --record waiting.ndjson -o json",
    effect="destructive",
    connects=True,
)
def peek(
    runtime: Runtime,
    name: str = argument("NAME", "The queue.", queues),
    *,
    number: int = option(
        Panel.WHAT,
        "-n, --number N",
        "At most N messages, the next ones.",
        parser=whole(1),
        default=10,
    ),
    where: str | None = option(
        Panel.WHAT, "--where EXPR", "Show only events for which this expression (CEL) is true."
    ),
    record: Path | None = option(Panel.OUTPUT, "--record FILE", "Record all that is read."),
    offset: str | None = OFFSET,
    spend_deliveries: bool = flag(
        Panel.HOW,
        "--spend-deliveries",
        "Look even if the queue's delivery limit then drops messages.",
    ),
    body: bool = SHOW_BODY,
    reveal: bool = REVEAL,
) -> int:
    """Show what waits, and leave it there.

    The messages stay in their places and order, marked as redelivered. A quorum queue counts that
    as a delivery, and reverses the order of messages that were returned to it before; one with a
    delivery limit is read only with --spend-deliveries. The management API is needed: it gives the
    limit.
    """
    from medtrack_cli.wiring.conditions import condition
    from medtrack_cli.wiring.peeking import look

    refuse_queue_name("NAME", name)
    found = look(
        *(runtime, name, number, condition(where), record, offset),
        spends=spend_deliveries,
        body=body,
        reveal=reveal,
    )
    return found.stopped or _tell(runtime, name, found)


def _tell(runtime: Runtime, name: str, found: "Look") -> int:
    """Say what was looked at, and what that has cost; return the exit code."""
    seen, shown, spent = found.peeked
    if not seen:
        if found.wanted and found.kind != "stream":
            runtime.printer.warning(f"{found.wanted:,} wait in {name}, and another consumer has it")
            return ExitCode.VERDICT_NO
        runtime.printer.note(f"nothing waits in {name}")
        return ExitCode.DONE
    told = f"{seen:,} looked at, {shown:,} shown; they are there as before"
    if found.kind != "stream":
        told += ", and marked as redelivered"
    if found.limit is not None:
        told += f"; each has spent one of {found.limit:,} deliveries"
    if spent:
        told = f"{seen:,} looked at, {shown:,} shown; {spent:,} had no delivery left"
        runtime.printer.warning(f"{told}: the broker drops them, or dead-letters them")
        return ExitCode.VERDICT_NO
    runtime.printer.note(told)
    return ExitCode.DONE
