"""The interface between what is shown and the printers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.marks import Marks
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.style import Style
from medtrack_cli.output.wrapping import kept, wrapped

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


class Shown(Protocol):
    """A value that a command shows to people and to programs."""

    @property
    def is_data(self) -> bool:
        """Whether it belongs on stdout; all else is shown on stderr."""
        ...

    def records(self) -> Iterable[Record]:
        """Give it as objects for programs."""
        ...

    def lines(self, sheet: Sheet) -> Iterable[str]:
        """Give it as lines for people; foreign text is made safe, personal values are masked."""
        ...


class Page(NamedTuple):
    """One thing in detail: text for people, an object for programs."""

    kind: Kind
    record: Mapping[str, Any]
    text: str
    is_data: bool = True
    commands: Sequence[str] = ()  # lines to be copied are never broken

    def records(self) -> Iterable[Record]:
        yield {"kind": self.kind, **self.record}

    def lines(self, sheet: Sheet) -> Iterable[str]:
        yield from sheet.text(self.text)
        yield from map(safe_text, self.commands)
