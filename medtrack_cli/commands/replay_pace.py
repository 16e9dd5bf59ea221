"""The options of replay for its pace."""

from typing import TYPE_CHECKING

import typer

from medtrack_cli.commands.arguments import MOST_BYTES, refuse_bytes
from medtrack_cli.commands.numbers import LEAST, MOST, as_float, whole
from medtrack_cli.commands.replay_options import Pacing
from medtrack_cli.core.ports import PublishPolicy
from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medtrack_cli.core.ports import Stop
    from medtrack_cli.core.publishing.pacing import Paced


def pace_of(
    runtime: Runtime, pacing: Pacing, policy: PublishPolicy
) -> "Callable[[Stop], Paced | None]":
    """Make what delays messages, once it can be stopped."""
    from medtrack_cli.core.publishing.pacing import Backlog, Pace, Paced

    speed, most = speed_of(pacing), _backlogs(pacing.max_backlog or ())
    world, note = runtime.world, runtime.printer.note

    def paced(stop: "Stop") -> Paced | None:
        clock = world.clock
        pace = Pace(speed, clock, stop, note, pacing.max_gap) if speed else None
        backlog = None
        if most:
            depths = world.open_depths(runtime.connection, policy, stop)
            backlog = Backlog(most, depths, clock, stop, note)
        if not (pace or pacing.rate or backlog):
            return None
        return Paced(clock, stop, pace=pace, rate=pacing.rate, backlog=backlog)

    return paced


def policy_of(
    pacing: Pacing, retry_for: float | None, window: int = PublishPolicy().window
) -> PublishPolicy:
    """Determine retries, and how much may be in flight."""
    from medtrack_cli.core.publishing.pacing import read_ahead

    ahead = read_ahead(pacing.rate, window)
    return PublishPolicy(window=window, retry_for=retry_for, read_ahead=ahead)


def speed_of(pacing: Pacing) -> float | None:
    """Read --speed: a factor, or max for no pace at all."""
    text = pacing.speed
    if text == "max":
        return None
    speed = as_float(text)
    if not LEAST <= speed <= MOST:
        hint = "--speed 2 is twice as fast"
        raise UsageError(f"--speed is a number from {LEAST} to {MOST:,}, or max", text, hint=hint)
    return speed


def _backlogs(texts: "Sequence[str]") -> "Mapping[str, int]":
    """Read each --max-backlog: a queue, whose name may contain any character, and a number."""
    most: dict[str, int] = {}
    for text in texts:
        queue, _, number = text.rpartition("=")
        hint = "--max-backlog student-service.queue=1000"
        try:
            limit = whole(0)(number)
        except typer.BadParameter:
            queue = ""
        if not queue:
            raise UsageError("--max-backlog is QUEUE=N, N a whole number", text, hint=hint)
        refuse_bytes("--max-backlog", queue, most=MOST_BYTES)
        if most.setdefault(queue, limit) != limit:
            raise UsageError("--max-backlog names a queue twice", queue, hint="give one number")
    return most
