"""The verdict on each message, until it is handed out."""

from collections import deque
from collections.abc import Iterable, Iterator

from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.suspects import is_suspicious
from medtrack_cli.core.messages import Message, Outcome, Receipt


class Verdicts:
    """Receipts that wait to be handed out, and the messages whose answers aren't conclusive."""

    def __init__(self) -> None:
        self._known: deque[Receipt] = deque()
        self._doubtful: set[int] = set()  # by position: in flight when a connection was lost

    def __len__(self) -> int:
        return len(self._known)

    def hand_out(self) -> Iterator[Receipt]:
        """Give what is known, and forget it."""
        while self._known:
            yield self._known.popleft()

    def doubt(self, messages: Iterable[Message]) -> None:
        """Note that messages were in flight when a connection was lost."""
        self._doubtful.update(message.position for message in messages)

    def add(self, receipt: Receipt) -> None:
        """Keep a conclusive receipt."""
        self._known.append(receipt)

    def give(self, message: Message, outcome: Outcome, reason: str) -> None:
        """Keep the verdict on a message's last copy."""
        self._known.append(self.of(message, outcome, reason))

    def blame(self, message: Message, failure: Failure) -> None:
        """Refuse the message for which the broker closes.

        Copies lost in the same way leave no doubt.
        """
        reason = failure.error.what
        if not failure.refuses:
            reason += " each time it was sent; other queues may have it"
        if is_suspicious(failure):
            self.add(message.receipt(Outcome.REFUSED, reason))
        else:
            self.give(message, Outcome.REFUSED, reason)

    def of(self, message: Message, outcome: Outcome, reason: str) -> Receipt:
        """Judge a message by its last copy: a refusal says nothing of one sent before."""
        if outcome is not Outcome.CONFIRMED and message.position in self._doubtful:
            reason = f"{reason}, but a copy sent before may have arrived"
            outcome = Outcome.UNKNOWN
        return message.receipt(outcome, reason)
