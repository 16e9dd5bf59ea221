"""What --help prints."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from medtrack_cli.output.shown.shown import Sheet

MOST_COLUMNS = 100
"""Longer lines are hard to read, however wide the terminal is."""

MOST_OF_NAMES = 33
"""Columns; a longer name has a line of its own."""


class Section(NamedTuple):
    """A heading, and rows of a name and its meaning; a row without a name is a paragraph."""

    title: str
    rows: Sequence[tuple[str, str]]


class HelpPage(NamedTuple):
    """The help of a command or a group. Sections of the same part are aligned with each other."""

    summary: str
    examples: Sequence[str]
    usage: str
    text: Sequence[str]
    parts: Sequence[Sequence[Section]]
    for_newcomers: str = ""

    def lines(self, sheet: Sheet) -> Iterator[str]:
        """Give the page's lines. Lines of examples stay whole, so that they can be copied."""
        width, style = min(sheet.width, MOST_COLUMNS), sheet.style
        yield from _wrapped(self.summary, width)
        yield ""
        yield style("Examples:", "bold")
        yield from (f"  {example}" for example in self.examples)
        if self.for_newcomers:
            yield ""
            yield self.for_newcomers
        yield ""
        first, *rest = _wrapped(f"Usage: {self.usage}", width)
        yield first.replace("Usage:", style("Usage:", "bold"))
        yield from rest
        for paragraph in self.text:
            yield ""
            yield from _wrapped(paragraph, width)
        for part in self.parts:
            widest = max((len(name) for each in part for name, _ in each.rows), default=0)
            column = min(widest + 4, MOST_OF_NAMES)
            for section in part:
                yield ""
                yield style(f"{section.title}:", "bold")
                for row in section.rows:
                    yield from _row(*row, column, width)


def _row(name: str, text: str, column: int, width: int) -> Iterator[str]:
    """Write a name with its meaning beside it, or below it where there is too little room."""
    if not name:
        yield from _wrapped(text, width, "  ")
        return
    is_narrow = column * 2 > width
    lines = _wrapped(text, width, " " * (8 if is_narrow else column))
    if is_narrow or len(name) + 4 > column:
        yield f"  {name}"
    else:
        lines[0] = f"  {name:{column - 2}}{lines[0].lstrip()}"
    yield from lines


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Break a text into lines between words, never within one."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
