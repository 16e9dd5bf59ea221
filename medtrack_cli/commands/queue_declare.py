"""medtrack queue declare."""

from medtrack_cli.commands.arguments import refuse_queue_name, warn_of_patterns
from medtrack_cli.commands.numbers import whole
from medtrack_cli.commands.options import Panel, argument, command, option
from medtrack_cli.commands.shared_options import BIND, YES_PROTECTED
from medtrack_cli.core.listening.sources import QueueType
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime


@command(
    "declare",
    "medtrack queue declare student-service --bind 'student.*'",
    "medtrack queue declare audit --bind '#' --type classic --ttl 1h",
    effect="write",
    connects=True,
)
def declare(
    runtime: Runtime,
    name: str = argument("NAME", "The queue."),
    *,
    bind: list[str] = BIND,
    queue_type: QueueType = option(
        Panel.HOW, "--type", "quorum: on several nodes; classic: one.", default=QueueType.QUORUM
    ),
    dead_letter: str | None = option(
        Panel.HOW, "--dead-letter NAME", "The exchange that its dead letters go to [none]."
    ),
    max_length: int | None = option(
        Panel.HOW,
        "--max-length N",
        "Messages it keeps, beyond which the oldest are dropped [no limit].",
        parser=whole(1),
    ),
    ttl: float | None = option(Panel.HOW, "--ttl SECONDS", "Messages expire after 30, 5m, 1h."),
    delivery_limit: int | None = option(
        Panel.HOW,
        "--delivery-limit N",
        "How often a message of a quorum queue is delivered at most [as the broker has it].",
        parser=whole(1),
    ),
    yes: bool = YES_PROTECTED,
) -> int:
    """Declare and bind a service's queue.

    It is durable, as in MedTrack's integration guide. A queue that exists is only bound; where it
    was declared differently nothing is done, and the difference is shown: exit code 76.
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.core.queues import NewQueue
    from medtrack_cli.wiring.queues import declare_queue

    refuse_queue_name("NAME", name)
    warn_of_patterns(runtime, tuple(bind))
    queue = NewQueue(name, queue_type.value, dead_letter, max_length, ttl, delivery_limit)
    told = {"queue": name, "bound by": " ".join(bind)}
    confirm(runtime, "queue declare", told.items, yes=yes)
    declare_queue(runtime, queue, tuple(bind))
    return ExitCode.DONE
