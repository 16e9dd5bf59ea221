"""The signs that say a thing without a colour, in what a terminal's encoding has."""

from typing import NamedTuple


class Marks(NamedTuple):
    """One sign for each thing; all are one column wide."""

    valid: str
    doubtful: str  # valid, with a warning
    invalid: str
    steady: str
    waiting: str
    paused: str
    rule: str
    ellipsis: str
    bars: str  # from nothing to the most


FULL = Marks("✓", "!", "✗", "●", "○", "‖", "─", "…", " ▁▂▃▄▅▆▇█")
ASCII = Marks("+", "!", "x", "*", "o", "=", "-", "~", " .:-=+*#@")


def marks_for(encoding: str | None) -> Marks:
    """Choose the marks that an encoding can write."""
    try:
        "".join(FULL).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return FULL
