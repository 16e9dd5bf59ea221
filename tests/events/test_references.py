"""References of payload schemas: into embedded resources they lead, in data they are data."""

from random import Random
from typing import Any

import jsonschema_rs
import pytest

from medtrack_cli.events.asyncapi import asyncapi_document
from medtrack_cli.events.check import check
from medtrack_cli.events.compatibility import Answer, compare
from medtrack_cli.events.compatibility.normal_form import inlined
from medtrack_cli.events.export import json_schema
from medtrack_cli.events.registry import extended
from medtrack_cli.events.schemas import documents
from tests.builders import encode
from tests.events.any_schemas import any_payload

Schema = dict[str, Any]

CODE: Schema = {"type": "string", "minLength": 2}
PLAIN: Schema = {
    "type": "object",
    "properties": {"a": CODE, "b": {"type": "array", "items": {**CODE, "maxLength": 3}}},
}


def bundled(reference: str, identity: str, part: Schema = CODE, top: str = "urn:top") -> Schema:
    """Make the plain schema as a bundler does: its parts have identities and refer by them."""
    item = {"$id": "https://example.org/item", "$ref": reference, "maxLength": 3}
    return {
        "$id": top,
        "type": "object",
        "properties": {
            "a": {"$ref": reference},
            "b": {"type": "array", "items": {"$ref": "https://example.org/item"}},
        },
        "$defs": {"code": {"$id": identity, **part}, "item": item},
    }


ANCHORED: Schema = {"$defs": {"c": {"$anchor": "code", **CODE}}}
BUNDLED = {
    "absolute": bundled("https://example.org/code", "https://example.org/code"),
    "urn": bundled("urn:example:code", "urn:example:code"),
    "empty fragment": bundled("urn:example:code#", "urn:example:code"),
    "inner pointer": bundled("urn:example:code#/$defs/c", "urn:example:code", ANCHORED),
    "inner anchor": bundled("urn:example:code#code", "urn:example:code", ANCHORED),
    "relative to the top's identity": bundled(
        "https://example.org/a/code.json", "code.json", top="https://example.org/a/top.json"
    ),
    "relative to another's": bundled("/code.json", "https://example.org/code.json",
                                     top="https://example.org/a/top.json"),
    "itself by name": {**PLAIN, "$id": "https://example.org/top",
                       "properties": {**PLAIN["properties"],
                                      "a": {"$ref": "https://example.org/top#/$defs/c"}},
                       "$defs": {"c": CODE}},
    "no base at all": {**PLAIN, "properties": {**PLAIN["properties"],
                                               "a": {"$ref": "./code.json"}},
                       "$defs": {"c": {"$id": "code.json", **CODE}}},
    "old definitions": {**PLAIN, "properties": {**PLAIN["properties"], "a": {"$ref": "urn:c"}},
                        "definitions": {"c": {"$id": "urn:c", **CODE}}},
}  # fmt: skip


def whole(payload: object, version: str = "1.0") -> Schema:
    """Make an event of a type that is added."""
    event = {"event_type": "door.moved", "payload": payload, "service": "tests"}
    return {**event, "timestamp": "2025-01-15T10:00:00Z", "version": version}


PAYLOADS: list[tuple[object, list[tuple[str, ...]]]] = [
    ({"a": "ab", "b": ["ab", "abc"]}, []),
    ({"a": "a", "b": []}, [("payload", "a")]),
    ({"a": 1, "b": ["abcd"]}, [("payload", "a"), ("payload", "b", 0)]),  # type: ignore[list-item]
]


@pytest.mark.parametrize("document", BUNDLED.values(), ids=list(BUNDLED))
def test_a_bundled_schema_is_the_plain_one(document: Schema) -> None:
    """What a bundler wrote is used, described, exported and compared as what it was made of."""
    assert list(documents.faults(document)) == []
    assert documents.wants_text(document, ("a",))
    assert documents.wants_text(document, ("b", 0))
    described = documents.describe_fields(document)
    assert [(name, kind) for name, kind, *_ in described] == [("a", "string"), ("b", "array")]
    registry = extended([("door.moved", "1.0", document)])
    [known] = [each for each in registry if each.name == "door.moved"]
    exported = jsonschema_rs.Draft202012Validator(json_schema(known), offline=True)
    for payload, places in PAYLOADS:
        found = check(encode(whole(payload)), registry).problems
        assert [each.where for each in found] == places
        assert exported.is_valid(whole(payload)) is not bool(places)
    compared = compare(document, PLAIN)
    assert (compared.backward, compared.forward) == (Answer.YES, Answer.YES)


