"""Messages that a queue refused, until they may be sent again."""

import heapq
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter

from medtrack_cli.broker.backoff import full_jitter
from medtrack_cli.core.messages import Message

LONGEST_PAUSE = 5.0  # an election takes seconds: what waits should go soon after it


@dataclass(slots=True)
class _Lane:
    """The messages of one routing key, by position; `sent` is the one that is tried now."""

    waiting: list[tuple[int, Message]] = field(default_factory=list)
    tries: int = 0
    sent: int | None = None


class Retries:
    """Refused messages, those of each routing key in their order.

    The first of a key is tried alone, after pauses that grow, until one is taken; meanwhile what
    follows with the same key is held, and other keys go on. A message is tried for `seconds` from
    its first refusal. When one has used them up, the key counts as closed: what follows is held
    no more, and its first refusal is the last, until one is taken.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lanes: dict[str, _Lane] = {}
        self._due: list[tuple[float, str]] = []  # a heap: when the next of a key may be sent
        self._since: dict[int, float] = {}  # by position: the first refusal
        self._closed: set[str] = set()
        self._free: deque[Message] = deque()  # of closed keys
        self._jitter = random.Random()  # noqa: S311 -- spreads load, guards nothing
        self.count = self.bytes_waiting = 0

    def __len__(self) -> int:
        return self.count

    def refused(self, message: Message) -> bool:
        """Keep a message that a queue refused; False when that was its last try."""
        now, key = time.monotonic(), message.routing_key
        since = self._since.setdefault(message.position, now)
        if key in self._closed or now - since >= self._seconds:
            self._close(message)
            return False
        lane = self._lanes.setdefault(key, _Lane())
        if lane.sent == message.position or not lane.tries:
            lane.sent = None
            pause = full_jitter(lane.tries, self._jitter, LONGEST_PAUSE)
            lane.tries += 1
            heapq.heappush(self._due, (now + pause, key))
        self._keep(lane, message)
        return True

    def taken(self, message: Message) -> None:
        """Learn that a message was taken: the next of its key may follow at once."""
        if not (self._lanes or self._closed):
            return
        key = message.routing_key
        self._since.pop(message.position, None)
        self._closed.discard(key)
        lane = self._lanes.get(key)
        if lane is not None and lane.sent == message.position:
            lane.sent = None
            if lane.waiting:
                heapq.heappush(self._due, (time.monotonic(), key))
            else:
                del self._lanes[key]

    def holds(self, message: Message) -> bool:
        """Keep a message that would overtake another of its key; False when it may be sent."""
        lane = self._lanes.get(message.routing_key)
        if lane is None or lane.sent == message.position:
            return False
        self._keep(lane, message)
        return True

    def next_due(self) -> Message | None:
        """Take the message whose time has come, if there is one."""
        if self._free:
            return self._let_go(self._free.popleft())
        while self._due and self._due[0][0] <= time.monotonic():
            _, key = heapq.heappop(self._due)
            lane = self._lanes.get(key)
            if lane is not None and lane.sent is None and lane.waiting:
                lane.sent, message = heapq.heappop(lane.waiting)
                return self._let_go(message)
        return None

    def take_all(self) -> Iterator[tuple[Message, bool]]:
        """Take what still waits, in order, each with whether it was refused or only held."""
        waiting = [each for lane in self._lanes.values() for _, each in lane.waiting]
        waiting += self._free
        self._lanes.clear()
        self._free.clear()
        for message in sorted(waiting, key=attrgetter("position")):
            yield self._let_go(message), message.position in self._since

    def _close(self, message: Message) -> None:
        """Give a message up, and let what was held behind it go: it is sent once."""
        key = message.routing_key
        self._since.pop(message.position, None)
        self._closed.add(key)
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
