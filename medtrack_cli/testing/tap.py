"""A tap for a test: it hears every event, and says in words what didn't come."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from medtrack_cli.core.checked import examine
from medtrack_cli.core.conditions import Answer, Condition
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Tap as Queue
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.ports import Consumer, Interrupted, Listening, Retry, Stop
from medtrack_cli.core.simulating.expectations import Expectations, Times
from medtrack_cli.core.simulating.patterns import Pattern, Seen, place_of
from medtrack_cli.core.topics import doubt
from medtrack_cli.errors import BrokerUnreachable, TimedOut, UsageError
from medtrack_cli.output.shown.expectations import failure
from medtrack_cli.testing.broker import Broker
from medtrack_cli.testing.event import Event, event_of
from medtrack_cli.testing.telling import understood
from medtrack_cli.wiring.conditions import condition

Where = Mapping[str, Any] | str | Callable[[dict[str, Any]], bool]
"""Which events: values of fields, an expression of --where, or a function of the whole event."""

__tracebackhide__ = True  # pytest shows the test's line
_SECONDS = 30.0  # for a message of our own to come back


@contextmanager
def tapped(broker: Broker, *, reveal: bool) -> "Iterator[Tap]":
    """Listen to all that is published from here on."""
    opened = broker.runtime.world.open_consumer
    with opened(broker.settings, Queue(), lambda _line: None, Stop(), Retry()) as consumer:
        yield Tap(broker, consumer, reveal=reveal)


class Tap:
    """All events that were published since the test began, in their order."""

    def __init__(self, broker: Broker, consumer: Consumer, *, reveal: bool) -> None:
        self._broker, self._consumer, self._reveal = broker, consumer, reveal
        self._happenings = consumer.deliveries()
        self._queue = ""
        self._heard: list[Seen] = []
        self._taken: set[int] = set()  # places among them
        self._came_back: str | None = None
        while not self._queue:
            self._pull()
        self._began = time.monotonic()

    def expect(self, event_type: str, *, where: Where | None = None, timeout: float = 5.0) -> Event:
        """Wait for a valid event, `timeout` seconds at most, and take it: no other call gets it.

        It may have come before the call. AssertionError tells what came instead.
        """
        expected = self._expectations(event_type, where, least=1)
        until = time.monotonic() + timeout
        for place in self._places(until):
            expected.take(self._heard[place])
            if expected.decided:
                self._taken.add(place)
                return event_of(self._heard[place].event)
        raise AssertionError(self._told(expected, f"not within {timeout:g} s"))

    def none(
        self, event_type: str = "#", *, where: Where | None = None, within: float = 0.0
    ) -> None:
        """See that no such event was published, nor is for `within` more seconds.

        All that was published before the call is looked at, taken or not, without waiting for
        time to pass.
        """
        expected = self._expectations(event_type, where, least=0)
        until = time.monotonic() + within
        while time.monotonic() < until:
            self._pull()
        self._catch_up()
        for each in self._heard:
            expected.take(each)
        if expected.unmet:
            raise AssertionError(self._told(expected, "it was not to come"))

    @property
    def all(self) -> list[Event]:
        """Every event that was published so far, invalid ones too."""
        self._catch_up()
        return [event_of(each.event) for each in self._heard]

    def _expectations(self, event_type: str, where: Where | None, *, least: int) -> Expectations:
        pattern = understood(lambda: _pattern(event_type, where, self._broker))
        return Expectations([Times(pattern, least, None if least else 0)])

    def _told(self, expected: Expectations, why: str) -> str:
        taken = len(self._taken)
        more = [f"{taken} more: taken by what was expected before"] if taken else []
        return "\n".join([why, *failure(expected, reveal=self._reveal), *more])

    def _places(self, until: float) -> Iterator[int]:
        """Go through what was heard and isn't taken, and what comes up to a time."""
        place, is_late = 0, False
        while not is_late:
            if is_late := time.monotonic() >= until:
                self._catch_up()
            elif place == len(self._heard):
                self._pull()
            heard = len(self._heard)
            yield from (at for at in range(place, heard) if at not in self._taken)
            place = heard

    def _pull(self) -> None:
        """Take what has arrived, or wait a moment for it."""
        match next(self._happenings):
            case Listening(queue=queue):
                self._queue = queue
            case Interrupted(reason=reason):
                hint = "what was published meanwhile may be missing"
                raise BrokerUnreachable(f"the tap lost its connection ({reason})", hint=hint)
            case list(batch):
                now = time.monotonic()
                for each in batch:
                    self._hear(each, now)
                self._consumer.acknowledge([each.token for each in batch])

    def _hear(self, delivery: Delivery, now: float) -> None:
        if delivery.exchange == "" and delivery.routing_key == self._queue:
            self._came_back = delivery.message_id
            return
        checked = examine(delivery, self._broker.registry)
        self._heard.append(Seen(now - self._began, checked))

    def _catch_up(self) -> None:
        """Hear all that was published by now: a message of ours goes behind it, and comes."""
        mark = str(uuid4())
        message = Message(1, "<test>", 1, None, self._queue, mark, b"{}", exchange="")
        receipt = self._broker.send(message)
        until = time.monotonic() + _SECONDS
        while receipt.outcome is Outcome.CONFIRMED and self._came_back != mark:
            if time.monotonic() > until:
                break
            self._pull()
        if self._came_back != mark:
            hint = "is the broker under load?"
            raise TimedOut("the tap's queue didn't give back a message of ours", hint=hint)


def _pattern(event_type: str, where: Where | None, broker: Broker) -> Pattern:
    if why := doubt(event_type, broker.registry.names):
        raise UsageError(why)
    if where is None:
        return Pattern(event_type)
    if isinstance(where, str):
        return Pattern(event_type, condition=condition(where))
    if isinstance(where, Mapping):
        places = {place_of(name, event_type, broker.registry): each for name, each in where.items()}
        return Pattern(event_type, fields=places)
    return Pattern(event_type, condition=_asked(where))


def _asked(wanted: Callable[[dict[str, Any]], bool]) -> Condition:
    def judge(names: Mapping[str, Any]) -> Answer:
        event = names["event"]
        return Answer.YES if isinstance(event, dict) and wanted(event) else Answer.NO

    return judge
