"""What is in flight on one channel in confirm mode."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.messages import Message, Outcome

# A full queue nacks for all: other queues bound to the same key have their copy.
NACKED = (
    "a queue refused it (nack): is one full, or failing over to another node? "
    "other queues may have it"
)

NOBODY = "no queue is bound to this routing key"
NO_QUEUE = "there is no queue of this name"


class Settled(NamedTuple):
    """The broker's answer to one message."""

    message: Message
    outcome: Outcome
    reason: str


class Confirms:
    """The messages sent on one channel and not yet answered, by delivery tag.

    Tags start at 1 and grow by one with each `sent`. Answers may come out of order and for many
    tags at once. A return comes before its confirm and has no tag, so it is matched by message id
    and routing key; two messages that share both were routed alike.
    """

    def __init__(self) -> None:
        self._in_flight: OrderedDict[int, Message] = OrderedDict()
        self._returned: Counter[tuple[str, str]] = Counter()
        self._last_tag = 0
        self.bytes_in_flight = 0
        self.answered = 0

    def __len__(self) -> int:
        return len(self._in_flight)

    def sent(self, message: Message) -> None:
        """Note a message as written to the channel, in the order of writing."""
        self._last_tag += 1
        self._in_flight[self._last_tag] = message
        self.bytes_in_flight += len(message.body)

    def returned(self, message_id: str, routing_key: str) -> None:
        """Note that the broker has handed a message back; its confirm follows."""
        self._returned[message_id, routing_key] += 1

    def acked(self, tag: int, *, multiple: bool) -> Iterator[Settled]:
        """Settle one tag or all up to it; tags not in flight are ignored."""
        for message in self._take(tag, multiple=multiple):
            key = (message.message_id, message.routing_key)
            if self._returned and key in self._returned:
                self._returned[key] -= 1
                if not self._returned[key]:
                    del self._returned[key]
                reason = NO_QUEUE if message.is_to_queue else NOBODY
                yield Settled(message, Outcome.UNROUTABLE, reason)
            else:
                yield Settled(message, Outcome.CONFIRMED, "")

    def nacked(self, tag: int, *, multiple: bool) -> Iterator[Settled]:
        """Settle one tag or all up to it as refused."""
        for message in self._take(tag, multiple=multiple):
            yield Settled(message, Outcome.REFUSED, NACKED)

    def unanswered(self) -> list[Message]:
        """Forget and return what is still in flight, in the order it was sent."""
        messages = list(self._in_flight.values())
        self._in_flight.clear()
        self.bytes_in_flight = 0
        return messages

    def _take(self, tag: int, *, multiple: bool) -> Iterator[Message]:
        if not multiple:
            message = self._in_flight.pop(tag, None)
            if message is not None:
                yield self._settle(message)
            return
        while self._in_flight and next(iter(self._in_flight)) <= tag:
            yield self._settle(self._in_flight.popitem(last=False)[1])

    def _settle(self, message: Message) -> Message:
        self.bytes_in_flight -= len(message.body)
        self.answered += 1
        return message
