"""medtrack archive: create, list and show."""

from medtrack_cli.commands.arguments import refuse_queue_name, warn_of_patterns
from medtrack_cli.commands.completing import queues
from medtrack_cli.commands.numbers import size
from medtrack_cli.commands.options import Group, Panel, argument, command, flag, option
from medtrack_cli.commands.shared_options import BIND, YES_PROTECTED
from medtrack_cli.errors import ExitCode
from medtrack_cli.runtime import Runtime

NAME = "medtrack.archive"
AGE = 30 * 86400
"""Seconds."""

SIZE = 5 * 10**9
"""Bytes."""


@command(
    "create",
    "medtrack archive create --bind '#' --accept-loss",
    "medtrack archive create stages --bind 'stage.*' --max-age 7d --accept-loss",
    effect="write",
    connects=True,
)
def create(
    runtime: Runtime,
    name: str = argument("NAME", f"The stream [{NAME}].", default=NAME),
    *,
    bind: list[str] = BIND,
    max_age: float | None = option(
        Panel.HOW, "--max-age SECONDS", "How long events stay, within --max-size: 12h, 7d [30d]."
    ),
    max_size: int | None = option(
        Panel.HOW,
        "--max-size SIZE",
        "How large it may become: 500MB, 20GB [5GB].",
        parser=size(10**7),
    ),
    accept_loss: bool = flag(
        Panel.HOW,
        "--accept-loss",
        "Bind it even if publishers of some headers lose their connection.",
    ),
    yes: bool = YES_PROTECTED,
) -> int:
    """Make a stream that keeps every event.

    First tests what this broker's streams do with headers, on an exchange and a stream of our own
    that are deleted afterwards. If some header makes the broker close its publisher's connection,
    nothing is declared: exit code 1. RabbitMQ 3.10 and 4.0 do so for decimal numbers.
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.core.queues import NewQueue
    from medtrack_cli.wiring.archive import create

    refuse_queue_name("NAME", name)
    warn_of_patterns(runtime, tuple(bind))
    age = AGE if max_age is None else max(1, round(max_age))
    stream = NewQueue(name, "stream", max_age=age, max_bytes=max_size or SIZE)
    told = {"stream": name, "bound by": " ".join(bind)}
    confirm(runtime, "archive create", told.items, yes=yes)
    return create(runtime, stream, tuple(bind), accepts_loss=accept_loss)


@command("list", "medtrack archive list", effect="read", connects=True)
def list_(runtime: Runtime) -> int:
    """List the streams of the vhost.

    Times are the own timestamps of the first and the last event; RabbitMQ updates its counts every
    five seconds. The management API is needed.
    """
    from medtrack_cli.output.shown.archives import ShownArchives
    from medtrack_cli.wiring.archive import read_all

    if found := read_all(runtime):
        runtime.printer.show(ShownArchives(found))
    else:
        runtime.printer.note("there is no stream")
    return ExitCode.DONE


@command("show", "medtrack archive show stages", effect="read", connects=True)
def show(runtime: Runtime, name: str = argument("NAME", "The stream.", queues)) -> int:
    """Show what a stream holds, and where.

    Its first and last event are read by AMQP; bindings, bounds and replicas come from the
    management API.
    """
    from medtrack_cli.output.shown.archives import ShownArchive
    from medtrack_cli.wiring.archive import read_one

    refuse_queue_name("NAME", name)
    runtime.printer.show(ShownArchive(read_one(runtime, name)))
    return ExitCode.DONE


archive = Group(
    "archive",
    "Keep every event in a stream.",
    ["medtrack archive create --bind '#' --accept-loss", "medtrack archive show medtrack.archive"],
    Panel.BROKER,
    (create, list_, show),
)
