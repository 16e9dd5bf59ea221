"""The publisher's loop, whatever the transport: read ahead, wait, account for all."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import Any

from medtrack_cli.broker.patience import DRAIN_SECONDS, regain_seconds
from medtrack_cli.broker.read_ahead import Feed
from medtrack_cli.broker.retries import Retries
from medtrack_cli.broker.suspects import Suspects
from medtrack_cli.broker.verdicts import Verdicts
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Note, PublishPolicy, Stop
from medtrack_cli.core.publishing.confirms import NACKED
from medtrack_cli.core.publishing.deliver import why
from medtrack_cli.errors import MedtrackError

Source = Feed[Message | Receipt]


class PublishLoop(ABC):
    """`publish` of the port. All state belongs to the thread that calls it.

    Other threads put events into `_inbox`; None only wakes the loop.
    """

    def __init__(
        self, settings: ConnectionSettings, policy: PublishPolicy, note: Note, stop: Stop
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._window = policy.window
        self._note = note
        self._stop = stop
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._again: deque[Message] = deque()  # read, to be sent again before anything new
        self._nacked = Retries(regain_seconds(policy))
        self._suspects = Suspects()
        self._verdicts = Verdicts()
        stop.listen(self._wake)

    @property
    @abstractmethod
    def in_flight(self) -> int:
        """How many messages wait for the broker's answer."""

    @property
    @abstractmethod
    def deadline(self) -> float:
        """When the run's time is over, on the monotonic clock."""

    @abstractmethod
    def _send(self, feed: Source) -> None:
        """Send what the window has room for: first retries, then new input."""

    @abstractmethod
    def _wait(self) -> None:
        """Wait until something happens, at most a tenth of a second, and handle all of it."""

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
        policy = self._policy
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
                if self._stop.is_requested:
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
