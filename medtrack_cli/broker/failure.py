"""How a connection or channel ended."""

from collections.abc import Callable
from typing import NamedTuple

from medtrack_cli.broker.asking import within
from medtrack_cli.core.messages import Message
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import MedtrackError

LOOK_SECONDS = 1.0  # an error waits no longer for a better explanation

Look = Callable[[float], "Failure"]
"""A closer look by the network, for a number of seconds."""


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
        """Look more closely, if that can help; on the thread that reports it.

        Without an answer in time it stays as it is.
        """
        if self.look is None:
            return self
        look = self.look
        try:
            return within(seconds, lambda: look(seconds), stop)
        except TimeoutError:
            return self
