"""Sentences broken between words, so that they fit a terminal."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

_WORD = re.compile(r"[^\s`]*`[^`]*`\S*|\S+")
"""A word; what stands between backticks is typed as it is, and so counts as one."""


def wrapped(text: str, width: int | None, first: str = "", indent: str = "") -> Iterator[str]:
    """Break a safe text into lines of a width in columns; None: one line.

    `first` begins the first line, `indent` the others. A word that is too long gets a line of its
    own.
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


def kept(text: str, width: int | None) -> Iterator[str]:
    """Keep a line that fits, else break it between words with the same indent."""
    if width is None or columns(text) <= width:
        yield text
        return
    indent = text[: len(text) - len(text.lstrip())]
    yield from wrapped(text.strip(), width, indent, f"{indent}  ")


def aligned(
    rows: Sequence[Sequence[str]],
    width: int | None,
    indent: str = "",
    whole: Sequence[bool] = (),
) -> Iterator[list[str]]:
    """Give each row's lines: cells are aligned in columns and broken between words.

    Cells of columns that are `whole` are not broken. Where not even the longest words of all
    others fit beside them, a row's cells follow one another; a word that fits in no line gets one
    of its own, so that it can be copied.
    """
    room = None if width is None else width - len(indent)
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    least = [max(map(longest_word, column)) for column in zip(*rows, strict=True)]
    gaps = 2 * (len(widths) - 1)
    for at, is_whole in enumerate(whole):
        least[at] = widths[at] if is_whole else least[at]
    if room is not None and sum(least) + gaps > room:
        for row in rows:
            yield list(wrapped(" ".join(row), width, indent, f"{indent}  "))
        return
    while room is not None and sum(widths) + gaps > room:
        _, widest = max((have, at) for at, have in enumerate(widths) if have > least[at])
        widths[widest] -= 1
    for row in rows:
        cells = [
            [cell] if columns(cell) <= width else list(wrapped(cell, width))
            for cell, width in zip(row, widths, strict=True)
        ]
        yield [
            (indent + "  ".join(map(_padded, line, widths))).rstrip()
            for line in zip_longest(*cells, fillvalue="")
        ]


def longest_word(text: str) -> int:
    """Count the columns of a text's longest word."""
    return max(map(columns, _WORD.findall(text)), default=0)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


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
    """Count the columns a terminal uses for a text."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
