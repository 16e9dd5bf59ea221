"""The parts of a JSON Schema document: where its references lead, and what judges a value."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin

from jsonschema_rs import is_valid

from medtrack_cli.events.findings import Path

BASE = "https://medtrack.invalid/payload"
"""The `$id` of a document without one, from which relative ones are resolved."""

ONE = frozenset(
    {"items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains"}
    | {"propertyNames", "not", "if", "then", "else", "contentSchema"}
)
LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
MAPS = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies"}
)
"""Keywords that hold one schema, a list of them, and schemas by name; all else is data."""

REFERENCES = ("$ref", "$dynamicRef")

_CERTAIN = ("allOf", "anyOf", "oneOf", *REFERENCES)
IN_PLACE = (*_CERTAIN, "then", "else", "dependentSchemas")
"""Keywords whose schemas apply to the same value, and only add requirements."""

_TRIED = (*IN_PLACE, "if", "not")


_BOOLEAN: dict[bool, dict[str, Any]] = {True: {}, False: {"not": {}}}
"""The objects that mean the same as boolean schemas; always the same objects, known by id."""


class Resource:
    """A schema with an `$id`, or a whole document: `#` in its references is its root.

    `uri` is absolute, `path` leads here from the document's root.
    """

    def __init__(
        self,
        top: Mapping[str, Any],
        uri: str = BASE,
        path: Path = (),
        document: "Resource | None" = None,
    ) -> None:
        self.top = top
        self.uri = _absolute(uri, top.get("$id", ""))
        self.path = path
        self.document = document or self

    def around(self, schema: object) -> "Resource":
        """Give the resource of a direct subschema: its own, or this."""
        if not isinstance(schema, dict) or "$id" not in schema:
            return self
        return next((each for each in self.document.contents[0] if each.top is schema), self)

    @cached_property
    def contents(self) -> tuple[list["Resource"], dict[tuple["Resource", str], Path]]:
        """Walk a document: its resources, the document first, and the places of their anchors."""
        resources = [self]
        anchors: dict[tuple[Resource, str], Path] = {}
        left: list[tuple[Resource, Path, Mapping[str, Any]]] = [(self, (), self.top)]
        while left:
            resource, path, schema = left.pop()
            names = (schema.get(each) for each in ("$anchor", "$dynamicAnchor"))
            anchors |= {(resource, each): path for each in names if isinstance(each, str)}
            for steps, part in schemas_inside(schema):
                inner = (*path, *steps)
                own = resource
                if isinstance(part.get("$id"), str):
                    own = Resource(part, resource.uri, inner, self)
                    resources.append(own)
                left.append((own, inner, part))
        return resources, anchors

    @cached_property
    def _by_uri(self) -> dict[str, "Resource"]:
        return {each.uri: each for each in reversed(self.contents[0])}

    def target(self, reference: str) -> "Resource | None":
        """Find the resource that a reference leads into; None: outside of the document."""
        uri = reference.partition("#")[0]
        return self.document._by_uri.get(_absolute(self.uri, uri)) if uri else self  # noqa: SLF001

    def place_of(self, reference: str) -> Path | None:
        """Give the path from the document's root to a reference's target; None without one."""
        resource = self.target(reference)
        fragment = unquote(reference.partition("#")[2])
        if resource is None:
            return None
        if fragment and not fragment.startswith("/"):
            return self.document.contents[1].get((resource, fragment))
        steps = fragment.split("/")[1:]
        return (*resource.path, *(each.replace("~1", "/").replace("~0", "~") for each in steps))


def _absolute(base: str, reference: str) -> str:
    """Resolve a URI without its fragment; an invalid one stays as it is."""
    try:
        return urljoin(base, reference).partition("#")[0]
    except ValueError:
        return reference


class Subschema(NamedTuple):
    """A part of a document, and the resource that it belongs to."""

    resource: Resource
    schema: Mapping[str, Any]


def whole(document: Mapping[str, Any]) -> Subschema:
    """Make the subschema of a whole document."""
    return Subschema(Resource(document), document)


def schemas_inside(schema: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Walk the direct subschemas of a schema, each with its path, except boolean ones."""
    for keyword, value in schema.items():
        found: Iterable[tuple[Path, Any]] = ()
        if keyword in ONE:
            found = [((keyword,), value)]
        elif keyword in LISTS and isinstance(value, list):
            found = (((keyword, index), each) for index, each in enumerate(value))
        elif keyword in MAPS and isinstance(value, dict):
            found = (((keyword, name), each) for name, each in value.items())
        yield from ((path, each) for path, each in found if isinstance(each, dict))


