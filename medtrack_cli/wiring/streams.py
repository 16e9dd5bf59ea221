"""A part of a stream: its first and last offset are found before it is read."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from medtrack_cli.core.delivery import Delivery, content_of
from medtrack_cli.core.items import Item, MadeItem
from medtrack_cli.core.listening.sources import Stream
from medtrack_cli.core.ports import Interrupted, Retry, Stop, silent
from medtrack_cli.core.publishing.recorded import LATEST_YEAR, OLDEST_YEAR
from medtrack_cli.core.times import TimeRange, time_of
from medtrack_cli.errors import EventsGone, UsageError
from medtrack_cli.events.json_text import value_of
from medtrack_cli.files.reading.input import FROM_THE_START, Beginning, Input, Span
from medtrack_cli.files.state.identity import Known
from medtrack_cli.runtime import Runtime
from medtrack_cli.wiring.brokers import here

SKEW = timedelta(hours=1)
"""How far ahead of the broker's clock an event's own time may be and still be found."""


EVENT_BYTES = 1024
"""What an event is taken to have before it is read; what is held is bounded by what they have."""


class Stretch(NamedTuple):
    """The part to be read of a stream, and the offset of its last message; -1: nothing."""

    source: Stream
    end: int
    gone: int = 0  # requested offsets, before the source's, that the stream has dropped

    def error(self, hint: str) -> EventsGone:
        """Say that some of what was asked for is gone."""
        what = f"{self.gone:,} offsets from {int(self.source.offset) - self.gone} on are gone"
        what += " by the stream's bounds"
        return EventsGone(what, self.source.name, count=self.gone, hint=hint)


def stretch(  # noqa: PLR0913 -- what a part is told by
    runtime: Runtime,
    name: str,
    offset: str,
    window: TimeRange,
    *,
    until: int | None = None,
    follows: bool = False,
) -> Stretch:
    """Find where reading begins, and where it ends for now; beyond that a stream only waits.

    The broker finds the beginning of a time range by its own clock. `until` is the last wanted
    offset. UsageError for an offset that doesn't exist yet.
    """
    from medtrack_cli.broker.amqp.stream_edges import first_since, read_edges

    source, settings = Stream(name), runtime.connection
    begins = int(offset) if offset.isdigit() else None
    with runtime.world.stop_before_more() as stop:
        first, last = read_edges(settings, name, runtime.printer.note, stop)[1:]
        furthest = max(-1 if begins is None else begins, -1 if until is None else until)
        if furthest > (last.offset if last else -1):
            what = f"the stream ends at offset {last.offset}" if last else "the stream is empty"
            hint = f"`medtrack archive show {name}` says what it holds"
            hint = "--offset next waits for more" if follows else hint
            raise UsageError(what, f"offset {furthest}", hint=hint)
        if first is None or last is None:
            return Stretch(source, -1)
        end = last.offset if until is None else until
        if begins is not None:
            gone = max(0, min(first.offset, end + 1) - begins)
            return Stretch(replace(source, offset=begins + gone), end, gone)
        if offset != "next":
            begins = last.offset if offset == "last" else first.offset
        if offset == "first" and window.since:
            begins = first_since(settings, name, window.since - SKEW, silent, stop)
    if begins is None:  # after the last one
        return Stretch(replace(source, offset=last.offset + 1), last.offset if follows else -1)
    return Stretch(replace(source, offset=begins), end)


def deliveries(
    runtime: Runtime, part: Stretch, stop: Stop, lost: Callable[[EventsGone], None]
) -> Iterator[Delivery]:
    """Give all deliveries of a part in order, each once, unless stopped.

    After a lost connection it continues after the last one. `lost` is called with what the stream
    dropped meanwhile.
    """
    source, end = part.source, part.end
    if end < 0 or (isinstance(source.offset, int) and source.offset > end):
        return
    note, settings = runtime.printer.note, runtime.connection
    with runtime.world.open_consumer(settings, source, note, stop, Retry()) as consumer:
        for happening in consumer.deliveries():
            if isinstance(happening, EventsGone):
                lost(happening)
            if isinstance(happening, Interrupted):
                note(f"{happening.reason}; reading goes on where it was")
            if not happening or not isinstance(happening, list):
                continue
            yield from (each for each in happening if each.offset <= end)
            if happening[-1].offset >= end:
                return
            consumer.acknowledge([each.token for each in happening])


class StreamInput:
    """A part of a stream, read like a recording: each received at the time of its event."""

    can_be_read_again = True

    def __init__(self, runtime: Runtime, part: Stretch, *, may_lose: bool = False) -> None:
        self._runtime, self._part = runtime, part
        self.sources = (part.source,)
        self.gone, self._may_lose, self._passes = part.gone, may_lose, 0
        begins = part.source.offset if isinstance(part.source.offset, int) else 0
        self.size = max(0, part.end + 1 - begins) * EVENT_BYTES

    def items(
        self, *, span: Span | None = None, beginning: Beginning = FROM_THE_START
    ) -> Iterator[Item]:
        """Read it.

        An event without a time comes with the one before, and is outside of every span.
        """
        part, origin, before = self._part, here(self._runtime), None
        self._passes += 1
        if beginning is not FROM_THE_START:
            part = part._replace(source=replace(part.source, offset=beginning.line))
        for delivery in deliveries(self._runtime, part, Stop(), self._lost):
            moment = time_of(value_of(content_of(delivery)[0]))
            if moment and not OLDEST_YEAR <= moment.year <= LATEST_YEAR:
                moment = None
            if moment is None and span:
                span.passed()
                continue
            before = moment or before or delivery.received_at
            timed = replace(delivery, received_at=before, monotonic=None, origin=origin)
            yield MadeItem(part.source.name, delivery.offset, delivery.body, recorded=timed)

    def _lost(self, error: EventsGone) -> None:
        """Refuse to continue, unless that was allowed."""
        if not self._may_lose:
            error.hint = "--from-first goes on without them"
            raise error
        self._runtime.printer.warning(error.message)
        if self._passes == 1:  # what goes later is missed by its place among those of the first
            self.gone += error.count

    def refuse_changes(self) -> None:
        """Do nothing: the content of a stream doesn't change."""

    def known(self) -> list[Known]:
        """Give what identifies it: broker, vhost and name, and the offset of its end."""
        at = here(self._runtime)
        return [Known(self._part.source.name, self._part.end, 0, f"{at.broker} {at.vhost}")]


Readable = Input | StreamInput
