"""Compare the contracts of two registries, or of two schemas: what still understands what."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from medtrack_cli.core.choices import Mode
from medtrack_cli.events.compatibility import Answer, Change, Comparison, Direction, compare
from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.export import payload_schema
from medtrack_cli.events.versions import version_numbers

TIMESTAMP = "2025-01-15T10:00:00Z"


class Contract(NamedTuple):
    """One version of an event type: its payload's schema, or the whole event's."""

    event_type: str
    version: str
    schema: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.event_type} {self.version}"

    @property
    def is_event(self) -> bool:
        """Whether the schema is of a whole event, as `schema export` prints it."""
        fields: Mapping[str, Any] = self.schema.get("properties", {})
        return {"event_type", "payload"} <= fields.keys()


@dataclass(frozen=True, slots=True)
class Compared:
    """Two contracts and what the change from one to the other means.

    `new` None: the old one was removed, and its events are no longer understood.
    """

    old: Contract
    new: Contract | None
    comparison: Comparison | None = None

    def answer(self, mode: Mode) -> Answer:
        if self.comparison is None:
            return Answer.NO
        answer: Answer = getattr(self.comparison, mode.value)
        return answer

    def pointer(self, change: Change) -> str:
        """Say where a change is in the event."""
        return change.pointer if self.old.is_event else f"/payload{change.pointer}"

    def event(self, change: Change) -> dict[str, Any] | None:
        """Give the event that proves a break: the writer sends it, the reader refuses it."""
        if change.witness is None or self.new is None:
            return None
        if self.old.is_event:
            event: dict[str, Any] = change.witness
            return event
        writer = self.old if Direction.BACKWARD in change.breaks else self.new
        return {
            "event_type": writer.event_type,
            "payload": change.witness,
            "service": "a-writer",
            "timestamp": TIMESTAMP,
            "version": writer.version,
        }


def contracts(event_types: Iterable[EventType]) -> list[Contract]:
    """Give the contracts of event types."""
    return [Contract(each.name, each.version, payload_schema(each)) for each in event_types]


def compared(old: Iterable[Contract], new: Iterable[Contract]) -> Iterator[Compared]:
    """Compare every old contract with its new form, and every new minor with the one before.

    A new type or version breaks nobody. Unchanged ones are left out.
    """
    after = {(each.event_type, each.version): each for each in new}
    before = {(each.event_type, each.version): each for each in old}
    for key, contract in before.items():
        successor = after.get(key)
        if successor is None:
            yield Compared(contract, None)
        elif successor.schema != contract.schema:
            yield Compared(contract, successor, compare(contract.schema, successor.schema))
    for key, contract in after.items():
        if key not in before and (previous := _previous(contract, after.values())):
            yield Compared(previous, contract, compare(previous.schema, contract.schema))


def _previous(contract: Contract, known: Iterable[Contract]) -> Contract | None:
    """Find the minor version before, of the same major version."""
    number = version_numbers(contract.version)
    before = [
        each
        for each in known
        if each.event_type == contract.event_type
        and (number[0], 0) <= version_numbers(each.version) < number
    ]
    return max(before, key=lambda each: version_numbers(each.version), default=None)
