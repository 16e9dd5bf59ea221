"""Messages that a queue refused, until they may be sent again."""

import heapq
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter

from medtrack_cli.broker.patience import full_jitter
from medtrack_cli.core.messages import Message

LONGEST_PAUSE = 5.0  # an election takes seconds: what waits should be sent soon after it
# A channel of RabbitMQ 3.10 that meets a quorum queue without a leader refuses for as long as the
# node of the old one is down, whoever is the leader meanwhile: after a number of attempts it may be
# the channel.
FRUITLESS = 3
ENOUGH = 30  # accepted in a row: the queue works again, and the others of the key need not go alone


@dataclass(slots=True)
class _Lane:
    """The messages of one routing key, by position; `sent` is the one being tried."""

    since: float  # its first refusal, or when one of it was last accepted
    waiting: list[tuple[int, Message]] = field(default_factory=list)
    tries: int = 0
    in_a_row: int = 0  # settled, one after the other
    fruitless: int = 0  # attempts alone on this channel
    sent: int | None = None


class Retries:
    """Refused messages, those of each routing key in order.

    The first of a key is retried alone, with growing pauses, and each that follows alone, until
    enough are accepted; meanwhile new messages with the same key are held back, and other keys
    continue. A key is retried for `seconds` in which nothing of it is accepted. Then the first is
    given up, and the key counts as closed: what follows isn't held back any more, and its first
    refusal is final, until one is accepted.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lanes: dict[str, _Lane] = {}
        self._due: list[tuple[float, str]] = []  # a heap: when the next of a key may be sent
        self._refused: set[int] = set()  # by position: without a verdict yet
        self._closed: set[str] = set()
        self._free: deque[Message] = deque()  # of keys that are not tried alone any more
        self._jitter = random.Random()  # noqa: S311 -- spreads load, guards nothing
        self.count = self.bytes_waiting = 0  # of what waits
        self.wants_channel = False  # another one

    def refused(self, message: Message) -> bool:
        """Keep a message that a queue refused; False when that was its last attempt."""
        key = message.routing_key
        lane = self._lanes.get(key)
        if self._seconds <= 0 or key in self._closed or (lane and self._is_over(lane, message)):
            self._closed.add(key)
            self._dissolve(key)
            self._refused.discard(message.position)
            return False
        if lane is None:
            lane = self._lanes[key] = _Lane(time.monotonic())
        if lane.sent == message.position or not lane.tries:
            lane.sent, lane.in_a_row = None, 0
            lane.fruitless += 1
            self.wants_channel = self.wants_channel or lane.fruitless > FRUITLESS
            pause = full_jitter(lane.tries, self._jitter, LONGEST_PAUSE)
            lane.tries += 1
            heapq.heappush(self._due, (time.monotonic() + pause, key))
        self._refused.add(message.position)
        self._keep(lane, message)
        return True

    def _is_over(self, lane: _Lane, message: Message) -> bool:
        is_first = lane.sent == message.position  # the others were in flight when it was refused
        return is_first and time.monotonic() - lane.since >= self._seconds

    def on_new_channel(self) -> None:
        """Note that what is sent from now on goes through another channel."""
        self.wants_channel = False
        for lane in self._lanes.values():
            lane.fruitless = 0

    def taken(self, message: Message) -> None:
        """Note that a message was accepted: the next of its key may follow at once."""
        if not (self._lanes or self._closed or self._refused):
            return
        self._closed.discard(message.routing_key)
        if (lane := self._lanes.get(message.routing_key)) is not None:
            lane.since = time.monotonic()
        self.forget(message)

    def forget(self, message: Message) -> None:
        """Note that a message has a final verdict, and isn't retried."""
        key = message.routing_key
        self._refused.discard(message.position)
        lane = self._lanes.get(key)
        if lane is None or lane.sent != message.position:
            return
        lane.sent, lane.tries, lane.fruitless = None, 1, 0
        lane.in_a_row += 1
        if lane.waiting and lane.in_a_row < ENOUGH:
            heapq.heappush(self._due, (time.monotonic(), key))
        else:
            self._dissolve(key)

    def holds(self, message: Message) -> bool:
        """Hold back a message that would overtake another of its key; False when it may be sent."""
        lane = self._lanes.get(message.routing_key)
        if lane is None or lane.sent == message.position:
            return False
        self._keep(lane, message)
        return True

    def next_due(self) -> Message | None:
        """Take the message that is due, if there is one."""
        if self._free:
            return self._let_go(self._free.popleft())
        while self._due and self._due[0][0] <= time.monotonic():
            _, key = heapq.heappop(self._due)
            lane = self._lanes.get(key)
            if lane is not None and lane.sent is None and lane.waiting:
                lane.sent, message = heapq.heappop(lane.waiting)
                return self._let_go(message)
        return None

    def was_refused(self, message: Message) -> bool:
        """Return whether a queue refused it, and it has no verdict yet."""
        return message.position in self._refused

    def take_all(self) -> Iterator[tuple[Message, bool]]:
        """Take what still waits, in order, each with whether it was refused or only held back."""
        waiting = [each for lane in self._lanes.values() for _, each in lane.waiting]
        waiting += self._free
        self._lanes.clear()
        self._free.clear()
        for message in sorted(waiting, key=attrgetter("position")):
            yield self._let_go(message), message.position in self._refused

    def _dissolve(self, key: str) -> None:
        lane = self._lanes.pop(key, None)
        if lane is not None:
            self._free += [each for _, each in sorted(lane.waiting, key=itemgetter(0))]

    def _keep(self, lane: _Lane, message: Message) -> None:
        heapq.heappush(lane.waiting, (message.position, message))
        self.count += 1
        self.bytes_waiting += len(message.body)

    def _let_go(self, message: Message) -> Message:
        self.count -= 1
        self.bytes_waiting -= len(message.body)
        return message
