"""What a command can say, whatever the form it is said in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from medtrack_cli.core.listen import Listened, Sink
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import Finding


class Printer(Protocol):
    """Says things on stdout (data) and stderr (all else)."""

    def finding(self, finding: Finding) -> None:
        """One problem in its place."""
        ...

    def receipt(self, receipt: Receipt) -> None:
        """The verdict on one event sent."""
        ...

    def message(self, message: Message) -> None:
        """One message that a dry run would send."""
        ...

    def summary(self, kind: str, numbers: Mapping[str, float], sentence: str) -> None:
        """The last line: the numbers for programs, the sentence for people."""
        ...

    def rows(
        self, kind: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """A table for people, one object a row for programs."""
        ...

    def page(self, kind: str, record: Mapping[str, Any], text: str) -> None:
        """One thing described: the text for people, the object for programs."""
        ...

    def deliveries(self) -> Sink:
        """Where deliveries are shown."""
        ...

    def listened(self, listened: Listened) -> None:
        """What was heard, and why listening ended. On stderr."""
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
