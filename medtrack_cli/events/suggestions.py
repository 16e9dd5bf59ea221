"""The nearest known word to an unknown one."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

LONGEST = 256
"""Characters of the longest word compared: a longer one is no typo."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the nearest known word, if any is near; a difference only in case is the nearest."""
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(word.casefold(), folded, n=1) if len(word) <= LONGEST else []
    return folded[near[0]] if near else None


def payload_of(value: object, known: Mapping[str, Collection[str]]) -> str | None:
    """Name the type whose fields a bare payload has, if it is nearest to only one.

    `known` has the names of each type's fields.
    """
    keys = value.keys() if isinstance(value, dict) else set()
    ranked = sorted(
        (-len(keys & {*fields}), len(keys ^ {*fields}), name) for name, fields in known.items()
    )
    alike = [each for each in ranked[:1] if -2 * each[0] > len(keys)]
    return alike[0][2] if alike and [each[:2] for each in ranked].count(alike[0][:2]) == 1 else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, those that contain it, or nothing."""
    known = list(known)
    inside = [each for each in known if "." in each and word.casefold() in each.split(".")]
    if inside:
        return f"did you mean {' or '.join(inside[:4])}?"
    near = nearest(word, known)
    return f"did you mean {near}?" if near else ""
