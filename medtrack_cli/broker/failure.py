"""How a connection or channel ended."""

from collections.abc import Callable
from typing import NamedTuple

from medtrack_cli.broker.asking import within
from medtrack_cli.core.messages import Message
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import MedtrackError

LOOK_SECONDS = 1.0  # an error waits no longer for better words

Look = Callable[[float], "Failure"]
"""A closer look by way of the network, for so many seconds."""


class Failure(NamedTuple):
    """A connection or channel that ended: why, and whether trying again can help.

    `refuses`: it is the broker's answer to what was asked on the channel last. `of_host`: what
    can't heal is this host's own fault, and another may do. `of_protocol`: what came is nothing
    that we take, on no connection. `key`, `size`: what the broker says of the message it refuses,
    its routing key or the bytes of its body. `code` is the broker's own, where it closed the
    connection or the channel. `look` has better words. `is_cut_short`: nothing failed yet, but our
    own time was up.
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
        """Look once more, where that can help; on the thread of whoever reports it.

        Unless there is an answer in time, it stays as it is.
        """
        if self.look is None:
            return self
        look = self.look
        try:
            return within(seconds, lambda: look(seconds), stop)
        except TimeoutError:
            return self
