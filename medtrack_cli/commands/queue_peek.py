"""medtrack queue peek."""

import re
from pathlib import Path
from typing import Annotated

import typer

from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.commands.short_texts import refuse_queue_name
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime


def _offset(text: object) -> str:
    if not re.fullmatch("first|last|next|[0-9]{1,18}", str(text)):
        raise typer.BadParameter(f"{text} is neither first, last, next nor a number")
    return str(text)


def peek(
    runtime: Runtime,
    name: Annotated[str, argument("NAME", "The queue.", queues)],
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
    offset: Annotated[
        str | None,
        option(
            *(Panel.WHAT, "--offset"),
            parser=_offset,
            metavar="OFFSET",
            help="Where a stream is read from: first, last, next or a number [first].",
        ),
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
    peeked, limit, kind = look(
        runtime, name, number, condition(where), record, offset, body=body, reveal=reveal
    )
    told = f"{peeked.seen:,} looked at, {peeked.shown:,} shown"
    if peeked.seen and kind == "stream":
        told += "; a stream keeps them as they are"
    elif peeked.seen:
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


def register(added: typer.Typer) -> None:
    """Add the command to its group."""
    command(
        added,
        "peek",
        examples=[
            "medtrack queue peek student-service.dead",
            "medtrack queue peek student-service.dead -n 100 --record waiting.ndjson -o json",
        ],
        connects=True,
    )(peek)
