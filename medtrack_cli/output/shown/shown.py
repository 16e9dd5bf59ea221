"""The interface between what is shown and the printers."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import Marks, Style
from medtrack_cli.output.wrapping import aligned, columns, kept, longest_word, wrapped

Record = dict[str, Any]
"""A JSON object, its `kind` first."""


class Sheet(NamedTuple):
    """What lines for people are written on. `quiet`: only what can't be left out.

    `width` is in columns. Lines that are too long for a terminal are broken or cut; the width of a
    file or a pipe is unknown, so nothing is cut there.
    """

    width: int
    marks: Marks
    style: Style
    quiet: bool = False
    verbose: int = 0
    is_terminal: bool = False
    shorten: Callable[[str], str] = str  # shortens an id

    @property
    def room(self) -> int | None:
        """The width that lines must keep; None: any."""
        return self.width if self.is_terminal else None

    def sentence(self, text: str, colour: str = "", label: str = "") -> Iterator[str]:
        """Make a text safe, and break it between words; the label's colour is used, if it has one.

        Lines after the first are indented.
        """
        start = f"{label} " if label else ""
        first, *others = wrapped(safe_text(text), self.room, start, "  ")
        if label:
            yield self.style(label, colour) + first.removeprefix(label)
            yield from others
        else:
            for line in (first, *others):
                yield self.style(line, colour) if colour else line

    def text(self, text: str) -> Iterator[str]:
        """Make a text safe, line by line; only lines that don't fit are broken."""
        for line in text.split("\n"):
            yield from kept(safe_text(line), self.room)

    def aligned(self, rows: Sequence[Sequence[str]], indent: str = "") -> Iterator[str]:
        """Align cells in columns, broken between words where a line would be too long."""
        return chain.from_iterable(aligned(rows, self.room, indent))

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[str]],
        left_out_first: Sequence[str] = (),
        broken: Container[str] | None = None,
        *,
        heading: bool = True,
    ) -> Iterator[str]:
        """Align columns below their titles; where a terminal lacks room, leave some out.

        Only `broken` columns may be broken between words; None: all.
        """
        cells = dict(zip(titles, zip(titles, *rows, strict=True), strict=True))
        whole = {name: broken is not None and name not in broken for name in titles}
        for name in left_out_first:
            least = (
                max(map(columns if whole[each] else longest_word, cells[each])) for each in cells
            )
            if self.room is None or sum(least) + 2 * len(cells) - 2 <= self.room:
                break
            del cells[name]
        shown = list(zip(*cells.values(), strict=True))
        first, *lines = aligned(shown, self.room, whole=[whole[each] for each in cells])
        if heading:
            yield from (self.style(line, "dim") for line in first)
        yield from chain.from_iterable(lines)


class Shown(Protocol):
    """A value that a command shows to people and to programs."""

    def records(self) -> Iterable[Record]:
        """Give it as objects for programs."""

    def lines(self, sheet: Sheet) -> Iterable[str]:
        """Give it as lines for people; foreign text is made safe, personal values are masked."""


class Page(NamedTuple):
    """One thing in detail: text for people, an object for programs."""

    kind: Kind
    record: Mapping[str, Any]
    text: str
    commands: Sequence[str] = ()  # lines to be copied are never broken

    def records(self) -> Iterable[Record]:
        yield {"kind": self.kind, **self.record}

    def lines(self, sheet: Sheet) -> Iterable[str]:
        yield from sheet.text(self.text)
        yield from map(safe_text, self.commands)


class Rows(NamedTuple):
    """A table: one object a row for programs."""

    kind: Kind
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]

    def records(self) -> Iterable[Record]:
        return (
            {"kind": self.kind, **dict(zip(self.columns, each, strict=True))} for each in self.rows
        )

    def lines(self, sheet: Sheet) -> Iterable[str]:
        titles = [column.replace("_", " ") for column in self.columns]
        return sheet.table(titles, (list(map(_cell, row)) for row in self.rows))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return "" if value is None else safe_text(str(value))


def picked(value: object, *names: str) -> Record:
    """Give some of a value's fields by their names."""
    return {name: getattr(value, name) for name in names}
