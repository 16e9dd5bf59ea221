"""The form of an explanation."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """A code in words: what it means, why it occurs, and what to do about it.

    A rule has a part of an event that breaks it and one that keeps it; an exit code has a command
    that ends with it.
    """

    summary: str
    why: str
    do: str
    wrong: str = ""
    right: str = ""
    example: str = ""
