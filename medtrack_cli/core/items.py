"""What is read from a file, a pipe or a scenario: one item for each event."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from medtrack_cli.events.findings import At, Finding, Path, Rule, Span


class Corrupt(NamedTuple):
    """A line of a recording that is not as it was written, and how that is known."""

    reason: str


class Item(Protocol):
    """One event as it is in its source, or the reason why there is none."""

    @property
    def file(self) -> str:
        """The source as the user named it; `<stdin>` for `-`."""

    @property
    def line(self) -> int:
        """The line on which the event begins, from 1."""

    @property
    def body(self) -> bytes | None:
        """The event as JSON: the file's own bytes, or compact JSON made from YAML.

        None when there is nothing to check; `findings` then says why.
        """

    @property
    def exact(self) -> bool:
        """Whether the body is the source's own bytes."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found while reading. With any finding the event is invalid, body or not."""

    @property
    def recorded(self) -> object | None:
        """The delivery, if the source is a recording, or why there is none: Corrupt."""

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:
        """Place a problem of the body in the file; paths begin at the body's root."""


class MadeItem(NamedTuple):
    """An event without a file, such as a generated one; `line` is its number."""

    file: str
    line: int
    body: bytes | None
    exact: bool = False
    findings: tuple[Finding, ...] = ()
    recorded: object | None = None

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:  # noqa: ARG002 -- no places in it
        """Point at the event as a whole."""
        return Span(self.line, 1, 2)


class NoEventsHere(MadeItem):
    """Represents a source without events: the only item that isn't a place for an event."""


def no_events_in(file: str) -> NoEventsHere:
    """Make the item for a source without events."""
    message = "there is no event in this input"
    finding = Finding(Rule.EMPTY_INPUT, file, Span(1, 1, 1), "", message)
    return NoEventsHere(file, 1, None, findings=(finding,))


def without_empty(items: Iterable[Item]) -> Iterator[Item]:
    """Leave out items for sources without events."""
    return (item for item in items if not isinstance(item, NoEventsHere))
