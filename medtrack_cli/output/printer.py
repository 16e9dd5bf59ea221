"""What a command can say, in whatever format."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import MedtrackError
from medtrack_cli.output.shown.notices import ShownError, ShownNote
from medtrack_cli.output.shown.shown import Shown

if TYPE_CHECKING:
    from medtrack_cli.core.listening.listen import Sink, Watched

Group = tuple[str, str]
"""What is listed only to its first few, and the name under which the others are counted."""


class Printer(ABC):
    """Says things on stdout (data) and stderr (all else)."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    @abstractmethod
    def show(self, shown: Shown, group: Group | None = None) -> None:
        """Show data. People see the first few of a group; the summary counts the others."""

    @abstractmethod
    def tell(self, shown: Shown) -> None:
        """Show what is no data, on stderr."""

    @abstractmethod
    def summary(self, kind: Kind, numbers: Mapping[str, float | str], sentence: str) -> None:
        """Sum up at the end: numbers with their units for programs, a sentence for people."""

    @abstractmethod
    def deliveries(self, watched: "Watched") -> "AbstractContextManager[Sink]":
        """Return what shows deliveries, a context manager."""

    @abstractmethod
    def progress(self, line: Callable[[], str]) -> AbstractContextManager[None]:
        """Show a long run's progress, on a terminal and not when quiet.

        Other output replaces it.
        """

    def note(self, text: str) -> None:
        """Say something worth knowing meanwhile."""
        if not self._quiet:
            self.tell(ShownNote(text))

    def warning(self, text: str) -> None:
        """Say what should be fixed, even when quiet."""
        self.tell(ShownNote(text, is_warning=True))

    def error(self, error: MedtrackError) -> None:
        """Say why it failed and what to do next."""
        self.tell(ShownError(error))
