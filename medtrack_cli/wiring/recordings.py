"""Where deliveries are written, and the names of replays."""

from contextlib import AbstractContextManager
from pathlib import Path

from medtrack_cli.core.listening.listen import Sink
from medtrack_cli.files.recorder import Recorder
from medtrack_cli.runtime import Runtime

__all__ = ["Recorder", "event_lines", "keep_name", "recorder"]


def event_lines(runtime: Runtime, template: str | None, *, reveal: bool, local_time: bool) -> Sink:
    """Give what writes a line of each delivery: the body, or a template filled in."""
    from medtrack_cli.output.event_lines import bodies, filled
    from medtrack_cli.output.shown.listening import telling

    stdout, tell = runtime.world.stdout, telling(runtime.printer.show)
    if template is None:
        return bodies(stdout, tell)
    return filled(stdout, template, tell, reveal=reveal, local_time=local_time)


def recorder(
    runtime: Runtime, path: Path, *, rotate: str | None, include_replays: bool
) -> Recorder:
    """Create a recording, or go on with one; `rotate` is when a part of it ends."""
    from medtrack_cli.files.rotation import parse_rotation

    return Recorder(
        path,
        runtime.world.clock,
        runtime.printer.note,
        warn=runtime.printer.warning,
        rotation=None if rotate is None else parse_rotation(rotate),
        include_replays=include_replays,
    )


def keep_name(runtime: Runtime, name: str) -> AbstractContextManager[None]:
    """Keep a replay's name for this process; CannotCreate while another has it."""
    from medtrack_cli.files.run_lock import locked, runs_folder

    return locked(runs_folder(runtime.world.environ), name)
