"""What is looked for among what is seen: events and reactions, by name, fields and ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.conditions import Answer, Condition, names
from medtrack_cli.core.record import body_value
from medtrack_cli.core.topics import key_matches
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.overrides import checked_for_any
from medtrack_cli.events.registry import Registry

ABSENT = object()
"""Stands for the value of a field that isn't there."""


@dataclass(frozen=True)
class Seen:
    """Something seen: an event, or with `reaction` what a service did about it.

    `seconds` count from the beginning.
    """

    seconds: float
    event: CheckedDelivery
    reaction: str = ""

    @property
    def name(self) -> str:
        return self.reaction or self.event.event_type or self.event.delivery.routing_key

    @cached_property
    def value(self) -> Any:  # noqa: ANN401 -- JSON
        return body_value(self.event)

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """Whom it is about: the ids in its payload, by their fields."""
        payload = self.value.get("payload") if isinstance(self.value, dict) else None
        items = payload.items() if isinstance(payload, dict) else ()
        return {key: each for key, each in items if key.endswith("_id") and isinstance(each, str)}


class Difference(NamedTuple):
    """A field that isn't as it should be; `got` may be ABSENT."""

    path: tuple[str, ...]
    wanted: Any
    got: Any


class Miss(NamedTuple):
    """What was nearly it: the fields that differ, or another reason."""

    seen: Seen
    differences: Sequence[Difference] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Events of a type, or reactions, by a name in which * and # stand for words.

    `fields` are values by their places in the event, `about` is one of its ids.
    """

    name: str
    is_reaction: bool = False
    fields: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    condition: Condition | None = None
    about: str = ""

    def __str__(self) -> str:
        """Name it without any value."""
        where = [".".join(path[1:] if path[0] == "payload" else path) for path in self.fields]
        where += ["a condition"] if self.condition else []
        told = f"{self.name} where {', '.join(where)}" if where else self.name
        return f"{told} for {self.about}" if self.about else told

    def concerns(self, seen: Seen) -> bool:
        """Return whether it is about such a thing at all."""
        return bool(seen.reaction) is self.is_reaction and key_matches(self.name, seen.name)

    def miss(self, seen: Seen) -> Miss | None:
        """Say in what a thing that it concerns falls short; None: in nothing."""
        if self.about and self.about not in seen.ids.values():
            return Miss(seen, reason="it is about another")
        found = [
            Difference(path, wanted, got)
            for path, wanted in self.fields.items()
            if not _same(got := _at(seen.value, path), wanted)
        ]
        if found:
            return Miss(seen, found)
        match self.condition(names(seen.event)) if self.condition else Answer.YES:
            case Answer.YES:
                return None
            case Answer.NO:
                return Miss(seen, reason="the condition says no")
            case Answer.UNEVALUABLE:
                return Miss(seen, reason="the condition asks for what it hasn't")


def place_of(field: str, name: str, registry: Registry) -> tuple[str, ...]:
    """Find the place in events that a field names: `email` is `payload.email`.

    Raises UsageError for a field that no event of such a name has.
    """
    parts = tuple(field.split("."))
    path = parts if parts[0] in ENVELOPE_FIELDS else ("payload", *parts)
    known = [each for each in registry if key_matches(name, each.name)]
    checked_for_any([(path, "")], known or registry)
    return path


def _at(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 -- JSON, where true is no number
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
