"""Where deliveries are written."""

import os
from itertools import chain, count
from pathlib import Path

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.listen import Sink
from medtrack_cli.files.recordings.writer import Recorder
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.brokers import here

__all__ = ["Recorder", "event_lines", "kept_recording", "recorder"]


def event_lines(runtime: Runtime, template: str | None, *, reveal: bool, local_time: bool) -> Sink:
    """Make the sink that writes a line for each delivery: the body, or a filled-in template."""
    from medtrack_cli.output.event_lines import bodies, filled

    stdout, tell = runtime.world.stdout, runtime.printer.tell
    if template is None:
        return bodies(stdout, tell)
    return filled(stdout, template, tell, reveal=reveal, local_time=local_time)


def recorder(
    runtime: Runtime,
    path: Path,
    *,
    rotate: str | None = None,
    include_replays: bool,
    pseudonymize: bool = False,
) -> Recorder:
    """Create a recording, or continue one; `rotate` is when a part of it ends."""
    from medtrack_cli.files.recordings.rotation import parse_rotation

    origin, fakes = here(runtime), None
    if pseudonymize:
        from medtrack_cli.wiring.pseudonyms import pseudonymizer

        origin, fakes = origin._replace(is_pseudonymized=True), pseudonymizer(runtime)
    return Recorder(
        path,
        runtime.world.clock,
        runtime.printer.note,
        warn=runtime.printer.warning,
        rotation=None if rotate is None else parse_rotation(rotate),
        include_replays=include_replays,
        origin=origin,
        pseudonymizer=fakes,
    )


def kept_recording(runtime: Runtime, since: Delivery | None, *, include_replays: bool) -> Recorder:
    """Create a recording with a generated name in the working directory, from a delivery on."""
    clock, printer = runtime.world.clock, runtime.printer
    name = f"medtrack-{clock.now():%Y%m%dT%H%M%SZ}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    paths = (Path(f"{each}.ndjson") for each in names)
    path = next(path for path in paths if not os.path.lexists(path))
    return Recorder(
        *(path, clock, printer.note),
        warn=printer.warning,
        include_replays=include_replays,
        since=since,
        origin=here(runtime),
    )
