"""Which values of an event are personal, as its type marks them, wherever they are."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum, auto
from functools import cache
from typing import Any, NamedTuple

from medtrack_cli.events.event_type import EventType, FieldType
from medtrack_cli.events.formats import MARKED_PERSONAL
from medtrack_cli.events.registry import Registry, built_in

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_VALUE = re.compile(rf'(?:({_STRING})\s*:\s*)?({_STRING}|[{{}}\[\]]|[^\s",:{{}}\[\]]+)', re.DOTALL)


class Says(Enum):
    """What a type says of the values at a place: Mark's three, and more."""

    PERSONAL = auto()
    ID = auto()  # a UUID
    WORD = auto()  # as Mark has it
    FIELD_NAME = auto()
    CERTAIN = auto()  # of a format without room for personal data
    TEXT = auto()  # nothing more
    NOTHING = auto()  # not even that there is one


_ANY_OTHER = "\0"


class Place:
    """A place in a type's events; `child` goes down."""

    def __init__(
        self,
        says: Says,
        inner: "Callable[[str | int], Place] | None" = None,
        *,
        named: Collection[str] | None = None,
        first_items: int = 0,
        others_differ: bool = False,
    ) -> None:
        self.says = says
        self.named = named  # members by their key; None: no others are allowed
        self._first_items = first_items  # items that differ from those after them
        self._others_differ = others_differ  # keys that aren't named
        self.children: dict[str | int, Place] = {}  # as far as they were needed
        self._inner = inner

    def child(self, part: str | int) -> "Place":
        """Go down to a member or an item; the items of a plain field are like the field."""
        if isinstance(part, int):
            part = min(part, self._first_items)
        elif self.named is not None and part not in self.named:
            if self._others_differ:
                return self._inner(part) if self._inner else self
            part = _ANY_OTHER
        found = self.children.get(part)
        if found is None:
            found = self.children[part] = self._inner(part) if self._inner else self
        return found


class Scalar(NamedTuple):
    """A string, number or word (true, null) of an event's text: its place and its key."""

    says: Says
    field: str
    text: str  # as in the source, with its quotes
    start: int
    end: int


def unquoted(text: str) -> str:
    """Read a JSON string."""
    return str(json.loads(text)) if "\\" in text else text[1:-1]


def scalars(text: str, top: Place, keys: set[str]) -> Iterator[Scalar]:
    """Walk the scalars of a text, which is valid JSON without a BOM, except certain ones.

    `top` is the text's own place. Keys that no type names are added to `keys`.
    """
    above: list[tuple[Place, int, str]] = []
    owner, index, field = Place(Says.TEXT, lambda _: top), 0, ""  # index: of the next item
    for found in _VALUE.finditer(text):
        key, word = found.groups()
        if word in "}]":
            owner, index, field = above.pop()
            continue
        if key is None:
            place, name = owner.child(index), field
            index += 1
        else:
            name = unquoted(key) if "\\" in key else key[1:-1]
            place = owner.children.get(name) or owner.child(name)
            if owner.named is not None and name not in owner.named:
                keys.add(name)
        if word in "{[":
            above.append((owner, index, field))
            owner, index, field = place, 0, name
        elif place.says is not Says.CERTAIN:
            yield Scalar(place.says, name, word, *found.span(2))


def is_personal(event_type: EventType, field: str) -> bool:
    """Return whether a field of a type's payload is personal."""
    return _top(event_type).child("payload").child(field).says is Says.PERSONAL


@cache
def has_persons(registry: Registry, name: str) -> bool:
    """Return whether a type has, in any version, values that are or may be personal."""
    return any(_holds_persons(each) for each in registry if each.name == name)


def _holds_persons(event_type: EventType) -> bool:
    if event_type.document is None:
        return any(is_personal(event_type, field.name) for field in event_type.fields)
    from medtrack_cli.events.schemas.references import every

    return any(
        each.schema.get(MARKED_PERSONAL) is True
        or not _known_names().isdisjoint(each.schema.get("properties", ()))
        for _, each in every(event_type.document)
    )


@cache
def personal_names(registry: Registry) -> frozenset[str]:
    """Give the names of payload fields that are personal in any type."""
    fields = ((each, field.name) for each in registry for field in each.fields)
    return frozenset(name for each, name in fields if is_personal(each, name))


@cache
def _known_names() -> frozenset[str]:
    """Give the names of fields that are personal in any type, whatever its schema says."""
    return personal_names(built_in())


def top_place(registry: Registry, event_type: str, body: bytes) -> Place:
    """Give the place of a whole event, which is valid."""
    versions = _places(registry, event_type)
    if len(versions) == 1:
        return next(iter(versions.values()))
    known = registry.select(event_type, json.loads(body)["version"]).event_type
    return versions[known.version if known else registry.find(event_type).version]


@cache
def _places(registry: Registry, name: str) -> dict[str, Place]:
    return {each.version: _top(each) for each in registry if each.name == name}


def _top(event_type: EventType) -> Place:
    if event_type.document is None:
        fields = {field.name: Place(_says(field)) for field in event_type.fields}
        payload = Place(Says.TEXT, lambda part: fields[str(part)])
    else:
        payload = _described(event_type.document)
    places = {"payload": payload, "service": Place(Says.TEXT)}
    certain = Place(Says.CERTAIN)
    return Place(Says.TEXT, lambda part: places.get(str(part), certain))


def _says(field: FieldType) -> Says:
    if field.mark:
        return Says[field.mark.name]
    kinds = {"uuid": Says.ID, "string": Says.TEXT, "any": Says.NOTHING}
    return kinds.get(field.kind, Says.CERTAIN)


def _described(document: Mapping[str, Any]) -> Place:
    from medtrack_cli.events.schemas.references import Subschema, below, contained, in_place, whole

    def place(starts: list[Subschema], *, inherited: bool) -> Place:
        speaking = [*in_place(starts)]
        is_personal = inherited or any(
            each.schema.get(MARKED_PERSONAL) is True for each in speaking
        )
        is_known = any(each.schema for each in speaking)

        def inner(part: str | int) -> Place:
            found = below(speaking, part)
            if isinstance(part, int):
                found += contained(speaking)
            return place(found, inherited=is_personal or part in _known_names())

        says = Says.PERSONAL if is_personal else Says.TEXT if is_known else Says.NOTHING
        schemas = [each.schema for each in speaking]
        names = {name for each in schemas for name in each.get("properties", ())}
        return Place(
            *(says, inner),
            named=names | _known_names(),
            first_items=max((len(each.get("prefixItems", ())) for each in schemas), default=0),
            others_differ=any("patternProperties" in each for each in schemas),
        )

    return place([whole(document)], inherited=False)
