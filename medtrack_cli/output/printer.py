"""What a command can say, in whatever format."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.listening.listen import Sink, Watched
from medtrack_cli.errors import MedtrackError
from medtrack_cli.output.shown.shown import Shown

Group = tuple[str, str]
"""What is listed only to its first few, and the name under which the others are counted."""


class Printer(Protocol):
    """Says things on stdout (data) and stderr (all else)."""

    def show(self, shown: Shown, group: Group | None = None) -> None:
        """Show one thing. People see the first few of a group; the summary counts the others."""
        ...

    def rows(self, kind: Kind, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print a table for people, one object a row for programs."""
        ...

    def summary(self, kind: Kind, numbers: Mapping[str, float | str], sentence: str) -> None:
        """Sum up at the end: numbers with their units for programs, a sentence for people."""
        ...

    def deliveries(self, watched: Watched) -> AbstractContextManager[Sink]:
        """Return what shows deliveries, a context manager."""
        ...

    def progress(self, line: Callable[[], str]) -> AbstractContextManager[None]:
        """Show a long run's progress, on a terminal and not when quiet.

        Other output replaces it.
        """
        ...

    def note(self, text: str) -> None:
        """Say something worth knowing meanwhile, on stderr."""
        ...

    def warning(self, text: str) -> None:
        """Say what should be fixed, on stderr, even when quiet."""
        ...

    def error(self, error: MedtrackError) -> None:
        """Say why it failed and what to do next, on stderr."""
        ...
