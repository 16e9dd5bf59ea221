"""The signs that show a meaning without colour, as far as a terminal's encoding has them."""

from typing import NamedTuple


class Marks(NamedTuple):
    """One sign for each meaning; all are one column wide, except the arrow keys."""

    valid: str
    doubtful: str  # valid, with a warning
    invalid: str
    steady: str
    waiting: str
    paused: str
    rule: str
    ellipsis: str
    cursor: str  # before what is selected
    bars: str  # from nothing to the most
    arrows: str
    up: str  # more than before
    down: str


FULL = Marks("✓", "!", "✗", "●", "○", "‖", "─", "…", "▸", " ▁▂▃▄▅▆▇█", "↑↓", "▲", "▼")
ASCII = Marks("+", "!", "x", "*", "o", "=", "-", "~", ">", " .:-=+*#@", "up/down", "+", "-")


def marks_for(encoding: str | None) -> Marks:
    """Choose the marks that an encoding has."""
    try:
        "".join(FULL).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return FULL
