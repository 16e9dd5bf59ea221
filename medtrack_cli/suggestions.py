"""The nearest known word to an unknown one."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

LONGEST = 256
"""Characters of the longest word compared: a longer one is no typo."""


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """Find the nearest known word, if any is alike by `least` of 1; case hardly counts."""
    return next(iter(_near(word, known, 1, least)), None)


def _near(word: str, known: Iterable[str], most: int, least: float = 0.6) -> list[str]:
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(word.casefold(), folded, most, least) if len(word) <= LONGEST else []
    return [folded[each] for each in near]


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


def did_you_mean(word: str, known: Iterable[str], most: int = 1) -> str:
    """Suggest the nearest known word, those that contain it, or nothing."""
    known = list(known)
    inside = [each for each in known if "." in each and word.casefold() in each.split(".")]
    near = inside[:4] or _near(word, known, most)
    return f"did you mean {' or '.join(near)}?" if near else ""


def nearest_or_all(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest of a few known words, else list them all."""
    known = list(known)
    return did_you_mean(word, known) or f"known: {', '.join(known)}"
