"""Values that a schema might accept: simple ones first, then boundary values."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count, islice, product
from typing import Any, Final

from medtrack_cli.events import formats
from medtrack_cli.events.compatibility.boundaries import NUMBERS, Clues
from medtrack_cli.events.compatibility.normal_form import Schema, as_schema, inlined, refers, text
from medtrack_cli.events.compatibility.pattern_texts import matching
from medtrack_cli.events.schemas import documents
from medtrack_cli.events.versions import VERSION

MOST_TRIES: Final = 2_000
MOST_STEPS: Final = 2_000  # schemas visited: those in a tree of them, once each
MOST_PAIRS: Final = 50  # of alternatives that two schemas require at once
_LONGEST: Final = 10_000  # no text or list is made longer than that
_ANYTHING: Final[tuple[Any, ...]] = ("text", 1, 0.5, True, None, [], {})
_TYPES: Final = ("string", "integer", "number", "boolean", "null", "array", "object")

FORMATS: Final = {
    "uuid": ("550e8400-e29b-41d4-a716-446655440000",),
    "date": ("2025-02-01", "2024-02-29"),
    "date-time": ("2025-01-15T10:00:00Z", "2025-01-15T10:00:00.5+01:00"),
    "time": ("10:00:00Z",),
    "duration": ("P1D",),
    "email": ("student@example.com",),
    "idn-email": ("student@example.com", "étudiant@example.com"),
    "hostname": ("example.com",),
    "idn-hostname": ("example.com",),
    "ipv4": ("192.0.2.1",),
    "ipv6": ("2001:db8::1",),
    "uri": ("https://example.com/a",),
    "uri-reference": ("/a", "https://example.com/a"),
    "iri": ("https://example.com/é",),
    "iri-reference": ("/é",),
    "uri-template": ("https://example.com/{a}",),
    "json-pointer": ("/a",),
    "relative-json-pointer": ("0/a",),
    "regex": ("^a$",),
}
"""Texts of each format of JSON Schema."""

PATTERNS: Final = {
    formats.UUID: FORMATS["uuid"],
    formats.DATE: FORMATS["date"],
    formats.TIMESTAMP: ("2025-01-15T10:00:00Z", "2025-01-15T10:00:00"),
    formats.EMAIL: FORMATS["email"],
    formats.PHONE: ("+212600000000",),
    formats.CIN: ("AB123456",),
    VERSION: ("1.0",),
}
"""Texts that read better than a sampler's for MedTrack's own patterns."""


def instance(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- JSON
    """Find a value that the schema accepts; None if none is found.

    Raises ValueError when the schema can't be compiled.
    """
    written_out = inlined(schema)
    tried = islice(values(written_out, Clues(count())), MOST_TRIES)
    validator = documents.compiled(written_out)
    return next((each for each in tried if validator.is_valid(each)), None)


def _fit(schema: Any, tried: Iterable[Any]) -> Iterator[Any]:  # noqa: ANN401 -- JSON
    """Keep the values that the schema of a part accepts.

    A part that refers to the whole, or can't be compiled alone, keeps all of them, and the whole
    decides.
    """
    written = as_schema(schema)
    if refers(written):
        return iter(tried)
    try:
        validator = documents.compiled(written)
    except ValueError:
        return iter(tried)
    return (each for each in tried if validator.is_valid(each))


def values(schema: Any, clues: Clues) -> Iterator[Any]:  # noqa: ANN401 -- JSON
    """Make values to try, each different from a simple one in one place; not all are valid."""
    if next(clues.steps) > MOST_STEPS:
        return
    schema = as_schema(schema)
    yield from documents.examples(schema)
    if "default" in schema:
        yield schema["default"]
    if "const" in schema:
        yield schema["const"]
        return
    if "enum" in schema:
        yield from schema["enum"]
        return
    for keyword in ("allOf", "anyOf", "oneOf", "then", "else"):
        if keyword in schema:
            yield from _of_branches(schema, keyword, clues)
            return
    kinds = schema.get("type", () if "$ref" in schema or "$dynamicRef" in schema else _TYPES)
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        yield from _of_type(kind, schema, clues)


def _of_branches(schema: Schema, keyword: str, clues: Clues) -> Iterator[Any]:
    rest = {key: value for key, value in schema.items() if key != keyword}
    branches = schema[keyword]
    if keyword == "allOf":
        for each in branches:
            rest = _merged(rest, as_schema(each))
        yield from values(rest, clues)
        return
    for each in branches if isinstance(branches, list) else [branches]:
        yield from values(_merged(rest, as_schema(each)), clues)
    if keyword in {"then", "else"}:
        yield from values(rest, clues)


def _merged(one: Schema, other: Schema) -> Schema:
    """Combine two schemas roughly: the resulting values are tried, not trusted."""
    made = {**one, **other}
    for keyword in one.keys() & other.keys():
        before, after = one[keyword], other[keyword]
        if keyword == "properties":
            shared = {
                name: _merged(as_schema(before[name]), as_schema(after[name]))
                for name in before.keys() & after.keys()
            }
            made[keyword] = {**before, **after, **shared}
        elif keyword in {"required", "allOf"}:
            made[keyword] = [*before, *after]
        elif keyword in {"anyOf", "oneOf"}:
            pairs = islice(product(before, after), MOST_PAIRS)
            made[keyword] = [_merged(as_schema(one), as_schema(two)) for one, two in pairs]
    return made


def _of_type(kind: str, schema: Schema, clues: Clues) -> Iterator[Any]:
    match kind:
        case "null":
            yield None
        case "boolean":
            yield from (True, False)
        case "integer" | "number":
            yield from _numbers(kind, schema, clues)
        case "string":
            yield from _texts(schema, clues)
        case "array":
            yield from _lists(schema, clues)
        case _:
            yield from _objects(schema, clues)


def _numbers(kind: str, schema: Schema, clues: Clues) -> Iterator[float]:
    bounds = [schema[keyword] for keyword in sorted(NUMBERS & schema.keys())]
    if len(bounds) > 1:
        yield (bounds[0] + bounds[1]) / 2 if kind == "number" else (bounds[0] + bounds[1]) // 2
    for number in (*bounds, *clues.numbers, 0):
        yield from (number, number + 1, number - 1)
        if kind == "number":
            yield from (number + 0.5, number - 0.5, number * 0.5)
    if step := schema.get("multipleOf"):
        for number in (*bounds, *clues.numbers, 0):
            yield from (number // step * step, (number // step + 1) * step)
            yield from (number * step, number * step * 3)
    yield from (-1_000_000, 1_000_000)


def _texts(schema: Schema, clues: Clues) -> Iterator[str]:
    fewest, most = schema.get("minLength", 0), schema.get("maxLength", _LONGEST)
    if "format" in schema:
        yield from FORMATS.get(schema["format"], ())
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        yield from PATTERNS.get(pattern, ())
        yield from matching(pattern)
    if fewest <= len("text") <= most:
        yield "text"
    near = {size + step for size in (fewest, most, *clues.sizes) for step in (-1, 0, 1)}
    yield from ("a" * size for size in sorted(near) if fewest <= size <= min(most, _LONGEST))
    yield from ("A", "é", "0", " ", "a b", "\n")
    yield from (each for each in clues.literals if isinstance(each, str))
    yield from chain.from_iterable(FORMATS.values())
    yield from chain.from_iterable(PATTERNS.values())


def _lists(schema: Schema, clues: Clues) -> Iterator[list[Any]]:
    first = [
        next(_fit(each, islice(values(each, clues), MOST_TRIES)), None)
        for each in schema.get("prefixItems", [])
    ]
    items = schema.get("items", {"enum": _ANYTHING})
    known = list(islice(values(items, clues), MOST_TRIES))
    fit = list({text(each): each for each in _fit(items, known)}.values())
    fewest, most = schema.get("minItems", 0), schema.get("maxItems", _LONGEST)
    size = max(fewest, min(len(first) + 1, most))
    near = {number + step for number in (fewest, most, *clues.sizes) for step in (-1, 0, 1)}
    if "contains" in schema:
        yield from ([*first, each] for each in values(schema["contains"], clues))
    for number in (size, *sorted(each for each in near if fewest <= each <= min(most, 100))):
        yield (first + fit)[:number]
        if fit:
            yield (first + fit[:1] * number)[:number]
    yield []
    for each in known:
        yield [*first, each, *fit[: max(fewest - len(first) - 1, 0)]]


def _objects(schema: Schema, clues: Clues) -> Iterator[dict[str, Any]]:
    properties: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    chosen = {
        name: list(islice(values(each, clues), MOST_TRIES)) for name, each in properties.items()
    }
    for name in sorted(required - properties.keys()):
        others = _others_schema(schema)
        chosen[name] = list(islice(values(others, clues), MOST_TRIES))
    plain = {
        name: each
        for name, tried in chosen.items()
        for each in islice(_fit(properties.get(name, True), tried), 1)
    }
    least = {name: each for name, each in plain.items() if name in required}
    yield plain
    yield least
    for name, tried in chosen.items():
        yield from ({**plain, name: each} for each in tried)
        if name not in required:
            yield {key: each for key, each in plain.items() if key != name}
            yield {**least, name: plain.get(name)}
    yield from _with_others(schema, plain, clues)


def _others_schema(schema: Schema) -> Any:  # noqa: ANN401 -- JSON
    others = schema.get("additionalProperties", schema.get("unevaluatedProperties", True))
    patterned = schema.get("patternProperties", {})
    return next(iter(patterned.values())) if others is False and patterned else others


def _with_others(schema: Schema, plain: dict[str, Any], clues: Clues) -> Iterator[dict[str, Any]]:
    """Add fields that the schema doesn't name."""
    for pattern, each in schema.get("patternProperties", {}).items():
        for name in islice(matching(pattern), 3):
            yield from ({**plain, name: value} for value in islice(values(each, clues), 50))
    others = _others_schema(schema)
    if others is False:
        return
    for name in dict.fromkeys(("extra", *clues.names)):
        if name not in schema.get("properties", {}):
            tried = values(others, clues) if others and others is not True else _ANYTHING
            yield from ({**plain, name: value} for value in islice(tried, 50))
