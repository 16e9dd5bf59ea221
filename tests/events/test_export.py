"""The exported schemas as other engines and generators of code read them."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from hypothesis import given

from medtrack_cli.events.asyncapi import asyncapi_document
from medtrack_cli.events.check import check
from medtrack_cli.events.export import json_schema
from medtrack_cli.events.formats import EXPLANATIONS
from medtrack_cli.events.registry import event_types, extended
from tests.builders import encode, event
from tests.events.asyncapi import ADDED
from tests.events.fidelity import KINDS, OPEN_DATES

DIGIT = {
    "type": "object",
    "properties": {"n": {"$ref": "#/$defs/N"}},
    "$defs": {"N": {"type": "number"}},
}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Walk all objects of a document."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from parts(each)


@pytest.fixture
def re2() -> Any:
    """Give the engine, which has no wheel for Python 3.15 yet."""
    return pytest.importorskip("re2")


def test_all_patterns_are_of_re2(re2: Any) -> None:
    """Every pattern of every exported schema compiles in RE2, which all of Go uses."""
    found = {
        each["pattern"]
        for known in event_types().values()
        for each in parts(json_schema(known))
        if "pattern" in each
    }
    assert len(found) >= len(EXPLANATIONS)
    for pattern in found:
        re2.compile(pattern)


@pytest.mark.parametrize(("pattern", "name"), [(p, name) for p, (name, _) in EXPLANATIONS.items()])
def test_re2_draws_the_same_border(re2: Any, pattern: str, name: str) -> None:
    """RE2 takes exactly the texts that the check's own engine takes."""
    mine, other = jsonschema_rs.Draft202012Validator({"pattern": pattern}), re2.compile(pattern)
    seen: Counter[bool] = Counter()

    @given(KINDS[name])
    def agree(text: str) -> None:
        expected = mine.is_valid(text)
        seen[expected] += 1
        assert bool(other.search(text)) is expected, repr(text)

    agree()
    assert min(seen[True], seen[False]) > 0


def test_formats_stand_where_no_engine_refuses_more() -> None:
    """Ids and dates have a format; what the pattern takes is one to Python as well."""
    formats = {
        (known.name, name): field["format"]
        for known in event_types().values()
        for part in parts(json_schema(known))
        for name, field in part.get("properties", {}).items()
        if "format" in field
    }
    fields = {
        (known.name, each.name): each.kind
        for known in event_types().values()
        for each in known.fields
    }
    assert formats == {key: kind for key, kind in fields.items() if kind in {"uuid", "date"}}
    for text in OPEN_DATES:
        assert date.fromisoformat(text).isoformat() == text
    assert UUID("550e8400-e29b-f1d4-07f6-446655440000").variant != "specified in RFC 4122"


@pytest.mark.parametrize("version", ["0.9", "1.0", "1.7", "2.0", "10.0", "11.0"])
def test_the_schema_takes_the_versions_of_its_major(version: str) -> None:
    """A version of another major is refused, as by the check; a higher minor is taken."""
    made = {**event("student.created"), "version": version}
    schema = json_schema(event_types()["student.created"])
    assert jsonschema_rs.is_valid(schema, made) is check(encode(made)).is_valid
    assert jsonschema_rs.is_valid(schema, made) is version.startswith("1.")


def test_a_payload_has_a_name_of_its_own() -> None:
    """The payload's definition is named after the type, built-in or added, and no event is."""
    known = extended([("invoice.sent", "1.0", ADDED), ("room.was_booked", "1.0", DIGIT)])
    names = {each.name: json_schema(each) for each in known}
    assert {name: list(schema["$defs"]) for name, schema in names.items()} == {
        **{
            name: ["".join(word.title() for word in name.split(".")) + "Payload"]
            for name in event_types()
        },
        "invoice.sent": ["InvoiceSentPayload"],
        "room.was_booked": ["RoomWasBookedPayload"],
    }
    made = {**event("student.created"), "event_type": "room.was_booked", "payload": {"n": 1}}
    assert jsonschema_rs.is_valid(names["room.was_booked"], made)
    assert not jsonschema_rs.is_valid(names["room.was_booked"], {**made, "payload": {"n": "1"}})


def test_no_two_schemas_of_a_document_share_a_title() -> None:
    """Titles, by which generators name classes, differ: events, payloads and versions."""
    titled = {**DIGIT, "title": "Student"}
    known = extended([("student.created", "2.0", titled), ("room.booked", "1.0", titled)])
    document = asyncapi_document(known, exchange="e", version="1", examples={})
    titles = [each["title"] for each in document["components"]["schemas"].values()]
    assert len(titles) == len({each.lower() for each in titles}) == 2 * (len(event_types()) + 2)
    assert {"StudentCreatedPayload 1.0", "StudentCreatedPayload 2.0", "RoomBookedPayload"} <= {
        *titles
    }
