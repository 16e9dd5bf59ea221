"""How a connection or channel ended, and which message is the cause."""

import errno
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from medtrack_cli.broker.patience import within
from medtrack_cli.core.messages import Message
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import MedtrackError

LOOK_SECONDS = 1.0  # an error waits no longer for a better explanation

Look = Callable[[float], "Failure"]
"""A closer look by the network, for a number of seconds."""

NO_MEMORY = "this machine or its limits leave no memory: end something, or raise `ulimit -v`"
# What this machine may have run out of when a connection or a file fails, and the next step.
SHORTAGES = {
    errno.EMFILE: "this process may open no more files: `ulimit -n` tells and raises the limit",
    errno.ENFILE: "this machine may open no more files: end something, or raise fs.file-max",
    errno.ENOMEM: NO_MEMORY,
    errno.ENOBUFS: NO_MEMORY,
}
FORCED = 320  # an operator, or a broker that shuts down: no message's fault
OF_THE_RUN = frozenset({403, 404})  # a permission, an exchange: the next message would fail as well
MOST_IN_A_ROW = 10  # refused with one code: it isn't about the message


class Failure(NamedTuple):
    """Why a connection or channel ended, and whether trying again can help.

    `refuses`: it is the broker's answer to the last request on the channel. `of_host`: the
    permanent fault is this host's alone, and another may work. `of_protocol`: we can't accept what
    came, on any connection. `key`, `size`: the refused message's routing key or the bytes of its
    body, by the broker. `code` is the broker's own, if it closed the connection or the channel.
    `look` finds a better explanation. `is_cut_short`: nothing has failed yet, but our own time was
    up.
    """

    error: MedtrackError
    heals: bool
    refuses: bool = False
    of_host: bool = False
    of_protocol: bool = False
    key: str | None = None
    size: int | None = None
    code: int | None = None
    look: Look | None = None
    is_cut_short: bool = False

    def is_about(self, message: Message) -> bool:
        """Return whether a refusal may be about this message."""
        return message.routing_key == self.key or len(message.body) == self.size

    def looked_at(self, stop: Stop, seconds: float = LOOK_SECONDS) -> "Failure":
        """Look more closely, on the thread that reports it; unchanged without an answer in time."""
        if self.look is None:
            return self
        look = self.look
        try:
            return within(seconds, lambda: look(seconds), stop)
        except TimeoutError:
            return self


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
        """Whether so many in a row were blamed that none can be the cause."""
        return self._in_a_row >= MOST_IN_A_ROW

    def answered(self, messages: Iterable[Message]) -> None:
        """Note that the broker has answered messages without closing."""
        self._in_a_row = 0
        if self._positions:
            self._positions.difference_update(each.position for each in messages)
            self.is_careful = self.is_careful and bool(self._positions)


def is_suspicious(failure: Failure) -> bool:
    """Return whether the broker's code for closing is of the kind that a message can cause."""
    return failure.code is not None and failure.code not in {FORCED, *OF_THE_RUN}
