"""Sentences broken between words, so that they fit a terminal."""

import re
from collections.abc import Iterator

_WORD = re.compile(r"[^\s`]*`[^`]*`\S*|\S+")
"""A word; what stands between backticks is typed as it is, and so it is one."""


def wrapped(text: str, width: int | None, first: str = "", indent: str = "") -> Iterator[str]:
    """Break a text that was made safe into lines of a width in columns; None: one line.

    `first` begins the first line, `indent` the others. A word that is too long has a line alone.
    """
    line = first
    for word in [text] if width is None else _WORD.findall(text):
        if line in {first, indent}:
            line += word
        elif columns(line) + 1 + columns(word) <= (width or 0):
            line += f" {word}"
        else:
            yield line
            line = indent + word
    yield line


def cut_left(text: str, width: int | None, mark: str = "…") -> str:
    """Leave out the beginning of a path that is longer than a width in columns."""
    if width is None or columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[1:]
    return f"{mark}{text}"


def cut_right(text: str, width: int, mark: str = "…") -> str:
    """Leave out the end of a name that is longer than a width in columns."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}{mark}"


def columns(text: str) -> int:
    """Count the columns that a terminal gives a text."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
