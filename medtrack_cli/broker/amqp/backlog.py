"""What waits in a tap: since when, and whether it overflows."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import Source
from medtrack_cli.core.ports import Interrupted, Resumed

ASK_SECONDS = 1.0  # between two questions, at least
NEARLY = 0.95  # of the bounds: something may have been dropped already


class Backlog:
    """What was published before `since` has been handled; None: that began before we came.

    The queue's depth is asked once a second while there may be a backlog. If nothing waits, what
    was published before the question is at most on its way, and has arrived before the next answer.
    A queue of others may not be asked about: when twice nothing has come for a moment, nothing
    waits there.
    """

    def __init__(self, *, is_asked: bool = True) -> None:
        self._is_asked = is_asked
        self.since: datetime | None = None
        self.is_there = True
        self._empty_at: datetime | None = None  # asked then, without another answer since
        self._has_moved = False
        self._is_idle = False

    def end(self) -> None:
        """Begin with a queue in which nothing waits."""
        self.since, self.is_there, self._empty_at = datetime.now(UTC), False, None

    def took(self, count: int, waited_from: datetime) -> None:
        """Note a handled batch, even an empty one: nothing had come since then."""
        if count:
            self.is_there = self._has_moved = True
        elif not self.is_there or (self._is_idle and not self._is_asked):
            self.since, self.is_there = waited_from, False
        self._is_idle = not count

    def answered(self, waiting: int, asked_at: datetime) -> None:
        """Note how many messages waited; all batches before the answer are handled."""
        if self._empty_at is not None:
            self.since = self._empty_at
            self.is_there = bool(waiting) or self._has_moved
        self._empty_at, self._has_moved = (None if waiting else asked_at), False

    def restart(self) -> None:
        """Forget earlier answers: what was on its way comes again."""
        self._empty_at, self.is_there, self._is_idle = None, True, False


class Overflow:
    """What is known of a tap's depth. A queue of others isn't checked.

    AMQP tells how many messages wait, not their bytes: these are estimated from those received. The
    oldest of the backlog are dropped.
    """

    def __init__(self, source: Source, backlog: Backlog) -> None:
        self._bounds = source.bounds
        self._backlog = backlog
        self._received = self._bytes = 0
        self._taken = 0  # out of the queue, just before it was asked
        self._asked_at = 0.0
        self._since: datetime | None = None
        self._is_told = False

    def took(self, received: Sequence[Delivery], declared: int) -> Iterator[Interrupted | Resumed]:
        """Count a batch; the first shows how large the `declared` waiting messages may be."""
        is_first = not self._received
        self._received += len(received)
        self._bytes += sum(len(each.body) for each in received)
        if is_first and received and self.may_drop(declared):
            yield from self.look(declared)

    def is_due(self, taken: int) -> bool:
        """Return whether it is time to ask for the depth, after taking a number of messages.

        After the last event, too, while the end of a backlog or an overflow is still to be seen.
        """
        if self._bounds is None or not (taken or self._is_told or self._backlog.is_there):
            return False
        now = time.monotonic()
        if now - self._asked_at < ASK_SECONDS:
            return False
        self._asked_at, self._taken = now, taken
        return True

    def may_drop(self, waiting: int) -> bool:
        """Return whether a number of messages may fill the queue."""
        if self._bounds is None:
            return False
        size = waiting * self._bytes / self._received if self._received else 0
        return waiting >= NEARLY * self._bounds.messages or size >= NEARLY * self._bounds.size

    def answered(self, waiting: int) -> Iterator[Interrupted | Resumed]:
        """Note how many wait; those that had left before the question come on top."""
        waiting, self._taken = waiting + self._taken, 0
        yield from self.look(waiting)

    def look(self, waiting: int) -> Iterator[Interrupted | Resumed]:
        """Report when events began to be dropped, and when there was room again."""
        if self.may_drop(waiting):
            if not self._is_told:
                self._is_told, self._since = True, self._backlog.since
                reason = f"the tap is full ({waiting:,} events wait): the broker drops the oldest"
                yield Interrupted(self._since, reason)
        elif self._is_told:
            self._is_told = False
            yield Resumed(self._since, datetime.now(UTC), may_have_missed=True)

    def end(self) -> None:
        """Begin with another queue."""
        self._is_told, self._taken = False, 0
