"""medtrack queue peek."""

from pathlib import Path
from typing import Annotated

import typer

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.option_types import Offset, Reveal, ShowBody
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime


def peek(
    runtime: Runtime,
    name: Annotated[str, argument("NAME", "The queue.", queues)],
    *,
    number: Annotated[
        int,
        option(
            Panel.WHAT,
            "-n, --number N",
            "At most N messages, the next ones.",
            parser=whole(1),
        ),
    ] = 10,
    where: Annotated[
        str | None,
        option(Panel.WHAT, "--where EXPR", "Show only events for which this (CEL) is true."),
    ] = None,
    record: Annotated[
        Path | None, option(Panel.OUTPUT, "--record FILE", "Record all that is read.")
    ] = None,
    offset: Offset = None,
    spend_deliveries: Annotated[
        bool,
        option(
            Panel.HOW,
            "--spend-deliveries",
            "Look even if the queue's delivery limit then drops messages.",
        ),
    ] = False,
    body: ShowBody = False,
    reveal: Reveal = False,
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
    seen, shown, spent = found.peeked
    if found.stopped:
        return found.stopped
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


def register(added: typer.Typer) -> None:
    """Add the command to its group."""
    command(
        added,
        "peek",
        effect="destructive",
        examples=[
            "medtrack queue peek student-service.dead",
            "medtrack queue peek student-service.dead -n 100 --record waiting.ndjson -o json",
        ],
        connects=True,
    )(peek)
