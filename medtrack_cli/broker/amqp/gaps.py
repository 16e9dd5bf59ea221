"""What a stream dropped before it was read: the broker continues after the gap silently."""

from collections.abc import Iterator

from medtrack_cli.broker.amqp.stream_edges import read_edges
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Source
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import EventsGone, MedtrackError


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
        return EventsGone(what, self._name, count=gone, hint=SLOW)


SLOW = "larger bounds keep events until the slowest reader has them"
