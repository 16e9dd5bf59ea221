"""The options of replay for the dead letters of a queue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriving:
    """Dead letters that are taken out of a queue."""

    from_queue: Annotated[
        str | None,
        option(
            Panel.WHAT,
            "--from-queue",
            metavar="QUEUE",
            autocompletion=queues,
            help="Send the dead letters of this queue home; each leaves it when it has arrived.",
        ),
    ] = None
    reason: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--reason",
            metavar="NAME",
            help="Only what died of this: rejected, expired, maxlen, delivery_limit; repeatable.",
        ),
    ] = None
    died_in: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--died-in",
            metavar="QUEUE",
            autocompletion=queues,
            help="Only what died in this queue; repeatable.",
        ),
    ] = None
    max_redrives: Annotated[
        int,
        option(
            Panel.WHAT,
            "--max-redrives",
            parser=whole(1),
            metavar="N",
            help="What was sent home so often stays.",
        ),
    ] = 3
    to_queue: Annotated[
        str | None,
        option(
            Panel.HOW,
            "--to-queue",
            metavar="QUEUE",
            autocompletion=queues,
            help="Send dead letters to this queue.",
        ),
    ] = None
    record: Annotated[
        Path | None,
        option(
            Panel.OUTPUT,
            "--record",
            metavar="FILE",
            help="Keep each dead letter as it was, before it is sent.",
        ),
    ] = None
    spend_deliveries: Annotated[
        bool,
        option(
            Panel.HOW,
            "--spend-deliveries",
            help="Read a queue though its messages have no delivery left.",
        ),
    ] = False
