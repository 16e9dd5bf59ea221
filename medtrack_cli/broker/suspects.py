"""Find the message for which the broker closes each connection, so that the others can be sent."""

from collections.abc import Sequence

from medtrack_cli.broker.failure import Failure
from medtrack_cli.core.messages import Message

FORCED = 320  # an operator, or a broker that shuts down: no message's fault
OF_THE_RUN = frozenset({403, 404})  # a permission, an exchange: the next message would fail as well
MOST_IN_A_ROW = 10  # refused with one code: it isn't about the message


class Suspects:
    """What was in flight when the broker closed with a code, until it is answered.

    If it happens a second time with one of them in flight, messages are sent one at a time: the one
    that is alone in flight when it happens again is the cause.
    """

    def __init__(self) -> None:
        self._positions: set[int] = set()
        self._code: int | None = None
        self._in_a_row = 0
        self.is_careful = False  # send one at a time

    def blame(self, failure: Failure, in_flight: Sequence[Message]) -> Message | None:
        """Note a loss, and return the message that caused it, once that is certain."""
        if not (failure.refuses or is_suspicious(failure)):
            return None
        positions = {message.position for message in in_flight}
        blamed = [message for message in in_flight if failure.is_about(message)]
        if len(in_flight) == 1 and (failure.refuses or positions <= self._positions):
            blamed = [in_flight[0]]
        if len(blamed) != 1:
            self.is_careful = not positions.isdisjoint(self._positions)
            self._positions = positions
            return None
        self._positions, self.is_careful = set(), False
        self._in_a_row = self._in_a_row + 1 if failure.code == self._code else 1
        self._code = failure.code
        return blamed[0]

    @property
    def are_too_many(self) -> bool:
        """Whether so many in a row seemed the cause that none was."""
        return self._in_a_row >= MOST_IN_A_ROW

    def answered(self, message: Message) -> None:
        """Note that the broker has answered a message without closing."""
        self._in_a_row = 0
        if self._positions:
            self._positions.discard(message.position)
            self.is_careful = self.is_careful and bool(self._positions)


def is_suspicious(failure: Failure) -> bool:
    """Return whether the broker's code for closing is of the kind that a message can cause."""
    return failure.code is not None and failure.code not in {FORCED, *OF_THE_RUN}
