"""Payload contracts that are JSON Schema 2020-12 documents: compiled, checked, described.

Validated by jsonschema-rs with formats asserted; nothing is ever fetched.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator, ValidationError, meta

from medtrack_cli.events.envelope import FIELD_NAME
from medtrack_cli.events.findings import At, Path, Problem, Rule, json_pointer
from medtrack_cli.events.formats import SCHEMA_DIALECT
from medtrack_cli.events.subschemas import Subschema, below, in_place, unfolds_beyond, whole
from medtrack_cli.events.words import KINDS, field_problems, json_name

if TYPE_CHECKING:
    from medtrack_cli.events.registry import EventType

REACTIONS = "x-reactions"
"""The keyword of a document under which it says what each service does: {"COMM": "…"}."""

PUBLISHED_BY = "x-published-by"
"""The keyword of a document under which it says who publishes the type."""

MOST_AT_ONCE = 10_000
"""How many schemas may judge one value, each counted as often as it is reached."""

_RANGES = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}
_LENGTHS = {
    "minLength": "at least {} characters long",
    "maxLength": "at most {} characters long",
    "minItems": "a list of at least {}",
    "maxItems": "a list of at most {}",
    "minProperties": "an object of at least {} fields",
    "maxProperties": "an object of at most {} fields",
}
_NOT_ALLOWED = {
    "pattern": "does not match the pattern that the schema asks for",
    "enum": "is not one of the allowed values",
    "const": "is not the one allowed value",
    "uniqueItems": "holds a value twice",
    "not": "is what the schema forbids",
    "anyOf": "fits none of the schema's alternatives",
    "oneOf": "does not fit exactly one of the schema's alternatives",
    "contains": "holds too few or too many of an item that the schema asks for",
    "falseSchema": "is not allowed here",
}

_PLACE = "\n\nOn instance"
_STEP = re.compile(r'\[(?:"(.*?)"|(\d+))\](?=\[|\Z)', re.DOTALL)


def compiled(document: dict[str, Any]) -> Draft202012Validator:
    """Compile a document. Raises ValueError with a sentence when it can't be used."""
    try:
        return Draft202012Validator(
            document,
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
        )
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust, and no Exception
            raise
        raise ValueError("jsonschema-rs can't read it") from None


def faults(document: object) -> Iterator[tuple[Path, str]]:
    """Find why a document is no JSON Schema 2020-12 for a payload, each with its path.

    Every reference must lead into the document itself.
    """
    if not isinstance(document, dict):
        yield (), f"a schema is an object, this is {json_name(document)}"
        return
    if document.get("$schema", SCHEMA_DIALECT) != SCHEMA_DIALECT:
        yield ("$schema",), f"not JSON Schema 2020-12 ({SCHEMA_DIALECT})"
        return
    try:
        meta.validate(document)
    except ValidationError as error:
        yield tuple(error.instance_path), f"not JSON Schema 2020-12 ({error.kind.name})"
        return
    for path, reference in _references(document, ()):
        if not reference.startswith("#"):
            yield path, "a reference may only lead into the same document"
            return
    try:
        compiled(document)
    except (ValidationError, ValueError) as error:
        yield (), f"can't be compiled ({_first_line(error)})"
        return
    if unfolds_beyond(document, MOST_AT_ONCE):
        yield (), f"its references unfold into more than {MOST_AT_ONCE:,} schemas for one value"
    if document.get("type") != "object":
        yield (), 'a payload is an object: the schema must say "type": "object"'


