"""A tap for a test: it receives every event, and says in words what didn't come."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Tap as Queue
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import Consumer, Interrupted, Listening, Retry, Stop, silent
from medtrack_cli.errors import BrokerUnreachable, TimedOut
from medtrack_cli.testing.broker import Broker
from medtrack_cli.testing.event import Event, event_of
from medtrack_cli.testing.inbox import Inbox, Where

__tracebackhide__ = True  # pytest shows the test's line


class Tap(Inbox):
    """All events that were published since the test began, in their order."""

    def __init__(self, broker: Broker, consumer: Consumer, *, reveal: bool) -> None:
        super().__init__(broker, broker.registry.names, reveal=reveal)
        self._consumer = consumer
        self._happenings = consumer.deliveries()
        self._queue = ""
        self._came_back: str | None = None
        while not self._queue:
            self._pull()

    def expect(self, event_type: str, *, where: Where | None = None, timeout: float = 5.0) -> Event:
        """Wait for a valid event, `timeout` seconds at most, and take it: no other call gets it.

        It may have come before the call. AssertionError tells what came instead.
        """
        return event_of(self._expect(self._pattern(event_type, where), timeout).event)

    def none(
        self, event_type: str = "#", *, where: Where | None = None, within: float = 0.0
    ) -> None:
        """See that no such event was published, nor is for `within` more seconds.

        All that was published before the call is looked at, taken or not, without waiting for
        time to pass.
        """
        self._none(self._pattern(event_type, where), within)

    @property
    def all(self) -> list[Event]:
        """Every event that was published so far, invalid ones too."""
        self._catch_up()
        return [event_of(each.event) for each in self._seen]

    def _pull(self) -> None:
        match next(self._happenings):
            case Listening(queue=queue):
                self._queue = queue
            case Interrupted(reason=reason):
                hint = "what was published meanwhile may be missing"
                raise BrokerUnreachable(f"the tap lost its connection ({reason})", hint=hint)
            case list(batch):
                for each in batch:
                    self._hear(each)
                self._consumer.acknowledge([each.token for each in batch])

    def _hear(self, delivery: Delivery) -> None:
        if delivery.exchange == "" and delivery.routing_key == self._queue:
            self._came_back = delivery.message_id
        else:
            self._add(examine(delivery, self._broker.registry))

    def _catch_up(self) -> None:
        """Receive all that was published by now: a message of ours goes after it, and comes."""
        mark = str(uuid4())
        message = Message(1, "<test>", 1, None, self._queue, mark, b"{}", exchange="")
        what = "the tap's queue didn't give back a message of ours"
        if self._broker.send(message).outcome is not Outcome.CONFIRMED:
            raise TimedOut(what, hint="is the broker under load?")
        self._pull_until(lambda: self._came_back == mark, what)


@contextmanager
def tapped(broker: Broker, *, reveal: bool) -> Iterator[Tap]:
    """Listen to all that is published from here on."""
    opened = broker.runtime.world.open_consumer
    with opened(broker.settings, Queue(), silent, Stop(), Retry()) as consumer:
        yield Tap(broker, consumer, reveal=reveal)
