"""A consumer, and where what it gets is shown and recorded."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from medtrack_cli.core.listening.listen import Recording, Sink, Watched, tee
from medtrack_cli.core.ports import Consumer
from medtrack_cli.runtime import Runtime


@contextmanager
def watching(
    runtime: Runtime,
    watched: Watched,
    recording: Recording | None,
    lines: AbstractContextManager[Sink] | None = None,
) -> Iterator[tuple[Consumer, Sink]]:
    """Open both: the view or `lines`, and a recording if there is one."""
    settings, source, note = watched.settings, watched.source, runtime.printer.note
    with (
        lines or runtime.printer.deliveries(watched) as shown,
        runtime.world.open_consumer(settings, source, note, watched.stop, watched.retry) as opened,
    ):
        yield opened, tee([shown, *([recording] if recording else [])])