def _references(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in {"$ref", "$dynamicRef"} and isinstance(item, str):
                yield (*path, key), item
            else:
                yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


def problems(
    validator: Draft202012Validator, payload: object, top: Path, *, only_first: bool = False
) -> list[Problem]:
    """Check a payload; `top` is its path in the event. No message holds a value."""
    missing: list[Path] = []
    unknown: list[Path] = []
    found: list[Problem] = []
    for error in _errors(validator, payload, only_first=only_first):
        inner, value = _placed(error, payload)
        path = (*top, *inner)
        kind = error.kind.as_dict()
        match error.kind.name:
            case "required":
                missing.append((*path, str(kind["property"])))
            case "additionalProperties" | "unevaluatedProperties":
                unknown += [(*path, str(name)) for name in kind["unexpected"]]
            case name:
                found.append(_problem(name, kind, path, value))
    return [*field_problems(missing, unknown), *found]


def _errors(
    validator: Draft202012Validator, payload: object, *, only_first: bool
) -> Iterable[ValidationError]:
    if not only_first:
        return validator.iter_errors(payload)
    try:
        validator.validate(payload)
    except ValidationError as error:
        return (error,)
    return ()


def _problem(name: str, kind: Mapping[str, Any], path: Path, value: object) -> Problem:
    last = path[-1] if path else ""
    label = last if isinstance(last, str) and FIELD_NAME.fullmatch(last) else "this"
    if name == "type":
        wanted = " or ".join(KINDS.get(each, each) for each in kind["types"])
        actual = json_name(value)
        return Problem(Rule.WRONG_TYPE, path, f"{label} must be {wanted}, not {actual}")
    if name == "format":
        return Problem(Rule.BAD_FORMAT, path, f"{label} is not a valid {kind['format']}")
    if name in _RANGES:
        limit = kind.get("limit", kind.get("multiple_of", kind.get("value")))
        return Problem(Rule.OUT_OF_RANGE, path, f"{label} must be {_RANGES[name]} {limit}")
    if name in _LENGTHS:
        words = _LENGTHS[name].format(kind.get("limit", kind.get("value")))
        return Problem(Rule.INVALID_VALUE, path, f"{label} must be {words}")
    if name == "propertyNames":
        message = "a key here is not one that the schema allows"
        return Problem(Rule.INVALID_VALUE, path, message, at=At.OPENING)
    words = _NOT_ALLOWED.get(name, f"is not what the schema allows ({name})")
    return Problem(Rule.INVALID_VALUE, path, f"{label} {words}")


def _placed(error: ValidationError, payload: Any) -> tuple[Path, object]:  # noqa: ANN401 -- JSON
    """Give the path of the value that is refused, and the value."""
    path: Path = ()
    value = payload
    with suppress(LookupError, ValueError, TypeError):  # the nearest that there is
        for part in _steps(error):
            step = str(part) if isinstance(value, dict) else int(part)
            value = value[step]
            path = (*path, step)
    return path, value


def _steps(error: ValidationError) -> Iterable[str | int]:
    """Take a path from the library's words where its path isn't what they say.

    Its path leaves out an empty key, and has the number for one that looks like a number: 7 for
    "007".
    """
    words = error.verbose_message  # its last lines: `On instance["a"][007]:`, and the value
    end = words.rfind("\n") - 1
    parts = [
        f"[{part}]" if isinstance(part, int) else f'["{json_pointer((part,))[1:]}"]'
        for part in error.instance_path
    ]
    if words.endswith(f"{_PLACE}{''.join(parts)}", 0, end):
        return error.instance_path
    said = _STEP.finditer(words, words.rfind(_PLACE, 0, end) + len(_PLACE), end)
    return [each[2] or each[1].replace("~1", "/").replace("~0", "~") for each in said]


def wants_text(document: Mapping[str, Any], path: Path) -> bool:
    """Tell whether the schema wants a string, and nothing else but null, at a payload's path."""
    places = [whole(document)]
    for part in path:
        places = below(places, part)
    kinds = {kind for each in in_place(places) for kind in _kinds(each.schema)}
    return kinds <= {"string", "null"} and "string" in kinds


def _kinds(schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        yield kind
    elif isinstance(kind, list):
        yield from kind
    elif "enum" in schema or "const" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        yield from ("string" if isinstance(value, str) else "other" for value in allowed)


def describe_fields(document: Mapping[str, Any]) -> list[tuple[str, str, bool, str]]:
    """List the payload's fields: name, kind in a word or two, required, description."""
    required = set(document.get("required", ()))
    listed = []
    for name, schema in document.get("properties", {}).items():
        about = schema if isinstance(schema, dict) else {}
        places = in_place([Subschema(document, about)], certain=True)
        merged = {key: value for each in places for key, value in each.schema.items()}
        listed.append((name, _kind(merged), name in required, str(about.get("description", ""))))
    return listed


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(str(each) for each in schema["enum"][:5])
    kind = schema.get("type", "any")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return str(schema["format"]) if words == "string" and "format" in schema else words


def examples(document: Mapping[str, Any]) -> list[Any]:
    """Give the payloads that the document shows as examples."""
    shown = document.get("examples", [])
    return shown if isinstance(shown, list) else []


def reactions(document: Mapping[str, Any]) -> dict[str, str]:
    """Give what each service does, where the document says it."""
    said = document.get(REACTIONS, {})
    return {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}


def example_event(event_type: "EventType", service: str) -> dict[str, Any] | None:
    """Make a complete event of a document's first example; None when it shows none."""
    shown = examples(event_type.document or {})
    if not shown:
        return None
    return {
        "event_type": event_type.name,
        "payload": shown[0],
        "service": service,
        "timestamp": "2025-01-15T10:00:00Z",
        "version": event_type.version,
    }
