"""Payload contracts that are JSON Schema 2020-12 documents: compiled, checked, described.

jsonschema-rs validates them with formats asserted; nothing is ever fetched.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator, ValidationError, meta

from medtrack_cli.events.findings import Path
from medtrack_cli.events.formats import MARKED_PERSONAL, SCHEMA_DIALECT
from medtrack_cli.events.problem_texts import json_name
from medtrack_cli.events.schemas.references import (
    Subschema,
    below,
    every,
    in_place,
    references,
    unfolds_beyond,
    whole,
)

if TYPE_CHECKING:
    from medtrack_cli.events.event_type import EventType

REACTIONS = "x-reactions"
"""A document's keyword for what each service does: {"COMM": "…"}."""

PUBLISHED_BY = "x-published-by"
"""A document's keyword for who publishes the type."""

MOST_AT_ONCE = 10_000
"""The most schemas that may judge one value, each counted as often as it is reached."""


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
        if type(error).__name__ != "PanicException":  # of Rust, and not an Exception
            raise
        raise ValueError("jsonschema-rs can't read it") from None


def located(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a document an absolute `$id`, so that each schema in it has a unique address."""
    return {**document, "$id": whole(document).resource.uri}


def validator(document: Mapping[str, Any]) -> Draft202012Validator:
    """Compile a faultless document, to check payloads by it."""
    return compiled(located(document))


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
    if found := next(_misused(document), None):
        yield found
        return
    try:
        compiled(document)
    except (ValidationError, ValueError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        yield (), f"can't be compiled ({reason})"
        return
    if unfolds_beyond(document, MOST_AT_ONCE):
        yield (), f"its references unfold into more than {MOST_AT_ONCE:,} schemas for one value"
    if document.get("type") != "object":
        yield (), 'a payload is an object: the schema must say "type": "object"'


def _misused(document: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for path, each in every(document):
        if not isinstance(each.schema.get(MARKED_PERSONAL, True), bool):
            yield (*path, MARKED_PERSONAL), f"{MARKED_PERSONAL} is true or false"
        for keyword, reference in references(each.schema).items():
            if each.resource.target(reference) is None:
                yield (*path, keyword), "a reference may only lead into the same document"


def wants_text(document: Mapping[str, Any], path: Path) -> bool:
    """Return whether the schema at a payload's path accepts only a string, or null."""
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
    resource = whole(document).resource
    listed = []
    for name, schema in document.get("properties", {}).items():
        about = schema if isinstance(schema, dict) else {}
        places = in_place([Subschema(resource.around(about), about)], certain=True)
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
    """Give the document's example payloads."""
    shown = document.get("examples", [])
    return shown if isinstance(shown, list) else []


def reactions(document: Mapping[str, Any]) -> dict[str, str]:
    """Give each service's reaction, where the document states it."""
    said = document.get(REACTIONS, {})
    return {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}


def example_event(event_type: "EventType", service: str) -> dict[str, Any] | None:
    """Make a complete event of a document's first example; None without one."""
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
