"""Whether a tap overflows: the broker drops its oldest events then, and tells nobody."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from medtrack_cli.broker.topology import bounds
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Interrupted, Resumed, Source, Tap

ASK_SECONDS = 1.0  # between two questions, at least
NEARLY = 0.95  # of the bounds: something may have been dropped already


class Overflow:
    """What is known of a tap's depth. A queue of others' is none of our business.

    AMQP tells how many messages wait, not their bytes: these are estimated by those received.
    """

    def __init__(self, source: Source) -> None:
        self._bounds = bounds(source) if isinstance(source, Tap) else None
        self._received = self._bytes = 0
        self._asked_at = 0.0
        self._fine_at = datetime.now(UTC)
        self._since: datetime | None = None

    def is_due(self, received: Sequence[Delivery]) -> bool:
        """Count what was received; tell whether it is time to ask for the depth.

        After the last event, too, while the end of an overflow is still to be told.
        """
        if self._bounds is None or not (received or self._since):
            return False
        self._received += len(received)
        self._bytes += sum(len(each.body) for each in received)
        now = time.monotonic()
        if now - self._asked_at < ASK_SECONDS:
            return False
        self._asked_at = now
        return True

    def may_drop(self, waiting: int) -> bool:
        """Tell whether so many messages may be all that there is room for."""
        if self._bounds is None:
            return False
        size = waiting * self._bytes / self._received if self._received else 0
        return waiting >= NEARLY * self._bounds.messages or size >= NEARLY * self._bounds.size

    def look(self, waiting: int) -> Iterator[Interrupted | Resumed]:
        """Say when events began to be dropped, and when there was room again."""
        now = datetime.now(UTC)
        if self.may_drop(waiting):
            if self._since is None:
                self._since = self._fine_at
                reason = f"the tap is full ({waiting:,} events wait): the broker drops the oldest"
                yield Interrupted(self._since, reason)
            return
        self._fine_at = now
        if self._since is not None:
            yield Resumed(self._since, now, may_have_missed=True)
            self._since = None
