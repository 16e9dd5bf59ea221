"""The first and the last message of a stream, and what it dropped before it was read."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from pika.channel import Channel

from medtrack_cli.broker.amqp.deliveries import Arrival, consume
from medtrack_cli.broker.amqp.dialer import Answered, Question, T, request
from medtrack_cli.broker.amqp.link import Link
from medtrack_cli.broker.amqp.subscription import PREFETCH
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.listening.sources import Source
from medtrack_cli.core.ports import Note, Stop
from medtrack_cli.errors import EventsGone, MedtrackError, TopologyError, UsageError

EMPTY_SECONDS = 2.0
"""A stream that gives nothing for this long, and counts nothing, is empty."""

_HINT = "`medtrack archive list` shows the streams"


class Edges(NamedTuple):
    """The messages at the ends; `counted` is RabbitMQ's own number, some seconds old."""

    counted: int
    first: Delivery | None = None
    last: Delivery | None = None


def read_edges(settings: ConnectionSettings, stream: str, note: Note, stop: Stop) -> Edges:
    """Read the first message of a stream, and its current last one.

    TopologyError when there is no queue of that name, UsageError when it is no stream.
    """

    def ask(_link: Link, channel: Channel, answered: Answered[Edges]) -> None:
        _Look(stream, channel, answered).begin()

    return _asked(settings, stream, ask, note, stop)


def first_since(
    settings: ConnectionSettings, stream: str, moment: datetime, note: Note, stop: Stop
) -> int | None:
    """Find the offset of what came at a time or later, or a little before; None: nothing did.

    The stream isn't empty. Its last chunk is requested, too: when that has come, and nothing for
    the first request, there is nothing.
    """

    def ask(_link: Link, channel: Channel, answered: Answered[int | None]) -> None:
        found: list[int] = []

        def arrived(arrivals: list[Arrival]) -> None:
            found.append(arrivals[0].delivery.offset)

        def answer(_frame: object) -> None:
            answered(found[0] if found else None)

        def all_came(*_: object) -> None:
            channel.basic_qos(prefetch_count=1, callback=answer)

        channel.basic_qos(prefetch_count=1)
        consume(channel, stream, arrived, arguments={"x-stream-offset": moment})
        consume(channel, stream, all_came, arguments={"x-stream-offset": "last"})

    return _asked(settings, stream, ask, note, stop)


def _asked(
    settings: ConnectionSettings, stream: str, question: Question[T], note: Note, stop: Stop
) -> T:
    try:
        return request(settings, question, note, stop)
    except TopologyError as error:
        if "x-stream-offset" not in error.message:
            hint = error.hint if "did you mean" in error.hint else _HINT
            raise error.with_hint(hint) from None
        what = f"queue {without_secrets(stream, settings)!r} is no stream"
        raise UsageError(what, settings.describe(), hint=_HINT) from None


class _Look:
    """Reads the last chunk, then the first message. On the I/O thread.

    After an answer to a question that was asked after our acknowledgement nothing more comes of
    what was there: the broker handles a channel's requests one after the other. Where more is
    published all the time, it ends with what came since.
    """

    def __init__(self, stream: str, channel: Channel, answered: Answered[Edges]) -> None:
        self._stream, self._channel, self._answered = stream, channel, answered
        self._counted = 0
        self._since: int | None = None  # the first offset that didn't exist when it began
        self._last: Delivery | None = None
        self._consumer = ""

    def begin(self) -> None:
        self._channel.queue_declare(self._stream, passive=True, callback=self._read_last)

    def _read_last(self, frame: Any) -> None:  # noqa: ANN401 -- pika's frames
        self._counted = frame.method.message_count
        self._channel.basic_qos(prefetch_count=1)
        since = {"x-stream-offset": "next"}
        consume(self._channel, self._stream, self._came_since, arguments=since)
        self._channel.basic_qos(prefetch_count=PREFETCH)
        self._consumer = consume(
            self._channel,
            self._stream,
            self._arrived,
            arguments={"x-stream-offset": "last"},
            callback=self._wait_for_it,
        )

    def _wait_for_it(self, _frame: object) -> None:
        loop = self._channel.connection.ioloop  # type: ignore[attr-defined] # a SelectConnection
        loop.call_later(EMPTY_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self._last is None and not self._counted:
            self._answered(Edges(0))

    def _came_since(self, arrivals: list[Arrival]) -> None:
        if self._since is None:
            self._since = arrivals[0].delivery.offset

    def _arrived(self, arrivals: list[Arrival]) -> None:
        is_first, self._last = self._last is None, arrivals[-1].delivery
        for each in arrivals:
            self._channel.basic_ack(each.tag)
        if is_first:
            self._see_whether_more_comes()

    def _see_whether_more_comes(self) -> None:
        seen = self._last

        def answered(_frame: object) -> None:
            last, since = self._last, self._since
            if last is seen or (last and since is not None and last.offset >= since):
                self._channel.basic_cancel(self._consumer, callback=self._read_first)
            else:
                self._see_whether_more_comes()

        self._channel.basic_qos(prefetch_count=1, callback=answered)

    def _read_first(self, _frame: object) -> None:
        came: list[Arrival] = []  # a whole chunk, whatever the prefetch

        def arrived(arrivals: list[Arrival]) -> None:
            came.extend(arrivals)
            self._answered(Edges(self._counted, came[0].delivery, self._last))

        consume(self._channel, self._stream, arrived, arguments={"x-stream-offset": "first"})


class Gaps:
    """Finds offsets that were skipped, except where RabbitMQ has records of its own."""

    def __init__(self, settings: ConnectionSettings, source: Source, stop: Stop) -> None:
        self._settings, self._name, self._stop = settings, source.name or "", stop
        begins = source.consumption.arguments.get("x-stream-offset")
        self._expected = begins if isinstance(begins, int) else -1  # unknown

    def looked(self, batch: list[Delivery]) -> Iterator[list[Delivery] | EventsGone]:
        """Give a batch, in parts where events are missing between them."""
        begin = 0
        if batch and batch[0].offset >= 0:
            if batch[-1].offset != self._expected + len(batch) - 1:
                for at, delivery in enumerate(batch):
                    if error := self._gone(delivery.offset):
                        if at > begin:
                            yield batch[begin:at]
                        yield error
                        begin = at
                    self._expected = delivery.offset + 1
            self._expected = batch[-1].offset + 1
        yield batch[begin:] if begin else batch

    def _gone(self, offset: int) -> EventsGone | None:
        """Report what is missing between the last offset and the next."""
        expected = self._expected
        if expected < 0 or offset <= expected or self._stop.is_requested:
            return None
        try:
            first = read_edges(self._settings, self._name, lambda _text: None, self._stop).first
        except MedtrackError as error:
            count = offset - expected
            what = f"{count:,} offsets from {expected} on were passed over, and why isn't known"
            return EventsGone(f"{what} ({error.what})", self._name, count=count)
        gone = min(first.offset if first else offset, offset) - expected
        if gone <= 0:
            return None
        what = f"{gone:,} offsets from {expected} on were dropped while the stream was read"
        hint = "larger bounds keep events until the slowest reader has them"
        return EventsGone(what, self._name, count=gone, hint=hint)
