"""What a command can say, whatever the form it is said in."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from medtrack_cli.core.heard import Listened
from medtrack_cli.core.listen import Sink, Watched
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import Finding
from medtrack_cli.output.progress import MakeRoom

if TYPE_CHECKING:
    from medtrack_cli.core.contracts import Compared
    from medtrack_cli.core.stats import Stats
    from medtrack_cli.events.registry import EventType


class Printer(Protocol):
    """Says things on stdout (data) and stderr (all else)."""

    make_room: MakeRoom
    """Entered while something is printed, so that a line of progress gives way."""

    def finding(self, finding: Finding) -> None:
        """One problem in its place."""
        ...

    def receipt(self, receipt: Receipt) -> None:
        """Give the verdict on one event."""
        ...

    def message(self, message: Message, queues: Sequence[str] | None) -> None:
        """One message that a dry run would send, and whom it would reach; None: can't be told."""
        ...

    def summary(self, kind: str, numbers: Mapping[str, float | str], sentence: str) -> None:
        """Sum up, last of all: numbers and what they are of for programs, a sentence for people."""
        ...

    def rows(self, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print a table for people, one object a row for programs."""
        ...

    def page(self, kind: str, record: Mapping[str, Any], text: str) -> None:
        """One thing described: the text for people, the object for programs."""
        ...

    def event_type(self, event_type: "EventType", example: Any) -> None:  # noqa: ANN401 -- JSON
        """Describe an event type whole, with an example."""
        ...

    def compared(self, compared: "Compared") -> None:
        """Say what a change of a contract means, with the events that prove it."""
        ...

    def stats(self, stats: "Stats") -> None:
        """Say what recordings hold."""
        ...

    def deliveries(self, watched: Watched) -> AbstractContextManager[Sink]:
        """Where deliveries are shown, from entering to leaving."""
        ...

    def happened(self, happening: Listening | Interrupted | Resumed) -> None:
        """Say what happened to the connection. On stderr; an interruption even when quiet."""
        ...

    def listened(self, listened: Listened) -> None:
        """Say what was heard, and why listening ended. On stderr; a failure even when quiet."""
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