@pytest.mark.parametrize("document", BUNDLED.values(), ids=list(BUNDLED))
def test_asyncapi_has_pointers_alone(document: Schema) -> None:
    """In an AsyncAPI document a bundled schema refers by pointers, and means the same."""
    [known] = [e for e in extended([("door.moved", "1.0", document)]) if e.name == "door.moved"]
    made = asyncapi_document([known], exchange="e", version="1", examples={})
    schema = {**made, "$ref": "#/components/schemas/door.moved-1.0-payload"}
    validator = jsonschema_rs.Draft202012Validator(schema, offline=True)
    for payload, places in PAYLOADS:
        assert validator.is_valid(payload) is not bool(places)


@pytest.mark.parametrize(
    ("reference", "identity"),
    [
        ("https://example.org/other", "https://example.org/code"),
        ("code.json", "https://example.org/code.json"),
        ("urn:example:code", "urn:example:Code"),
        ("http://[", "http://example.org"),
    ],
)
def test_a_reference_that_leaves_the_document_is_a_fault(reference: str, identity: str) -> None:
    """What no part of the document is called is told where it is referred to."""
    document = bundled(reference, identity)
    del document["$defs"]["item"]["$ref"]
    [(path, sentence)] = documents.faults(document)
    assert path == ("properties", "a", "$ref")
    assert "same document" in sentence


def test_resources_may_refer_to_each_other() -> None:
    """Embedded resources that lead into each other for ever are judged, compared, and proved."""
    door: Schema = {"$id": "https://example.org/door", "type": "object"}
    door["properties"] = {"room": {"$ref": "room"}, "code": CODE}
    room: Schema = {"$id": "https://example.org/room", "type": "object"}
    room["properties"] = {"door": {"$ref": "door#"}, "of": {"$ref": "#"}}
    document: Schema = {
        "type": "object",
        "properties": {"a": {"$ref": "https://example.org/room"}},
        "$defs": {"d": door, "r": room},
    }
    assert list(documents.faults(document)) == []
    deep = ("a", "of", "door", "room", "of", "door", "code")
    assert documents.wants_text(document, deep)
    narrowed = {**document, "$defs": {"d": {**door, "required": ["code"]}, "r": room}}
    compared = compare(document, narrowed)
    assert compared.backward is Answer.NO
    assert [each.pointer for each in compared.changes] == ["/a/door/code"]


@pytest.mark.parametrize("seed", range(60))
def test_references_written_out_mean_the_same(seed: int) -> None:
    """Whatever refers to whatever, a schema judges payloads as it does with its references."""
    document = any_payload(Random(seed))
    if not any(True for _ in documents.faults(document)):
        validator = documents.validator(document)
        try:
            written_out = documents.compiled(inlined(document))
        except ValueError:
            return  # what is compared then is in doubt
        for payload in ({}, {"a": 1, "b": "x"}, {"a": ["x", 1, {}], "b": {"a": None, "": []}}):
            assert written_out.is_valid(payload) is validator.is_valid(payload)


DATA: Schema = {"$ref": "https://example.org/elsewhere", "$id": "urn:none", "$anchor": "x"}


@pytest.mark.parametrize(
    "schema",
    [
        {"const": DATA},
        {"enum": [DATA, {"$ref": "#/nowhere"}]},
        {"const": [{"allOf": [DATA]}]},
        {"examples": [DATA], "default": {"properties": {"a": DATA}}},
        {"x-note": DATA, "x-notes": [DATA]},
        {"type": "object", "properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}},
        {"type": "object", "required": ["$ref"], "dependentRequired": {"$ref": ["$id"]}},
    ],
    ids=str,
)
def test_data_that_looks_like_a_reference_is_data(schema: Schema) -> None:
    """A value, an example or a field's name that reads as a reference refers to nothing."""
    document: Schema = {"type": "object", "properties": {"f": schema}}
    assert list(documents.faults(document)) == []
    shorter = {**document, "properties": {"f": schema, "g": {"type": "string"}}}
    compared = compare(document, shorter)
    assert (compared.backward, compared.forward) == (Answer.YES, Answer.YES)


@pytest.mark.parametrize("keyword", ["const", "enum", "examples", "default", "$defs"])
def test_a_field_may_have_a_keyword_for_a_name(keyword: str) -> None:
    """The schema of a field called const or examples is a schema, in which references count."""
    document: Schema = {"type": "object", "properties": {keyword: {"$ref": "other.json"}}}
    assert [path for path, _ in documents.faults(document)] == [("properties", keyword, "$ref")]
