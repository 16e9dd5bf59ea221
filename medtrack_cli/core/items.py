"""What is read from a file, a pipe or a scenario: one item for each event."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from medtrack_cli.events.findings import At, Finding, Path, Rule, Span


class Corrupt(NamedTuple):
    """A line of a recording that is no longer what was written, and how that is seen."""

    reason: str


class Item(Protocol):
    """One event as it stands in its source, or the reason why there is none."""

    @property
    def file(self) -> str:
        """The source as the user named it; `<stdin>` for `-`."""

    @property
    def line(self) -> int:
        """The line on which the event begins, from 1."""

    @property
    def body(self) -> bytes | None:
        """The event as JSON: the file's own bytes, or compact JSON made of YAML.

        None when there is nothing to check; `findings` then says why.
        """

    @property
    def exact(self) -> bool:
        """Whether the body is the source's own bytes."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What reading has found. With any of them the event is invalid, body or not."""

    @property
    def recorded(self) -> object | None:
        """The delivery, when the source is a recording, or why there is none: Corrupt."""

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:
        """Place a problem of the body in the file; paths begin at the body's top."""


class MadeItem(NamedTuple):
    """An event that stands in no file, such as a generated one; `line` is its number."""

    file: str
    line: int
    body: bytes | None
    exact: bool = False
    findings: tuple[Finding, ...] = ()
    recorded: object | None = None

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:  # noqa: ARG002 -- no places in it
        """Point at the event as such."""
        return Span(self.line, 1, 2)


class NoEventsHere(MadeItem):
    """Stands for a source that holds no event: the one item that is no place for one."""


def no_events_in(file: str) -> NoEventsHere:
    """Make the item that says of a source that it holds no event."""
    message = "there is no event in this input"
    finding = Finding(Rule.EMPTY_INPUT, file, Span(1, 1, 1), "", message)
    return NoEventsHere(file, 1, None, findings=(finding,))


def without_empty(items: Iterable[Item]) -> Iterator[Item]:
    """Leave out what says that a source holds no event."""
    return (item for item in items if not isinstance(item, NoEventsHere))
