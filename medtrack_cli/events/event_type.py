"""One event type in one version, and its fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medtrack_cli.events.formats import EXPLANATIONS, Mark

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_TEXTS = frozenset({"string", *(name for name, _ in EXPLANATIONS.values())})
_LISTS = frozenset(f"list of {text}s" for text in _TEXTS)
_BARE = ("whole number", "number", "boolean")


@dataclass(frozen=True, slots=True)
class FieldType:
    """A payload field described for people, with the value generated events have there."""

    name: str
    kind: str  # "uuid", "string", "list of strings", "number from 0 to 100"
    required: bool
    description: str
    mark: Mark | None = None
    examples: tuple[Any, ...] = ()
    limits: tuple[float, float] | None = None

    @property
    def quotes(self) -> int | None:
        """How many quotes a value's JSON has, without those in a list; None: unknown."""
        if self.kind in _TEXTS:
            return 2
        return 0 if self.kind in _LISTS or self.kind.startswith(_BARE) else None

    def wants_text(self, depth: int) -> bool:
        """Return whether a string is wanted as the value (0), or as an item of its list (1)."""
        return self.kind in (_TEXTS, _LISTS)[depth] if depth < 2 else False


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type in one version.

    A built-in type has its payload's `schema` for pydantic's core; an added one the payload's JSON
    Schema as `document`, compiled in `validator`.
    """

    name: str
    version: str
    description: str
    published_by: str
    emitted_by_medtrack: bool
    reactions: Mapping[str, str]
    fields: tuple[FieldType, ...]
    colour: str = "default"
    schema: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    validator: "Draft202012Validator | None" = None
