"""How a connection or channel ended."""

from typing import NamedTuple

from medtrack_cli.core.messages import Message
from medtrack_cli.errors import MedtrackError


class Failure(NamedTuple):
    """A connection or channel that ended: why, and whether trying again can help.

    `refuses`: it is the broker's answer to what was asked on the channel last. `of_host`: what
    can't heal is this host's own fault, and another may do. `of_protocol`: what came is nothing
    that we take, on no connection. `key`, `size`: what the broker says of the message it refuses,
    its routing key or the bytes of its body. `code` is the broker's own, where it closed the
    connection or the channel.
    """

    error: MedtrackError
    heals: bool
    refuses: bool = False
    of_host: bool = False
    of_protocol: bool = False
    key: str | None = None
    size: int | None = None
    code: int | None = None

    def is_about(self, message: Message) -> bool:
        """Tell whether a refusal may be about this message."""
        return message.routing_key == self.key or len(message.body) == self.size
