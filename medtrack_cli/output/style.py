"""Colours, where they are wanted."""

from collections.abc import Mapping

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}


class Style:
    """Wrap text in a colour, or leave it as it is when colours are off."""

    def __init__(self, *, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, name: str) -> str:
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.on else text


def wants_colour(environ: Mapping[str, str], *, no_color: bool) -> bool:
    """Decide by --no-color, NO_COLOR and TERM; the stream must be a terminal as well."""
    return not no_color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
