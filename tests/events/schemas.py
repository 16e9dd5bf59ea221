"""Small random schemas, random edits of them, and random values that they accept."""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

NAMES = ("a", "b", "c", "d")
LETTERS = "abé 0"


def schemas() -> st.SearchStrategy[Schema]:
    """Make payload schemas: closed or silent objects of scalars, lists and objects."""
    return st.randoms(use_true_random=False).map(lambda random: some_object(random, depth=2))


def some_object(random: Random, depth: int) -> Schema:
    """Make an object's schema."""
    names = random.sample(NAMES, random.randint(1, len(NAMES)))
    made: Schema = {
        "type": "object",
        "properties": {name: some_schema(random, depth - 1) for name in names},
        "required": [name for name in names if random.random() < 0.6],
    }
    if random.random() < 0.7:
        made["additionalProperties"] = False
    return made


def some_schema(random: Random, depth: int) -> Schema:
    """Make a schema of any kind."""
    kinds: list[Callable[[Random], Schema]] = [_text, _number, _enum, _nullable]
    if depth > 0:
        kinds += [lambda each: some_object(each, depth), lambda each: _list(each, depth)]
    return random.choice(kinds)(random)


def _text(random: Random) -> Schema:
    made: Schema = {"type": "string"}
    if random.random() < 0.5:
        made["minLength"] = random.randint(0, 2)
    if random.random() < 0.5:
        made["maxLength"] = random.randint(2, 4)
    return made


def _number(random: Random) -> Schema:
    made: Schema = {"type": random.choice(("integer", "number"))}
    if random.random() < 0.5:
        made["minimum"] = random.randint(-2, 2)
    if random.random() < 0.5:
        made["maximum"] = random.randint(2, 5)
    return made


def _enum(random: Random) -> Schema:
    return {"enum": random.sample(["a", "b", 1, True, None], random.randint(1, 3))}


def _nullable(random: Random) -> Schema:
    return {"anyOf": [_text(random), {"type": "null"}]}


def _list(random: Random, depth: int) -> Schema:
    made: Schema = {"type": "array", "items": some_schema(random, depth - 1)}
    if random.random() < 0.5:
        made["minItems"] = random.randint(0, 2)
    if random.random() < 0.5:
        made["maxItems"] = random.randint(2, 3)
    return made


def edited(schema: Schema, random: Random) -> Schema:
    """Make one or two small edits anywhere in an object's schema."""
    made = deepcopy(schema)
    for _ in range(random.randint(1, 2)):
        _edit(made, random)
    return made


def _edit(schema: Schema, random: Random) -> None:
    name = random.choice(NAMES)
    known = schema["properties"]
    nested = known.get(name, {})
    action = random.randrange(5)
    if action == 0 and "properties" in nested:
        _edit(nested, random)
    elif action == 1 and name in known and len(known) > 1:
        del known[name]
        schema["required"] = [each for each in schema["required"] if each != name]
    elif action == 2 and name in known:
        was = name in schema["required"]
        schema["required"] = [each for each in schema["required"] if each != name]
        schema["required"] += [] if was else [name]
    elif action == 3 and nested.get("type") == "string":
        nested["maxLength"] = random.randint(2, 6)
    else:
        known[name] = some_schema(random, 1)


def some_instance(schema: Schema, random: Random) -> Any:
    """Make a value that the schema accepts, with no field that it doesn't name."""
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "anyOf" in schema:
        return some_instance(random.choice(schema["anyOf"]), random)
    return _MAKERS[schema["type"]](schema, random)


def _some_text(schema: Schema, random: Random) -> str:
    fewest = schema.get("minLength", 0)
    size = random.randint(fewest, schema.get("maxLength", fewest + 6))
    return "".join(random.choices(LETTERS, k=size))


def _some_number(schema: Schema, random: Random) -> float:
    least = schema.get("minimum", -6)
    most = schema.get("maximum", least + 12)
    fraction = random.random() < 0.5 and schema["type"] == "number"
    return random.uniform(least, most) if fraction else random.randint(least, most)


def _some_list(schema: Schema, random: Random) -> list[Any]:
    fewest = schema.get("minItems", 0)
    size = random.randint(fewest, schema.get("maxItems", fewest + 2))
    return [some_instance(schema["items"], random) for _ in range(size)]


def _some_fields(schema: Schema, random: Random) -> dict[str, Any]:
    return {
        name: some_instance(each, random)
        for name, each in schema["properties"].items()
        if name in schema["required"] or random.random() < 0.5
    }


_MAKERS: dict[str, Callable[[Schema, Random], Any]] = {
    "null": lambda _schema, _random: None,
    "string": _some_text,
    "integer": _some_number,
    "number": _some_number,
    "array": _some_list,
    "object": _some_fields,
}


def in_parts(schema: Schema, random: Random) -> Schema:
    """Spread what a schema asks over allOf; what is closed stays with the fields it knows."""
    made = {**schema}
    if "properties" in schema:
        made["properties"] = {n: in_parts(s, random) for n, s in schema["properties"].items()}
    if "items" in schema:
        made["items"] = in_parts(schema["items"], random)
    parts: list[Schema] = [{}, {}, {}]
    if "additionalProperties" not in schema:
        for name, each in made.pop("properties", {}).items():
            random.choice(parts).setdefault("properties", {})[name] = each
        for name in made.pop("required", ()):
            random.choice(parts).setdefault("required", []).append(name)
    closed = random.choice(parts)
    for keyword, value in made.items():
        is_group = keyword in {"properties", "additionalProperties"}
        (closed if is_group else random.choice(parts))[keyword] = value
    first, *rest = parts
    return {**first, "allOf": [rest[0], {"allOf": rest[1:]}]}
