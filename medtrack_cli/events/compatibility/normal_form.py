"""Schemas made comparable: references inlined, writers closed, readers opened."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from medtrack_cli.events.findings import Path, json_pointer
from medtrack_cli.events.schemas.references import (
    IN_PLACE,
    REFERENCES,
    Resource,
    every,
    in_place,
    mapped,
    references,
    resolved,
    whole,
)

Schema = dict[str, Any]

ORIGIN = "x-origin"
"""The keyword for where a schema, or the target of a reference, was written: `#/$defs/A`."""

MOST_REFERENCES = 500
"""The most references inlined; a schema that doubles itself at every level has billions."""

_TURNED = frozenset({"not", "if", "contains"})
"""Keywords in which accepting more means accepting less outside: left as written."""

ANNOTATIONS = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
    | {"$comment", "$schema", "$id", "$defs", ORIGIN}
)
"""Keywords that require nothing."""


def same(one: object, other: object) -> bool:
    """Return whether two JSON values are written alike; 1 and true, equal in Python, are not."""
    return text(one) == text(other)


def text(value: object) -> str:
    """Write a JSON value, its keys sorted."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def refers(schema: object) -> bool:
    """Return whether references are left in a schema."""
    if not isinstance(schema, dict) or not any(f'"{each}"' in text(schema) for each in REFERENCES):
        return False
    return any(references(each.schema) for _, each in every(schema))


def as_schema(value: Any) -> Schema:  # noqa: ANN401 -- JSON
    """Give the object that means the same as a boolean schema."""
    if isinstance(value, dict):
        return value
    return {} if value else {"not": {}}


def parts_of(schema: Schema) -> list[Schema]:
    """List a schema and its subschemas for the same value."""
    return [dict(each.schema) for each in in_place([whole(schema)])]


def inlined(document: Mapping[str, Any]) -> Schema:
    """Inline every reference, except those of a schema to itself.

    Where there is only one resource, a dynamic reference is a plain one.

    A choice between one type and null, as pydantic writes it, becomes a list of types.
    """
    followed_so_far = count()
    top = whole(dict(document))
    is_one = len(top.resource.contents[0]) == 1

    def expand(schema: Any, resource: Resource, followed: frozenset[int]) -> Any:  # noqa: ANN401
        """Expand a schema; `followed` holds the references on the way to it."""
        if schema is resource.top:
            made = expanded(schema, resource, followed | {id(schema)})
            return _with_definitions({ORIGIN: _pointer(resource.path), **made}, schema)
        return expanded(schema, resource, followed) if isinstance(schema, dict) else schema

    def expanded(schema: Mapping[str, Any], resource: Resource, followed: frozenset[int]) -> Schema:
        schema = _plain(schema) if is_one else schema
        reference = schema.get("$ref")
        rest = {key: value for key, value in schema.items() if key not in {"$ref", *_DEFINITIONS}}
        rest = mapped(rest, lambda _, part: expand(part, resource.around(part), followed))
        if reference is None:
            return nullable(rest)
        target = resolved(reference, resource)
        origin = _pointer(resource.place_of(reference) or ())
        if (
            target is None
            or id(target.schema) in followed
            or next(followed_so_far) > MOST_REFERENCES
        ):
            return {**rest, "$ref": reference, ORIGIN: origin}
        reached = expand(target.schema, target.resource, followed | {id(target.schema)})
        reached = {**reached, ORIGIN: origin}
        if "$id" in rest and refers(reached):
            return {"allOf": [reached, rest]}
        if rest.keys() <= ANNOTATIONS:
            return reached | rest
        return {**rest, "allOf": [reached, *rest.get("allOf", ())]}

    made: Schema = expand(top.schema, top.resource, frozenset())
    return made


def _pointer(path: Path) -> str:
    return f"#{json_pointer(path)}"


_DEFINITIONS = ("$defs", "definitions")


def _with_definitions(made: Schema, written: Mapping[str, Any]) -> Schema:
    """Keep what remaining references need: the definitions, and the base URI."""
    if not refers(made):
        return {key: value for key, value in made.items() if key not in {"$id", ORIGIN}}
    return made | {key: written[key] for key in _DEFINITIONS if key in written}


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace a dynamic reference by the equivalent plain one."""
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
"""Keywords that don't apply to null."""


def nullable(schema: Schema) -> Schema:
    """Write a choice between one type and null as a list of types."""
    branches = schema.get("anyOf", [])
    asked = schema.keys() - ANNOTATIONS
    if asked != {"anyOf"} or len(branches) != 2 or {"type": "null"} not in branches:
        return schema
    other = as_schema(branches[1 - branches.index({"type": "null"})])
    if not isinstance(other.get("type"), str) or other.keys() - ANNOTATIONS - _OF_ONE_TYPE:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**other, **rest, "type": [other["type"], "null"]}


def extra_fields(schema: Schema) -> Any:  # noqa: ANN401 -- JSON
    """Give the schema of unnamed fields: False when the object's writer sends none.

    A schema that names fields and says nothing of others means that there are no others.
    """
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        if keyword in schema:
            return schema[keyword]
    parts = parts_of(schema)
    is_open = not any("properties" in each for each in parts)
    return is_open or any(keyword in each for each in parts for keyword in REFERENCES)


def writer(schema: Any, *, within: str = "") -> Any:  # noqa: ANN401 -- JSON
    """Close a schema: where it names fields and says nothing of others, no others are sent."""
    if not isinstance(schema, dict) or within in _TURNED:
        return schema
    made = mapped(schema, lambda keyword, part: writer(part, within=keyword))
    parts = [] if within in IN_PLACE else parts_of(schema)
    silent = not any(
        keyword in each
        for each in parts
        for keyword in ("additionalProperties", "unevaluatedProperties", *REFERENCES)
    )
    if silent and any("properties" in each for each in parts):
        made["additionalProperties" if len(parts) == 1 else "unevaluatedProperties"] = False
    return made


def reader(schema: Any) -> Any:  # noqa: ANN401 -- JSON
    """Open a schema: fields that it doesn't name are ignored.

    Alternatives of which exactly one must match may overlap once they are open: then any will do.
    """
    if not isinstance(schema, dict):
        return schema
    made = {
        keyword: value
        for keyword, value in schema.items()
        if value is not False or keyword not in {"additionalProperties", "unevaluatedProperties"}
    }
    made = mapped(made, lambda keyword, part: part if keyword in _TURNED else reader(part))
    if "oneOf" in made and not same(made["oneOf"], schema["oneOf"]):
        made["allOf"] = [*made.get("allOf", []), {"anyOf": made.pop("oneOf")}]
    return made
