"""The first and the last message of a stream: AMQP has no request for them, so they are read."""

from datetime import datetime
from typing import Any, NamedTuple

from pika.channel import Channel

from medtrack_cli.broker.amqp.link import Link
from medtrack_cli.broker.amqp.request import Answered, Question, T, request
from medtrack_cli.broker.amqp.subscription import PREFETCH, delivery_of
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Note, Stop
from medtrack_cli.errors import TopologyError, UsageError

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

        def arrived(_channel: Channel, method: Any, properties: Any, body: bytes) -> None:  # noqa: ANN401
            found.append(delivery_of(method, properties, body).offset)

        def answer(_frame: object) -> None:
            answered(found[0] if found else None)

        def all_came(*_: object) -> None:
            channel.basic_qos(prefetch_count=1, callback=answer)

        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(stream, arrived, arguments={"x-stream-offset": moment})
        channel.basic_consume(stream, all_came, arguments={"x-stream-offset": "last"})

    return _asked(settings, stream, ask, note, stop)


def _asked(
    settings: ConnectionSettings, stream: str, question: Question[T], note: Note, stop: Stop
) -> T:
    try:
        return request(settings, question, note, stop)
    except TopologyError as error:
        if "x-stream-offset" not in error.message:
            hint = error.hint if "did you mean" in error.hint else _HINT
            raise TopologyError(error.what, error.subject, hint=hint) from None
        what = f"queue {without_secrets(stream, settings)!r} is no stream"
        raise UsageError(what, settings.describe(), hint=_HINT) from None


def _later(channel: Channel, action: Any) -> Any:  # noqa: ANN401 -- a callback of pika's
    """Make what acts when nothing has come for long, counted from the broker's answer."""
    loop = channel.connection.ioloop  # type: ignore[attr-defined] # a SelectConnection
    return lambda _frame: loop.call_later(EMPTY_SECONDS, action)


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
        self._channel.basic_consume(self._stream, self._came_since, arguments=since)
        self._channel.basic_qos(prefetch_count=PREFETCH)
        self._consumer = self._channel.basic_consume(
            self._stream,
            self._arrived,
            arguments={"x-stream-offset": "last"},
            callback=_later(self._channel, self._give_up),
        )

    def _give_up(self) -> None:
        if self._last is None and not self._counted:
            self._answered(Edges(0))

    def _came_since(self, _channel: Channel, method: Any, properties: Any, body: bytes) -> None:  # noqa: ANN401
        if self._since is None:
            self._since = delivery_of(method, properties, body).offset

    def _arrived(self, _channel: Channel, method: Any, properties: Any, body: bytes) -> None:  # noqa: ANN401
        is_first, self._last = self._last is None, delivery_of(method, properties, body)
        self._channel.basic_ack(method.delivery_tag)
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
        came: list[Delivery] = []  # a whole chunk, whatever the prefetch

        def arrived(_channel: Channel, method: Any, properties: Any, body: bytes) -> None:  # noqa: ANN401
            came.append(delivery_of(method, properties, body))
            self._answered(Edges(self._counted, came[0], self._last))

        self._channel.basic_consume(self._stream, arrived, arguments={"x-stream-offset": "first"})
