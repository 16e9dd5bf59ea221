"""How a connection or channel ended."""

from typing import NamedTuple

from medtrack_cli.errors import MedtrackError


class Failure(NamedTuple):
    """A connection or channel that ended: why, and whether trying again can help.

    `refuses`: it is the broker's answer to what was asked on the channel last. `of_host`: what
    can't heal is this host's own fault, and another may do.
    """

    error: MedtrackError
    heals: bool
    refuses: bool = False
    of_host: bool = False
