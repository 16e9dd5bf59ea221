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
            "--from-queue QUEUE",
            "Send this queue's dead letters back; each leaves it when it has arrived.",
            autocompletion=queues,
        ),
    ] = None
    reason: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--reason NAME",
            "Only what died of this: rejected, expired, maxlen, delivery_limit; repeatable.",
        ),
    ] = None
    died_in: Annotated[
        list[str] | None,
        option(
            Panel.WHAT,
            "--died-in QUEUE",
            "Only what died in this queue; repeatable.",
            autocompletion=queues,
        ),
    ] = None
    max_redrives: Annotated[
        int,
        option(
            Panel.WHAT, "--max-redrives N", "Leave what was sent back N times.", parser=whole(1)
        ),
    ] = 3
    to_queue: Annotated[
        str | None,
        option(
            Panel.HOW, "--to-queue QUEUE", "Send dead letters to this queue.", autocompletion=queues
        ),
    ] = None
    record: Annotated[
        Path | None,
        option(
            Panel.OUTPUT, "--record FILE", "Keep each dead letter as it was, before it is sent."
        ),
    ] = None
    spend_deliveries: Annotated[
        bool,
        option(
            Panel.HOW,
            "--spend-deliveries",
            "Read a queue even if its delivery limit then drops messages.",
        ),
    ] = False
