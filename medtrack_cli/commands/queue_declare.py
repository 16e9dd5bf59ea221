"""medtrack queue declare."""

from typing import Annotated

import typer

from medtrack_cli.commands.arguments import refuse_queue_name
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import seconds, whole
from medtrack_cli.commands.option_types import Bind, YesProtected
from medtrack_cli.commands.options import argument, command, option
from medtrack_cli.core.listening.sources import QueueType
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime


def declare(
    runtime: Runtime,
    name: Annotated[str, argument("NAME", "The queue.")],
    *,
    bind: Bind,
    queue_type: Annotated[
        QueueType, option(Panel.HOW, "--type", "quorum: kept on several nodes.")
    ] = QueueType.QUORUM,
    dead_letter: Annotated[
        str | None, option(Panel.HOW, "--dead-letter NAME", "The exchange for dead letters.")
    ] = None,
    max_length: Annotated[
        int | None,
        option(
            Panel.HOW,
            "--max-length N",
            "Messages it keeps; beyond that the oldest are dropped.",
            parser=whole(1),
        ),
    ] = None,
    ttl: Annotated[
        float | None,
        option(Panel.HOW, "--ttl SECONDS", "How long a message waits: 30, 5m, 1h.", parser=seconds),
    ] = None,
    delivery_limit: Annotated[
        int | None,
        option(
            Panel.HOW,
            "--delivery-limit N",
            "The most deliveries of a message (quorum).",
            parser=whole(1),
        ),
    ] = None,
    yes: YesProtected = False,
) -> int:
    """Declare and bind a service's queue.

    As the consumers of MedTrack's integration guide do. An existing queue is only bound; if it was
    declared differently nothing is done, and the difference is shown (76).
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.commands.input_warnings import warn_of_patterns
    from medtrack_cli.core.queues import NewQueue
    from medtrack_cli.wiring.queues import declare_queue

    refuse_queue_name("NAME", name)
    warn_of_patterns(runtime, tuple(bind))
    queue = NewQueue(name, queue_type.value, dead_letter, max_length, ttl, delivery_limit)
    told = {"queue": name, "bound by": " ".join(bind)}
    confirm(runtime, "queue declare", told.items, yes=yes)
    declare_queue(runtime, queue, tuple(bind))
    return ExitCode.DONE


def register(added: typer.Typer) -> None:
    """Add the command to its group."""
    command(
        added,
        "declare",
        effect="write",
        examples=[
            "medtrack queue declare student-service --bind 'student.*'",
            "medtrack queue declare audit --bind '#' --type classic --ttl 1h",
        ],
        connects=True,
    )(declare)
