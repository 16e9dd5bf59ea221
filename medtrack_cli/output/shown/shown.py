"""What every thing that is shown offers to the printers."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.marks import Marks
from medtrack_cli.output.style import Style

Record = dict[str, Any]
"""A JSON object, its `kind` first."""


class Sheet(NamedTuple):
    """What lines for people are written on. `quiet`: only what can't be left out."""

    width: int
    marks: Marks
    style: Style
    quiet: bool = False
    verbose: int = 0


class Shown(Protocol):
    """A value that a command has for people and for programs."""

    @property
    def is_data(self) -> bool:
        """Whether it belongs on stdout; all else is told on stderr."""
        ...

    def records(self) -> Iterable[Record]:
        """Give it as objects for programs."""
        ...

    def lines(self, sheet: Sheet) -> Iterable[str]:
        """Give it as lines for people; foreign text is made safe, personal values are masked."""
        ...


class Page(NamedTuple):
    """One thing described: text for people, an object for programs."""

    kind: Kind
    record: Mapping[str, Any]
    text: str
    is_data: bool = True

    def records(self) -> Iterable[Record]:
        yield {"kind": self.kind, **self.record}

    def lines(self, sheet: Sheet) -> Iterable[str]:  # noqa: ARG002 -- alike on any
        from medtrack_cli.output.safe_text import safe_text

        return map(safe_text, self.text.split("\n"))
