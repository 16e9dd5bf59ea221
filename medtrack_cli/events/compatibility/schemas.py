"""Schemas made comparable: references written out, writers closed, readers opened."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from medtrack_cli.events.subschemas import resolved

Schema = dict[str, Any]

ORIGIN = "x-origin"
"""The keyword that says of a schema by which reference it came to its place."""

_REFERENCES = ("$ref", "$dynamicRef")

MOST_REFERENCES = 500
"""As many are written out; a schema that doubles itself at every level would have billions."""

IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas"})
"""The keywords whose schemas speak of the same value, and only add to what is asked of it."""

_ONE = frozenset(
    {"items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains"}
    | {"propertyNames", "not", "if", "then", "else"}
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_TURNED = frozenset({"not", "if", "contains"})
"""Where accepting more means accepting less around it: left as written."""

_ANNOTATIONS = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
    | {"$comment", "$schema", "$id", "$defs", ORIGIN}
)


def same(one: object, other: object) -> bool:
    """Tell whether two JSON values are written alike; 1 and true, equal to Python, are not."""
    return text(one) == text(other)


def text(value: object) -> str:
    """Write a JSON value, its keys sorted."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def refers(value: object) -> bool:
    """Tell whether references may be left in a value."""
    written = text(value)
    return any(f'"{keyword}"' in written for keyword in _REFERENCES)


def as_schema(value: Any) -> Schema:  # noqa: ANN401 -- JSON
    """Give the object that means the same as a boolean schema."""
    if isinstance(value, dict):
        return value
    return {} if value else {"not": {}}


def in_place(schema: Any) -> Iterator[Schema]:  # noqa: ANN401 -- JSON
    """Walk a schema and those within it that speak of the same value."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in IN_PLACE & schema.keys():
        for part in _parts(keyword, schema[keyword]):
            yield from in_place(part)


def _parts(keyword: str, value: Any) -> list[Any]:  # noqa: ANN401 -- JSON
    if keyword in _LISTS:
        return list(value)
    return list(value.values()) if keyword in _MAPS else [value]


def _mapped(schema: Schema, change: Callable[[str, Any], Any]) -> Schema:
    """Change every schema directly inside a schema; `change` is told its keyword."""
    made: Schema = {}
    for keyword, value in schema.items():
        if keyword in _LISTS:
            made[keyword] = [change(keyword, each) for each in value]
        elif keyword in _MAPS:
            made[keyword] = {name: change(keyword, each) for name, each in value.items()}
        else:
            made[keyword] = change(keyword, value) if keyword in _ONE else value
    return made


_Step = tuple[int, str]
"""A reference that was followed: the resource it leads into, by its id, and its text."""


def _top(resource: Mapping[str, Any]) -> _Step:
    return id(resource), "#"


def inlined(document: Mapping[str, Any]) -> Schema:
    """Write out every local reference, but those of a schema to itself, which stay.

    A schema with an `$id` inside another is a resource of its own: its references lead into it.
    Where there is only one resource, a dynamic reference is a plain one.

    A choice between one type and null, as pydantic writes it, becomes a list of types.
    """
    references = count()
    is_one = text({**document, "$id": ""}).count('"$id":') == 1

    def expand(schema: Any, resource: Mapping[str, Any], followed: frozenset[_Step]) -> Any:  # noqa: ANN401
        if not isinstance(schema, dict):
            return schema
        if "$id" in schema and schema is not resource:
            return _with_definitions(expand(schema, schema, followed | {_top(schema)}), schema)
        schema = _plain(schema) if is_one else schema
        reference = schema.get("$ref")
        rest = {key: value for key, value in schema.items() if key not in {"$ref", "$defs"}}
        rest = _mapped(rest, lambda _, part: expand(part, resource, followed))
        if reference is None:
            return _nullable(rest)
        target = resolved(reference, resource)
        step = (id(resource), reference)
        if target is None or step in followed or next(references) > MOST_REFERENCES:
            return {**rest, "$ref": reference}
        reached = expand(target.schema, target.resource, followed | {step})
        if rest.keys() <= _ANNOTATIONS:
            return {**reached, **rest, ORIGIN: reference}
        return {"allOf": [{**reached, ORIGIN: reference}, rest]}

    top = dict(document)
    return _with_definitions(expand(top, top, frozenset({_top(top)})), top)


def _with_definitions(made: Schema, written: Schema) -> Schema:
    """Keep the definitions that references are left to."""
    needed = "$defs" in written and refers(made)
    return {**made, "$defs": written["$defs"]} if needed else made


def _plain(schema: Schema) -> Schema:
    """Make a dynamic reference the plain one that it is."""
    if "$dynamicRef" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "$dynamicRef"}
    dynamic = {"$ref": schema["$dynamicRef"]}
    return (
        {**rest, "allOf": [*rest.get("allOf", []), dynamic]} if "$ref" in rest else rest | dynamic
    )


_OF_ONE_TYPE = frozenset(
    {"type", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "multipleOf"}
    | {"exclusiveMinimum", "exclusiveMaximum", "items", "prefixItems", "minItems", "maxItems"}
    | {"uniqueItems", "properties", "required", "additionalProperties", "patternProperties"}
    | {"minProperties", "maxProperties", "propertyNames"}
)
"""Keywords that say nothing of null."""


def _nullable(schema: Schema) -> Schema:
    branches = schema.get("anyOf", [])
    asked = schema.keys() - _ANNOTATIONS
    if asked != {"anyOf"} or len(branches) != 2 or {"type": "null"} not in branches:
        return schema
    other = as_schema(branches[1 - branches.index({"type": "null"})])
    if not isinstance(other.get("type"), str) or other.keys() - _ANNOTATIONS - _OF_ONE_TYPE:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**other, **rest, "type": [other["type"], "null"]}


def extra_fields(schema: Schema) -> Any:  # noqa: ANN401 -- JSON
    """Give the schema of the fields that an object doesn't name: False when its writer sends none.

    A schema that names fields and is silent about others means that there are no others.
    """
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        if keyword in schema:
            return schema[keyword]
    parts = list(in_place(schema))
    is_open = not any("properties" in each for each in parts)
    return is_open or any(keyword in each for each in parts for keyword in _REFERENCES)


def writer(schema: Any, *, within: str = "") -> Any:  # noqa: ANN401 -- JSON
    """Close a schema: who names fields and is silent about others sends no others."""
    if not isinstance(schema, dict) or within in _TURNED:
        return schema
    made = _mapped(schema, lambda keyword, part: writer(part, within=keyword))
    parts = [] if within in IN_PLACE else list(in_place(schema))
    silent = not any(
        keyword in each
        for each in parts
        for keyword in ("additionalProperties", "unevaluatedProperties", *_REFERENCES)
    )
    if silent and any("properties" in each for each in parts):
        made["additionalProperties" if len(parts) == 1 else "unevaluatedProperties"] = False
    return made


def reader(schema: Any) -> Any:  # noqa: ANN401 -- JSON
    """Open a schema: fields that it doesn't name are passed over.

    Alternatives of which exactly one must fit may overlap once they are open: any will do then.
    """
    if not isinstance(schema, dict):
        return schema
    made = {
        keyword: value
        for keyword, value in schema.items()
        if value is not False or keyword not in {"additionalProperties", "unevaluatedProperties"}
    }
    made = _mapped(made, lambda keyword, part: part if keyword in _TURNED else reader(part))
    if "oneOf" in made and not same(made["oneOf"], schema["oneOf"]):
        made["allOf"] = [*made.get("allOf", []), {"anyOf": made.pop("oneOf")}]
    return made
