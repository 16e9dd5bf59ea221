"""What is in flight on one channel in confirm mode."""

from collections import Counter, OrderedDict
from itertools import takewhile
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

    def acked(self, tag: int, *, multiple: bool) -> list[Settled]:
        """Settle one tag or all up to it; tags not in flight are ignored."""
        taken = self._take(tag, multiple=multiple)
        if self._returned:
            return [self._acked(each) for each in taken]
        return [Settled(each, Outcome.CONFIRMED, "") for each in taken]

    def nacked(self, tag: int, *, multiple: bool) -> list[Settled]:
        """Settle one tag or all up to it as refused."""
        taken = self._take(tag, multiple=multiple)
        return [Settled(each, Outcome.REFUSED, NACKED) for each in taken]

    def unanswered(self) -> list[Message]:
        """Forget and return what is still in flight, in the order it was sent."""
        messages = list(self._in_flight.values())
        self._in_flight.clear()
        self.bytes_in_flight = 0
        return messages

    def _acked(self, message: Message) -> Settled:
        key = (message.message_id, message.routing_key)
        if key not in self._returned:
            return Settled(message, Outcome.CONFIRMED, "")
        self._returned[key] -= 1
        if not self._returned[key]:
            del self._returned[key]
        reason = NO_QUEUE if message.is_to_queue else NOBODY
        return Settled(message, Outcome.UNROUTABLE, reason)

    def _take(self, tag: int, *, multiple: bool) -> list[Message]:
        if multiple:
            tags = list(takewhile(tag.__ge__, self._in_flight))
        else:
            tags = [tag] if tag in self._in_flight else []
        taken = list(map(self._in_flight.pop, tags))
        self.bytes_in_flight -= sum(len(each.body) for each in taken)
        self.answered += len(taken)
        return taken