def mapped(schema: Mapping[str, Any], change: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Change every direct subschema of a schema; `change` gets its keyword."""
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in LISTS:
            made[keyword] = [change(keyword, each) for each in value]
        elif keyword in MAPS:
            made[keyword] = {name: change(keyword, each) for name, each in value.items()}
        else:
            made[keyword] = change(keyword, value) if keyword in ONE else value
    return made


def every(document: Mapping[str, Any]) -> Iterator[tuple[Path, Subschema]]:
    """Walk each schema of a document once, with its path: also those that only references reach."""
    seen: set[int] = set()
    left: list[tuple[Path, Subschema]] = [((), whole(document))]
    while left:
        path, each = left.pop()
        if id(each.schema) in seen:
            continue
        seen.add(id(each.schema))
        yield path, each
        left += (
            ((*path, *steps), _inner(each, part)) for steps, part in schemas_inside(each.schema)
        )
        for reference in references(each.schema).values():
            if target := resolved(reference, each.resource):
                left.append((each.resource.place_of(reference) or (), target))


def references(schema: Mapping[str, Any]) -> dict[str, str]:
    """Give a schema's own references by their keywords."""
    found = {keyword: schema.get(keyword) for keyword in REFERENCES}
    return {keyword: each for keyword, each in found.items() if isinstance(each, str)}


def resolved(reference: str, resource: Resource) -> Subschema | None:
    """Follow a reference; None where there is no schema."""
    path = resource.place_of(reference)
    value: Any = resource.document.top
    resource = resource.document
    for part in path or ():
        if isinstance(value, list):
            index = int(part) if str(part).isdecimal() else len(value)
            value = value[index] if index < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
        resource = resource.around(value)
    if isinstance(value, bool):
        value = _BOOLEAN[value]
    return None if path is None or not isinstance(value, dict) else Subschema(resource, value)


def in_place(start: Iterable[Subschema], *, certain: bool = False) -> Iterator[Subschema]:
    """Walk the schemas for the same value, each once; `certain`: only unconditional ones."""
    seen: set[int] = set()
    left = [*start][::-1]
    while left:
        each = left.pop()
        if id(each.schema) not in seen:
            seen.add(id(each.schema))
            yield each
            left += [*_parts(each, _CERTAIN if certain else IN_PLACE)][::-1]


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
    return (_inner(each, part) for part in parts if isinstance(part, dict))


def _inner(each: Subschema, part: Mapping[str, Any]) -> Subschema:
    return Subschema(each.resource.around(part), part)


def below(start: Iterable[Subschema], part: str | int) -> list[Subschema]:
    """List the schemas that apply to a member or an item of a value."""
    places = [*in_place(start)]
    children = [(each, [*_children(each.schema, part)]) for each in places]
    if not any(found for _, found in children):
        keyword = "unevaluatedProperties" if isinstance(part, str) else "unevaluatedItems"
        children = [(each, [each.schema.get(keyword)]) for each in places]
    return [child for each, found in children for child in _inside(each, found)]


def contained(places: Iterable[Subschema]) -> list[Subschema]:
    """List the schemas that some item of a list matches, whichever it is."""
    return [child for each in places for child in _inside(each, [each.schema.get("contains")])]


def _children(schema: Mapping[str, Any], part: str | int) -> Iterator[Any]:
    """Give the schemas of a member or an item; none when the schema says nothing of it."""
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
    """Return whether more than a number of schemas would judge some value, counted each time."""
    sizes: dict[int, int] = {}
    left = [(each, False) for _, each in every(document)]
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
