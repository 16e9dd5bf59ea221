"""The publisher's loop, whatever the transport: read ahead, wait, account for all."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from medtrack_cli.broker.failure import Failure, Suspects, is_suspicious
from medtrack_cli.broker.patience import DRAIN_SECONDS, arriving, regain_seconds
from medtrack_cli.broker.read_ahead import Feed
from medtrack_cli.broker.retries import Retries
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Note, PublishPolicy, Stop
from medtrack_cli.core.publishing.confirms import NACKED
from medtrack_cli.core.publishing.job import why
from medtrack_cli.errors import MedtrackError

Source = Feed[Message | Receipt]


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
        """Refuse the message for which the broker closes; copies lost like that leave no doubt."""
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


@dataclass
class PublishLoop(ABC):
    """`publish` of the port. All state belongs to the thread that calls it.

    Other threads put events into `_inbox`; None only wakes the loop.
    """

    settings: ConnectionSettings
    policy: PublishPolicy
    note: Note
    stop: Stop
    deadline: float = float("inf")  # of the run, on the monotonic clock
    _inbox: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    _again: deque[Message] = field(default_factory=deque)  # to be sent before anything new
    _suspects: Suspects = field(default_factory=Suspects)
    _verdicts: Verdicts = field(default_factory=Verdicts)

    def __post_init__(self) -> None:
        self._window = self.policy.window
        self._nacked = Retries(regain_seconds(self.policy))
        self.stop.listen(self._wake)

    @property
    @abstractmethod
    def in_flight(self) -> int:
        """How many messages wait for the broker's answer."""

    @abstractmethod
    def _send(self, feed: Source) -> None:
        """Send what the window has room for: first retries, then new input."""

    @abstractmethod
    def _handle(self, happening: Any) -> None:  # noqa: ANN401 -- what is put into the inbox
        """Handle what has happened."""

    @abstractmethod
    def _check_clocks(self) -> None:
        """Do what is due; raise when the run's time is over."""

    @abstractmethod
    def _sent(self) -> list[Message]:
        """Give what was sent without an answer, which can't come any more."""

    def _line_stands(self) -> bool:
        """Whether an answer can still come."""
        return True

    def publish(self, source: Iterable[Message | Receipt]) -> Iterator[Receipt]:
        """Yield each message's receipt as it is known. See the port for what it promises."""
        policy = self.policy
        feed = Feed(
            source,
            limit=policy.read_ahead or self._window * 2,
            weigh=size,
            most=policy.window_bytes,
            wake=self._wake,
        )
        try:
            while True:
                self._send(feed)  # before anything is printed: the broker should never idle
                yield from self._verdicts.hand_out()
                if feed.exhausted and not (self.in_flight or self._again or self._nacked.count):
                    break
                self._wait()
                self._check_clocks()
                if self.stop.is_requested:
                    yield from self._drain(feed)
                    return
        except Exception as error:  # noqa: BLE001 -- raised when all is accounted for
            first = feed.error or error
            yield from self._abandon(feed, error)
            raise first from None
        finally:
            feed.stop()
        if feed.error is not None:
            raise feed.error

    def _wake(self) -> None:
        self._inbox.put(None)

    def _wait(self) -> None:
        for happening in arriving(self._inbox):
            self._handle(happening)

    def _next_again(self) -> Message | None:
        # What was sent goes first: what a queue refused, or was held back, follows within its key.
        return self._again.popleft() if self._again else self._nacked.next_due()

    def _drain(self, feed: Source) -> Iterator[Receipt]:
        """After a requested stop: wait a little for what is in flight, then account for all.

        Nothing more is read, and on a dead line nothing is waited for.
        """
        until = min(time.monotonic() + DRAIN_SECONDS, self.deadline)
        self._line_stands()
        feed.stop()
        try:
            while self.in_flight and time.monotonic() < until and self._line_stands():
                self._wait()
                yield from self._verdicts.hand_out()
        except MedtrackError:
            pass  # a lost connection only makes what is in flight unknown
        yield from self._abandon(feed, None)

    def _abandon(self, feed: Source, error: Exception | None) -> Iterator[Receipt]:
        """Give every message read a receipt; what was once sent is unknown, the rest unsent."""
        yield from self._verdicts.hand_out()
        reason = why(error) if error else "stopped before the broker answered"
        unsent = why(error) if error else "stopped before its turn"
        for message in sorted(self._sent(), key=lambda each: each.position):
            yield message.receipt(Outcome.UNKNOWN, reason)
        lost = [(each, self._nacked.was_refused(each)) for each in self._again]
        self._again.clear()
        for message, was_refused in (*lost, *self._nacked.take_all()):
            verdict = (Outcome.REFUSED, NACKED) if was_refused else (Outcome.UNSENT, unsent)
            yield self._verdicts.of(message, *verdict)
        feed.stop()
        while (item := feed.take()) is not None:
            yield item if isinstance(item, Receipt) else item.receipt(Outcome.UNSENT, unsent)


def size(item: Message | Receipt) -> int:
    """Return how many bytes it uses in memory."""
    return len(item.body) if isinstance(item, Message) else 0
