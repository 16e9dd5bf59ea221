"""What a command can say, whatever the form it is said in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.listening.listen import Sink, Watched
from medtrack_cli.errors import MedtrackError
from medtrack_cli.output.shown.shown import Shown

Group = tuple[str, str]
"""What is listed to its first few, and the name by which the others are counted."""


class Printer(Protocol):
    """Says things on stdout (data) and stderr (all else)."""

    def show(self, shown: Shown, group: Group | None = None) -> None:
        """Give one thing. Of a group people see the first few; the summary counts the others."""
        ...

    def rows(self, kind: Kind, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print a table for people, one object a row for programs."""
        ...

    def summary(self, kind: Kind, numbers: Mapping[str, float | str], sentence: str) -> None:
        """Sum up, last of all: numbers and what they are of for programs, a sentence for people."""
        ...

    def deliveries(self, watched: Watched) -> AbstractContextManager[Sink]:
        """Where deliveries are shown, from entering to leaving."""
        ...

    def progress(self, line: Callable[[], str]) -> AbstractContextManager[None]:
        """Show how far a long run is, on a terminal, unless quiet; prints make it give way."""
        ...

    def note(self, text: str) -> None:
        """Something worth knowing while waiting. On stderr."""
        ...

    def warning(self, text: str) -> None:
        """Something to be put right. On stderr, even when quiet."""
        ...

    def error(self, error: MedtrackError) -> None:
        """Why it failed and what to do next. On stderr."""
        ...
