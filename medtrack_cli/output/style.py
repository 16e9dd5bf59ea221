"""Colours, where they are wanted, and the signs that show a meaning without them."""

from collections.abc import Mapping
from typing import NamedTuple, TextIO

from medtrack_cli.core.choices import Colour

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}


class Style:
    """Wraps text in a colour, or leaves it as it is when colours are off."""

    def __init__(self, *, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, name: str) -> str:
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.on else text


def wants_colour(stream: TextIO, environ: Mapping[str, str], asked: Colour = Colour.AUTO) -> bool:
    """Decide by --color, NO_COLOR, FORCE_COLOR, TERM and the stream; the first one set decides."""
    if asked is not Colour.AUTO:
        return asked is Colour.ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


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
