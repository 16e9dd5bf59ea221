"""A part of a stream: where it begins and ends, learned before anything is read, then read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from medtrack_cli.core.archive import time_of
from medtrack_cli.core.content import content_of
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item, MadeItem
from medtrack_cli.core.listening.sources import Stream
from medtrack_cli.core.ports import Interrupted, Retry, Stop
from medtrack_cli.core.publishing.recorded import LATEST_YEAR, OLDEST_YEAR
from medtrack_cli.core.topics import Window
from medtrack_cli.errors import BrokerUnreachable, EventsGone, UsageError
from medtrack_cli.events.json_text import examine as parse
from medtrack_cli.files.reading.input import FROM_THE_START, Beginning, Input, Span
from medtrack_cli.files.state.identity import Known
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.origins import here

SKEW = timedelta(hours=1)
"""So far ahead of the broker's clock an event's own time may be, and is found nevertheless."""


class Stretch(NamedTuple):
    """What is read of a stream, and the offset of what was its last message; -1: nothing is."""

    source: Stream
    end: int
    gone: int = 0  # offsets that were asked for and are gone by the stream's bounds
    may_lose: bool = False  # more of them while it is read


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
    if begins is None:  # after all that there is
        return Stretch(Stream(name, last.offset + 1), last.offset if follows else -1)
    gone = max(0, first.offset - begins) if offset.isdigit() else 0
    return Stretch(Stream(name, begins + gone), last.offset, gone)


def deliveries(runtime: Runtime, part: Stretch, stop: Stop) -> Iterator[Delivery]:
    """Give all deliveries of a part, in their order, each once, unless stopped.

    After a lost connection it goes on after the last one. EventsGone when the stream's bounds took
    some before they were read, unless it `may_lose` them: a broker goes on after them in silence.
    """
    if part.end < 0:
        return
    note, settings, expected = runtime.printer.note, runtime.connection, part.source.offset
    with runtime.world.open_consumer(settings, part.source, note, stop, Retry()) as consumer:
        for happening in consumer.deliveries():
            if isinstance(happening, Interrupted):
                note(f"{happening.reason}; reading goes on where it was")
            if not isinstance(happening, list):
                continue
            for delivery in happening:
                if isinstance(expected, int) and delivery.offset > expected:
                    _refuse_gone(runtime, part, expected, stop)
                expected = delivery.offset + 1
                if delivery.offset <= part.end:
                    yield delivery
            if happening and happening[-1].offset >= part.end:
                return
            consumer.acknowledge([each.token for each in happening])


def _refuse_gone(runtime: Runtime, part: Stretch, expected: int, stop: Stop) -> None:
    """Say how many are gone from an offset on; none are where RabbitMQ has records of its own."""
    from medtrack_cli.broker.amqp.stream_edges import read_edges

    name = part.source.name
    first = read_edges(runtime.connection, name, lambda _text: None, stop).first
    gone = 0 if first is None else min(first.offset, part.end + 1) - expected
    if gone <= 0:
        return
    what = f"{gone:,} offsets from {expected} on went by the stream's bounds while it was read"
    if not part.may_lose:
        raise EventsGone(what, name, hint="a new run with --from-first sends what is left")
    runtime.printer.warning(f"{what}: {name}")


class StreamInput:
    """A part of a stream as a recording is read: each as received at the time of its event."""

    can_be_read_again = True
    size = None  # not known

    def __init__(self, runtime: Runtime, part: Stretch) -> None:
        self._runtime, self._part = runtime, part
        self.sources = (part.source,)

    def items(
        self, *, span: Span | None = None, beginning: Beginning = FROM_THE_START
    ) -> Iterator[Item]:
        """Read it; an event without a time comes with the one before, and isn't in any span."""
        part, origin, before = self._part, here(self._runtime), None
        if beginning is not FROM_THE_START:
            part = part._replace(source=replace(part.source, offset=beginning.line))
        for delivery in deliveries(self._runtime, part, Stop()):
            moment = time_of(parse(content_of(delivery)[0])[0])
            if moment and not OLDEST_YEAR <= moment.year <= LATEST_YEAR:
                moment = None
            if moment is None and span:
                span.passed()
                continue
            before = moment or before or delivery.received_at
            timed = replace(delivery, received_at=before, monotonic=None, origin=origin)
            yield MadeItem(part.source.name, delivery.offset, delivery.body, recorded=timed)

    def refuse_changes(self) -> None:
        """Do nothing: what is in a stream doesn't change."""

    def known(self) -> list[Known]:
        """Give what it is known by: broker, vhost and name, and the offset of its end."""
        at = here(self._runtime)
        return [Known(self._part.source.name, self._part.end, 0, f"{at.broker} {at.vhost}")]


Readable = Input | StreamInput
