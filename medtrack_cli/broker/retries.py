"""Messages that a queue refused, until it is time to send them again."""

import heapq
import random
import time
from collections import Counter

from medtrack_cli.broker.backoff import full_jitter
from medtrack_cli.core.messages import Message


class Retries:
    """Refused messages by the time to send them again: each `most` times, with full jitter."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[tuple[float, int, Message]] = []  # a heap; positions break ties
        self._tries: Counter[int] = Counter()  # by position
        self._jitter = random.Random()  # noqa: S311 -- spreads load, guards nothing

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes_waiting(self) -> int:
        return sum(len(message.body) for _, _, message in self._waiting)

    def put(self, message: Message) -> bool:
        """Keep a message that was refused; False when it has been sent often enough."""
        tries = self._tries[message.position]
        if tries >= self._most:
            return False
        self._tries[message.position] = tries + 1
        due = time.monotonic() + full_jitter(tries, self._jitter)
        heapq.heappush(self._waiting, (due, message.position, message))
        return True

    def forget(self, message: Message) -> None:
        """Count a message's tries no more: its verdict is known."""
        if self._tries:
            self._tries.pop(message.position, None)

    def next_due(self) -> Message | None:
        """Take the message whose time has come, if there is one."""
        if self._waiting and self._waiting[0][0] <= time.monotonic():
            return heapq.heappop(self._waiting)[2]
        return None

    def take_all(self) -> list[Message]:
        """Take what still waits, in no order."""
        messages = [message for _, _, message in self._waiting]
        self._waiting.clear()
        return messages
