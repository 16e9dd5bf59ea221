"""What a run shows, in an order that can be relied on: each reaction after its event."""

from collections import Counter, deque
from typing import NamedTuple

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.ports import Clock
from medtrack_cli.core.simulating.expectations import Expectations
from medtrack_cli.core.simulating.patterns import Seen
from medtrack_cli.core.simulating.reactions import Handled, Result
from medtrack_cli.core.simulating.simulate import cause_of

PATIENCE_SECONDS = 2.0
"""How long a reaction waits for its event, which the tap doesn't get if it was there before."""


class _Held(NamedTuple):
    since: float
    handled: Handled


class Observer:
    """Tells expectations of events, as a tap receives them, and of reactions.

    A service has its events by another queue than the tap, so that it may have one first.
    """

    def __init__(self, expected: Expectations, clock: Clock) -> None:
        self.expected = expected
        self._clock = clock
        self._began = clock.monotonic()
        self._published = Counter[str]()
        self._from_queue = Counter[str]()
        self._held: deque[_Held] = deque()

    def begin(self) -> None:
        """Count the time from here on."""
        self._began = self._clock.monotonic()

    @property
    def seconds(self) -> float:
        return self._clock.monotonic() - self._began

    def published(self, event: CheckedDelivery) -> None:
        """Take an event off the tap, and the reactions that waited for it."""
        cause = cause_of(event.delivery)
        if self._from_queue[cause] > 0:
            self._from_queue[cause] -= 1  # counted already, when its reaction could wait no longer
            return
        self._see(cause, event)
        for each in [each for each in self._held if each.handled.cause == cause]:
            self._held.remove(each)
            self._take(each.handled)

    def handled(self, handled: Handled) -> None:
        """Take what a service did; an effect counts only when it is new."""
        if handled.result is Result.FAILED:
            return
        if self._published[handled.cause]:
            self._take(handled)
        else:
            self._held.append(_Held(self._clock.monotonic(), handled))

    def release(self, *, is_over: bool = False) -> None:
        """Take the reactions whose event the tap didn't receive, each event first.

        It waited in a service's queue from before.
        """
        long_ago = self._clock.monotonic() - PATIENCE_SECONDS
        while self._held and (is_over or self._held[0].since < long_ago):
            handled = self._held.popleft().handled
            if not self._published[handled.cause]:
                self._from_queue[handled.cause] += 1
                self._see(handled.cause, handled.event)
            self._take(handled)

    def _see(self, cause: str, event: CheckedDelivery) -> None:
        self._published[cause] += 1
        self.expected.take(Seen(self.seconds, event))

    def _take(self, handled: Handled) -> None:
        if handled.result is Result.DONE and handled.reaction is not None:
            self.expected.take(Seen(self.seconds, handled.event, handled.reaction.id))
