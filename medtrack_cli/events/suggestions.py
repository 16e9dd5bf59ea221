"""The nearest known word to one that isn't known."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 256
"""Characters of a word that is worth comparing: a longer one is no slip of the finger."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the nearest known word, if any is near; an upper-case letter is as near as can be."""
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(word.casefold(), folded, n=1) if len(word) <= LONGEST else []
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or nothing."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near else ""
