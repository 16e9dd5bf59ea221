"""The parts of a JSON Schema document: where its references lead, and which parts judge a value."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from jsonschema_rs import is_valid

from medtrack_cli.events.findings import Path

_CERTAIN = ("allOf", "anyOf", "oneOf", "$ref", "$dynamicRef")
_POSSIBLE = (*_CERTAIN, "then", "else", "dependentSchemas")
_TRIED = (*_POSSIBLE, "if", "not")


_BOOLEAN: dict[bool, dict[str, Any]] = {True: {}, False: {"not": {}}}
"""The objects that mean the same as boolean schemas; always the same, as they are told by id."""


class Subschema(NamedTuple):
    """A part of a document, and the resource that its references lead into: `#` is its top."""

    resource: Mapping[str, Any]
    schema: Mapping[str, Any]


class _Resource:
    """A resource as a key: no other is equal to it."""

    def __init__(self, top: Mapping[str, Any]) -> None:
        self.top = top

    def __hash__(self) -> int:
        return id(self.top)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Resource) and self.top is other.top


def whole(document: Mapping[str, Any]) -> Subschema:
    """Take a document itself."""
    return Subschema(document, document)


def is_resource(value: object) -> bool:
    """Tell a schema with an `$id`, into which the references inside of it lead."""
    return isinstance(value, Mapping) and isinstance(value.get("$id"), str)


def place_of(reference: str, resource: Mapping[str, Any]) -> Path | None:
    """Give the path from a resource's top to where a reference leads; None: nowhere in it."""
    fragment = unquote(reference.removeprefix("#"))
    if fragment and not fragment.startswith("/"):
        return _anchors(_Resource(resource)).get(fragment)
    return tuple(each.replace("~1", "/").replace("~0", "~") for each in fragment.split("/")[1:])


@lru_cache(maxsize=64)
def _anchors(resource: _Resource) -> dict[str, Path]:
    found: dict[str, Path] = {}
    left: list[tuple[Path, Any]] = [((), resource.top)]
    while left:
        path, value = left.pop()
        if isinstance(value, list):
            left += (((*path, index), each) for index, each in enumerate(value))
        elif isinstance(value, dict) and not (path and is_resource(value)):
            left += (((*path, key), each) for key, each in value.items())
            names = (value.get(each) for each in ("$anchor", "$dynamicAnchor"))
            found |= dict.fromkeys((each for each in names if isinstance(each, str)), path)
    return found


def resolved(reference: str, resource: Mapping[str, Any]) -> Subschema | None:
    """Follow a reference; None where no schema is."""
    path = place_of(reference, resource)
    value: Any = resource
    for part in path or ():
        if isinstance(value, list):
            index = int(part) if str(part).isdecimal() else len(value)
            value = value[index] if index < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
        resource = value if is_resource(value) else resource
    if isinstance(value, bool):
        value = _BOOLEAN[value]
    return None if path is None or not isinstance(value, dict) else Subschema(resource, value)


def in_place(start: Iterable[Subschema], *, certain: bool = False) -> Iterator[Subschema]:
    """Walk the schemas that speak of the same value, each once; `certain`: under no condition."""
    seen: set[int] = set()
    left = [*start][::-1]
    while left:
        each = left.pop()
        if id(each.schema) not in seen:
            seen.add(id(each.schema))
            yield each
            left += [*_parts(each, _CERTAIN if certain else _POSSIBLE)][::-1]


def _parts(each: Subschema, keywords: Iterable[str]) -> Iterator[Subschema]:
    for keyword in keywords:
        value = each.schema.get(keyword)
        if isinstance(value, str):
            target = resolved(value, each.resource)
            yield from [target] if target else []
        elif isinstance(value, dict) and keyword == "dependentSchemas":
            yield from _inside(each, value.values())
        else:
            yield from _inside(each, value if isinstance(value, list) else [value])


def _inside(each: Subschema, parts: Iterable[Any]) -> Iterator[Subschema]:
    for part in parts:
        if isinstance(part, dict):
            yield Subschema(part if is_resource(part) else each.resource, part)


def below(start: Iterable[Subschema], part: str | int) -> list[Subschema]:
    """List the schemas that speak of a member or an item of a value."""
    places = [*in_place(start)]
    children = [(each, [*_children(each.schema, part)]) for each in places]
    if not any(found for _, found in children):
        keyword = "unevaluatedProperties" if isinstance(part, str) else "unevaluatedItems"
        children = [(each, [each.schema.get(keyword)]) for each in places]
    return [child for each, found in children for child in _inside(each, found)]


def _children(schema: Mapping[str, Any], part: str | int) -> Iterator[Any]:
    """Give what a schema says of a member or an item, and nothing when it says nothing."""
    if isinstance(part, int):
        first = schema.get("prefixItems", ())
        known = [first[part]] if part < len(first) else []
        rest = "items"
    else:
        known = [schema["properties"][part]] if part in schema.get("properties", {}) else []
        patterns = schema.get("patternProperties", {}).items()
        known += (each for pattern, each in patterns if is_valid({"pattern": pattern}, part))
        rest = "additionalProperties"
    yield from known or ([schema[rest]] if rest in schema else [])


def unfolds_beyond(document: Mapping[str, Any], most: int) -> bool:
    """Tell whether some value would be judged by more than so many schemas, counted each time."""
    sizes: dict[int, int] = {}
    left = [(each, False) for each in _every(document)]
    while left:
        each, is_second_time = left.pop()
        key = id(each.schema)
        parts = [*_parts(each, _TRIED)]
        if is_second_time:
            sizes[key] = min(1 + sum(sizes[id(part.schema)] for part in parts), most + 1)
        elif key not in sizes:
            sizes[key] = 1
            left.append((each, True))
            left += ((part, False) for part in parts)
    return any(size > most for size in sizes.values())


def _every(document: Mapping[str, Any]) -> Iterator[Subschema]:
    """Walk every object of a document, be it a schema or not."""
    left = [whole(document)]
    while left:
        each = left.pop()
        yield each
        for value in each.schema.values():
            left += _inside(each, value if isinstance(value, list) else [value])
