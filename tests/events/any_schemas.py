"""Random schemas of every keyword of 2020-12, useful or not: no pair of them may be a bug."""

import json
from random import Random
from typing import Any

Schema = dict[str, Any]

PLAIN: tuple[Any, ...] = (
    True,
    False,
    {},
    {"type": "string"},
    {"type": "integer"},
    {"type": ["string", "null"]},
)
VALUES = (None, True, 0, -1.5, "a", [1], {"a": 1}, {"$ref": "#/x"}, 10**20, 1e300)
TARGETS = ("#", "#/$defs/m", "#/$defs/n", "#/properties/a", "#m", "#dyn", "#/allOf/0")
OWN = ("urn:x:y", "urn:x:y#/$defs/m", "urn:x:y#dyn", "z.json", "./z.json#/properties/a")
SCHEMAS = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains"),
    *("unevaluatedItems", "not", "if", "then", "else"),
)
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
OTHERS: dict[str, tuple[Any, ...]] = {
    "type": ("string", "object", "array", ["integer", "null"], "number", "boolean", "null"),
    "required": (["a"], ["a", "b", "z"], []),
    "dependentRequired": ({"a": ["b"]},),
    "enum": (list(VALUES), ["a"], [{"$ref": "#/x"}, 1]),
    "const": VALUES,
    "default": VALUES,
    "examples": ([1, "a", {}],),
    "minimum": (0, -1.5, 10**20, 1e300),
    "maximum": (0, 3, 1e300),
    "exclusiveMinimum": (1,),
    "multipleOf": (1, 0.1, 3, 1e-300),
    "pattern": ("^a", "[0-9]{2}", "(?=a)b", "é"),
    "format": ("email", "uuid", "unheard-of"),
    "minLength": (0, 2, 10**6),
    "maxLength": (0, 2),
    "minItems": (0, 1, 1000),
    "uniqueItems": (True,),
    "minContains": (0, 2),
    "maxProperties": (0, 3),
    "$ref": TARGETS + OWN,
    "$dynamicRef": TARGETS,
    "$anchor": ("m", "n"),
    "$dynamicAnchor": ("m", "dyn"),
    "$id": ("urn:x:y", "z.json"),
    "$recursiveRef": ("#",),
}


def any_payload(random: Random) -> Schema:
    """Make an object whose parts are anything."""
    a, b, m, n = (any_schema(random, 3) for _ in range(4))
    return {"type": "object", "properties": {"a": a, "b": b}, "$defs": {"m": m, "n": n}}


def any_schema(random: Random, depth: int) -> Any:
    """Make a schema of up to five keywords, whatever they say together."""
    if depth == 0 or random.random() < 0.1:
        return random.choice(PLAIN)
    keywords = random.sample([*SCHEMAS, *LISTS, *MAPS, *OTHERS], random.randint(1, 5))
    return {keyword: _value(keyword, random, depth - 1) for keyword in keywords}


def any_edit(schema: Schema, random: Random) -> Schema:
    """Add to one part of a schema, or take from it."""
    made: Schema = json.loads(json.dumps(schema))
    parts = [part for part in _objects(made) if part]
    part = random.choice(parts)
    if random.random() < 0.4:
        del part[random.choice(list(part))]
    elif isinstance(other := any_schema(random, 2), dict):
        part.update(other)
    return made


def _value(keyword: str, random: Random, depth: int) -> Any:
    if keyword in SCHEMAS:
        return any_schema(random, depth)
    if keyword in LISTS:
        return [any_schema(random, depth) for _ in range(random.randint(1, 2))]
    if keyword in MAPS:
        return {name: any_schema(random, depth) for name in random.sample(["a", "b", "m"], 2)}
    return random.choice(OTHERS[keyword])


def _objects(value: Any) -> list[Schema]:
    inner = value.values() if isinstance(value, dict) else value
    below = [each for part in inner for each in _objects(part)] if _is_container(value) else []
    return [value, *below] if isinstance(value, dict) else below


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list)
