"""A part of a stream: where it begins and ends, learned before anything is read, then read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.filters import Window
from medtrack_cli.core.listening.sources import Stream
from medtrack_cli.core.ports import Interrupted, Retry, Stop
from medtrack_cli.errors import BrokerUnreachable, UsageError
from medtrack_cli.runtime import Runtime

SKEW = timedelta(hours=1)
"""So far ahead of the broker's clock an event's own time may be, and is found nevertheless."""


class Stretch(NamedTuple):
    """What is read of a stream, and the offset of what was its last message; -1: nothing is."""

    source: Stream
    end: int
    gone: int = 0  # offsets that were asked for and are gone by the stream's bounds


def stretch(
    runtime: Runtime, name: str, offset: str, window: Window, *, follows: bool = False
) -> Stretch:
    """Find where reading begins, and where it ends as it is now; beyond that a stream only waits.

    The broker seeks the beginning of a window by its own clock. UsageError for an offset that
    there isn't yet.
    """
    with runtime.world.stop_on_signals() as stop:
        try:
            return _stretch(runtime, name, offset, window, stop, follows)
        except BrokerUnreachable:
            if stop.exit_code is None:
                raise
            raise KeyboardInterrupt(stop.exit_code) from None


def _stretch(  # noqa: PLR0913, PLR0917 -- what a part is told by
    runtime: Runtime,
    name: str,
    offset: str,
    window: Window,
    stop: Stop,
    follows: bool,  # noqa: FBT001
) -> Stretch:
    from medtrack_cli.broker.amqp.stream_edges import first_since, read_edges

    settings, note = runtime.connection, runtime.printer.note
    first, last = read_edges(settings, name, note, stop)[1:]
    if first is None or last is None:
        return Stretch(Stream(name), -1)
    begins: int | None = first.offset
    if offset == "next":
        begins = None
    elif offset == "last":
        begins = last.offset
    elif offset != "first":
        begins = int(offset)
        if begins > last.offset:
            what, hint = f"the stream ends at offset {last.offset}", "--offset next waits for more"
            raise UsageError(what, f"--offset {offset}", hint=hint)
    elif window.since:
        begins = first_since(settings, name, window.since - SKEW, lambda _text: None, stop)
    if begins is None:  # behind all that there is
        return Stretch(Stream(name, last.offset + 1), last.offset if follows else -1)
    gone = max(0, first.offset - begins) if offset.isdigit() else 0
    return Stretch(Stream(name, begins + gone), last.offset, gone)


def deliveries(runtime: Runtime, part: Stretch, stop: Stop) -> Iterator[Delivery]:
    """Give all deliveries of a part, in their order, each once, unless stopped.

    After a lost connection it goes on behind the last one.
    """
    if part.end < 0:
        return
    note, settings = runtime.printer.note, runtime.connection
    with runtime.world.open_consumer(settings, part.source, note, stop, Retry()) as consumer:
        for happening in consumer.deliveries():
            if isinstance(happening, Interrupted):
                note(f"{happening.reason}; reading goes on where it was")
            if not isinstance(happening, list):
                continue
            for delivery in happening:
                if delivery.offset <= part.end:
                    yield delivery
            if happening and happening[-1].offset >= part.end:
                return
            consumer.acknowledge([each.token for each in happening])
