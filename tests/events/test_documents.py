"""Payload schemas: which documents can be used, and what each keyword says of a payload."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.events.check import check
from medtrack_cli.events.findings import At, Rule, json_pointer
from medtrack_cli.events.formats import EMAIL
from medtrack_cli.events.registry import built_in, extended
from medtrack_cli.events.schemas import documents
from medtrack_cli.events.schemas import problems as document_problems
from tests.events.any_schemas import any_payload

Schema = dict[str, Any]

CANARY = "canary-7Q"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


# JSON Schema Validation 2020-12, section 6 and 7, and Core, sections 10 and 11.
VOCABULARY = """
    type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength
    pattern maxItems minItems uniqueItems maxContains minContains maxProperties minProperties
    required dependentRequired format allOf anyOf oneOf not if then else dependentSchemas
    prefixItems items contains properties patternProperties additionalProperties propertyNames
    unevaluatedItems unevaluatedProperties $ref
"""


def of_field(schema: object) -> Schema:
    """Make a payload schema of one field, f."""
    return {"type": "object", "properties": {"f": schema}}


def doubling(depth: int) -> Schema:
    """Make a small schema in which each reference leads to two of the next."""
    parts: Schema = {
        f"a{number}": {"allOf": [{"$ref": f"#/$defs/a{number + 1}"}] * 2} for number in range(depth)
    }
    return {
        **of_field({"$ref": "#/$defs/a0"}),
        "$defs": {**parts, f"a{depth}": {"type": "string"}},
    }


def found(schema: Schema, payload: object) -> list[tuple[str, str, str]]:
    """List a payload's problems: rule, place, sentence."""
    problems = document_problems.problems(
        schema, documents.validator(schema), payload, ("payload",)
    )
    return [
        (each.rule.value, json_pointer(each.where), each.message + each.suggestion)
        for each in problems
        if isinstance(each.where, tuple)
    ]


KEYWORDS: list[tuple[object, object, str, str]] = [
    ({"required": ["a"]}, {}, "missing_field", "/a"),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "unknown_field", "/b"),
    ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"b": 1}, "unknown_field", "/b"),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "missing_field", "/b"),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, "missing_field", "/b"),
    ({"type": "string"}, 5, "wrong_type", ""),
    ({"type": ["string", "null"]}, 5, "wrong_type", ""),
    ({"type": "integer"}, 1.5, "wrong_type", ""),
    ({"additionalProperties": {"type": "string"}}, {"b": 1}, "wrong_type", "/b"),
    ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": 1}, "wrong_type", "/ab"),
    ({"items": {"type": "string"}}, ["a", 1], "wrong_type", "/1"),
    ({"$ref": "#/$defs/q"}, CANARY, "wrong_type", ""),
    ({"format": "uuid"}, CANARY, "bad_format", ""),
    ({"format": "date-time"}, CANARY, "bad_format", ""),
    ({"minimum": 3}, 1, "out_of_range", ""),
    ({"maximum": 3}, 10, "out_of_range", ""),
    ({"exclusiveMinimum": 3}, 3, "out_of_range", ""),
    ({"exclusiveMaximum": 3}, 3, "out_of_range", ""),
    ({"multipleOf": 0.1}, 0.25, "out_of_range", ""),
    ({"pattern": "^x"}, CANARY, "invalid_value", ""),
    ({"enum": ["a"]}, CANARY, "invalid_value", ""),
    ({"const": 1}, CANARY, "invalid_value", ""),
    ({"minLength": 30}, CANARY, "invalid_value", ""),
    ({"maxLength": 3}, CANARY, "invalid_value", ""),
    ({"minItems": 3}, [CANARY], "invalid_value", ""),
    ({"maxItems": 0}, [CANARY], "invalid_value", ""),
    ({"uniqueItems": True}, [CANARY, CANARY], "invalid_value", ""),
    ({"contains": {"const": 1}}, [CANARY], "invalid_value", ""),
    ({"contains": {}, "minContains": 2}, [CANARY], "invalid_value", ""),
    ({"contains": {}, "maxContains": 1}, [CANARY, 2], "invalid_value", ""),
    ({"unevaluatedItems": False}, [CANARY], "invalid_value", "/0"),
    ({"prefixItems": [{}], "unevaluatedItems": {"type": "null"}}, [1, 1], "wrong_type", "/1"),
    (
        {"contains": {"const": 1}, "unevaluatedItems": {"$ref": "#/$defs/q"}},
        [1, 2, 1],
        "wrong_type",
        "/1",
    ),
    ({"unevaluatedItems": {"unevaluatedItems": False}}, [[CANARY]], "invalid_value", "/0/0"),
    ({"prefixItems": [{}], "items": False}, [1, CANARY], "invalid_value", "/1"),
    ({"minProperties": 3}, {"a": CANARY}, "invalid_value", ""),
    ({"maxProperties": 0}, {"a": CANARY}, "invalid_value", ""),
    ({"propertyNames": {"maxLength": 3}}, {CANARY: 1}, "invalid_value", f"/{CANARY}"),
    ({"propertyNames": {"format": "uuid"}}, {CANARY: 1}, "bad_format", f"/{CANARY}"),
    ({"propertyNames": {"anyOf": [{"const": 1}, False]}}, {"": 1}, "invalid_value", "/"),
    ({"propertyNames": False}, {CANARY: 1}, "invalid_value", f"/{CANARY}"),
    ({"additionalProperties": False}, {"b": 1}, "unknown_field", "/b"),
    ({"unevaluatedProperties": {"type": "null"}}, {"a/b %": 1}, "wrong_type", "/a~1b %"),
    ({"not": {}}, CANARY, "invalid_value", ""),
    ({"anyOf": [{"const": 1}, {"const": 2}]}, CANARY, "invalid_value", ""),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, CANARY, "wrong_type", ""),
    ({"anyOf": [{"items": {"type": "null"}}, {"type": "null"}]}, [CANARY], "wrong_type", "/0"),
    ({"anyOf": [{"maxLength": 1}, {"minLength": 30}]}, CANARY, "invalid_value", ""),
    ({"oneOf": [{}, {}]}, CANARY, "invalid_value", ""),
    ({"allOf": [{"maxLength": 3}]}, CANARY, "invalid_value", ""),
    ({"if": True, "then": {"maxLength": 3}}, CANARY, "invalid_value", ""),
    ({"if": False, "else": False}, CANARY, "invalid_value", ""),
    (False, CANARY, "invalid_value", ""),
]


@pytest.mark.parametrize(
    ("schema", "value", "rule", "pointer"), KEYWORDS, ids=[str(each[0]) for each in KEYWORDS]
)
def test_every_keyword_has_its_rule(schema: object, value: object, rule: str, pointer: str) -> None:
    """What a keyword forbids is one finding with the contract's rule and place, and no value."""
    whole = {**of_field(schema), "$defs": {"q": {"type": "null"}}}
    [(said, where, message)] = found(whole, {"f": value})
    assert (said, where) == (rule, f"/payload/f{pointer}")
    assert CANARY not in message
    assert message.endswith(tuple('abcdefghijklmnopqrstuvwxyz0123456789")?'))


ALLOWED: list[tuple[Schema, object, str, str]] = [
    ({"enum": ["open", "shut", 1, None]}, "shutt", '"open", "shut", 1 or null', '"shut"'),
    ({"enum": ["open", "shut"]}, "SHUT", '"open" or "shut"', '"shut"'),
    ({"enum": ["open", "shut"]}, 5, '"open" or "shut"', ""),
    ({"enum": [1, 2]}, "2", "1 or 2", "2"),
    ({"enum": ["1", "2"]}, 2, '"1" or "2"', '"2"'),
    ({"enum": [f"w{n:03}" for n in range(200)]}, "q", "or one of 191 others", ""),
    ({"enum": [f"w{n:03}" for n in range(200)]}, "w19", '"w000", "w001"', '"w1'),
    ({"const": {"a": [1]}}, {"a": 1}, '{"a": [1]}', ""),
    ({"enum": ["a" * 300] * 2 + ["c" * 300] * 9}, "b", f'"{"a" * 99}… or "cc', ""),
    ({"const": "a" * 300}, "b", f'"{"a" * 199}…', ""),
    ({"anyOf": [{"type": "string", "enum": ["open"]}, {"type": "null"}]}, "opne",
     '"open" or null', '"open"'),
    ({"oneOf": [{"const": "open", "title": "Open"}, {"const": "shut"}]}, "opne",
     '"open" or "shut"', '"open"'),
    ({"pattern": "^[A-Z]{3}$"}, "abcd", "the pattern ^[A-Z]{3}$", ""),
    ({"pattern": "^[A-Z]{3}$"}, "abc", "the pattern ^[A-Z]{3}$", "in upper case"),
    ({"pattern": "^[a-z]{3}$"}, " abc", "the pattern ^[a-z]{3}$", "without the spaces around it"),
    ({"pattern": "^(?:open|shut)$"}, "shu", '"open" or "shut"', '"shut"'),
    ({"pattern": EMAIL}, "abc", "an e-mail address", ""),
    ({"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "null"}]}, "b", "the pattern ^a", ""),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "allowed", "meant"), ALLOWED)
def test_a_finding_says_what_is_allowed(
    schema: Schema, value: object, allowed: str, meant: str
) -> None:
    """What a value or a key may be is told with its finding, and what may have been meant."""
    told = [(of_field(schema), {"f": value}, At.VALUE)]
    if isinstance(value, str):
        told.append((of_field({"propertyNames": schema}), {"f": {value: 1}}, At.KEY))
    for document, payload, at in told:
        validator = documents.validator(document)
        [problem] = document_problems.problems(document, validator, payload, ())
        assert (problem.rule, problem.at) == (Rule.INVALID_VALUE, at)
        assert allowed in problem.message
        assert len(problem.message) < 400
        assert meant in problem.suggestion
        assert bool(meant) is bool(problem.suggestion)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_refused_has_a_finding(seed: int) -> None:
    """Whatever a schema is made of, a payload has findings exactly when the schema refuses it."""
    random = Random(seed)
    document = any_payload(random)
    if not any(True for _ in documents.faults(document)):
        validator = documents.validator(document)
        for payload in ({}, {"a": 1, "b": "x"}, {"a": ["x", 1, {}], "c": {"a": None, "": []}}):
            found = document_problems.problems(document, validator, payload, ())
            assert bool(found) is not validator.is_valid(payload)


def test_every_validating_keyword_is_in_the_table() -> None:
    """The table above leaves out no keyword of JSON Schema 2020-12 that can refuse a value."""
    tried = {keyword for schema, *_ in KEYWORDS if isinstance(schema, dict) for keyword in schema}
    assert set(VOCABULARY.split()) - tried == set()


def test_a_near_miss_is_one_finding() -> None:
    """A missing field beside an unknown near-twin is one unknown_field, as in built-in types."""
    schema = {**of_field({}), "required": ["f_name"], "additionalProperties": False}
    schema["properties"] = {"f_name": {}}
    assert [each[:2] for each in found(schema, {"f_nmae": 1})] == [
        ("unknown_field", "/payload/f_nmae")
    ]


def test_all_findings_are_told() -> None:
    """Several faults of one payload are all found, not the first."""
    schema = {
        **of_field({"type": "string"}),
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert sorted(each[0] for each in found(schema, {"f": 1, "zzzzzzz": 2})) == [
        "missing_field",
        "missing_field",
        "unknown_field",
        "wrong_type",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abf"), inner),
    max_leaves=6,
)


@given(
    st.sampled_from(KEYWORDS),
    JSON
    | st.text("xyz", max_size=4).map(lambda text: CANARY + text)
    | st.lists(st.just(CANARY), max_size=3)
    | st.dictionaries(st.sampled_from("abf"), st.just(CANARY)),
)
def test_no_message_holds_a_value(case: tuple[object, ...], value: object) -> None:
    """Whatever a schema refuses, its finding tells no value, is in the payload, and has words."""
    whole = {**of_field(case[0]), "$defs": {"q": {"type": "null"}}}
    for _, where, message in found(whole, {"f": value}):
        assert CANARY not in message
        assert where.startswith("/payload/f")
        assert message


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        (True, (), "a schema is an object"),
        ([], (), "a schema is an object"),
        ({"properties": {}}, (), '"type": "object"'),
        ({"type": "objekt"}, ("type",), "not JSON Schema 2020-12"),
        (of_field({"minLength": "x"}), ("properties", "f", "minLength"), "not JSON Schema"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",), "2020-12"),
        ({"$schema": "https://example.org/none", "type": "object"}, ("$schema",), "2020-12"),
        ({"$schema": 5, "type": "object"}, ("$schema",), "2020-12"),
        (of_field({"$ref": "https://example.org/x"}), ("properties", "f", "$ref"), "same document"),
        (of_field({"$ref": "other.json"}), ("properties", "f", "$ref"), "same document"),
        (of_field({"$ref": "#/$defs/none"}), (), "can't be compiled"),
        (of_field({"format": "postcode"}), (), "postcode"),
        (of_field({"pattern": "("}), (), "can't be compiled"),
        (doubling(25), (), "unfold into more than 10,000 schemas"),
    ],
    ids=str,
)
def test_documents_that_cannot_be_used(document: object, path: tuple[str, ...], words: str) -> None:
    """A document that is no 2020-12 schema for a payload, or leads elsewhere, has one fault."""
    [(where, sentence)] = documents.faults(document)
    assert where == path
    assert words in sentence


def test_a_schema_that_may_be_recursive() -> None:
    """A document may refer to itself; it is usable, and its texts are known to be texts."""
    tree: Schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "left": {"$ref": "#"}},
    }
    assert list(documents.faults(tree)) == []
    assert documents.wants_text(tree, ("left", "left", "name"))
    assert not documents.wants_text(tree, ("left", "left"))


@pytest.mark.timeout(20)
def test_references_are_followed_once() -> None:
    """Schemas that are reached in ever more ways, or by a very long one, are soon walked."""
    described = documents.describe_fields(doubling(60))
    assert [(name, kind) for name, kind, *_ in described] == [("f", "string")]
    assert documents.wants_text(doubling(60), ("f",))
    chain: Schema = {f"a{number}": {"$ref": f"#/$defs/a{number + 1}"} for number in range(5000)}
    long = {**of_field({"$ref": "#/$defs/a0"}), "$defs": {**chain, "a5000": {"type": "string"}}}
    assert list(documents.faults(long)) == []
    assert documents.wants_text(long, ("f",))
    twice = {"allOf": [{"properties": {"f": {"$ref": "#"}}}, {"properties": {"f": {"$ref": "#"}}}]}
    assert not documents.wants_text({"type": "object", **twice}, ("f",) * 60)


def test_words_of_data_are_no_keywords() -> None:
    """Values and fields with the names of keywords are no schemas, and harm nothing."""
    data = {"allOf": 5, "then": "#x", "$ref": 5, "dependentSchemas": [1], "$anchor": 1, "not": {}}
    named: Schema = {name: {"type": "string"} for name in data}
    schema: Schema = {"type": "object", "properties": named, "const": data, "examples": [data]}
    assert list(documents.faults(schema)) == []
    assert all(documents.wants_text(schema, (name,)) for name in data)


@pytest.mark.parametrize(
    ("schema", "path", "expected"),
    [
        ({"type": "string"}, (), True),
        ({"type": ["string", "null"]}, (), True),
        ({"type": ["string", "integer"]}, (), False),
        ({"type": "integer"}, (), False),
        ({}, (), False),
        ({"$ref": "#/$defs/text"}, (), True),
        ({"$ref": "#/$defs/none"}, (), False),
        ({"allOf": [{"minLength": 1}, {"$ref": "#/$defs/text"}]}, (), True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, (), True),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, (), False),
        ({"enum": ["01", "02"]}, (), True),
        ({"const": "01"}, (), True),
        ({"enum": ["01", 2]}, (), False),
        ({"type": "array", "items": {"type": "string"}}, (3,), True),
        ({"allOf": [{"items": {"$ref": "#/$defs/text"}}]}, (0,), True),
        ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, (0,), False),
        ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, (1,), True),
        ({"additionalProperties": {"type": "string"}}, ("any",), True),
        ({"additionalProperties": False}, ("any",), False),
        ({"unevaluatedProperties": {"type": "string"}}, ("any",), True),
        ({"unevaluatedItems": {"type": "string"}}, (0,), True),
        ({"patternProperties": {"^c_": {"type": "string"}}}, ("c_y",), True),
        ({"patternProperties": {"^c_": {"type": "string"}}}, ("y",), False),
        (
            {"patternProperties": {"^c": {}}, "additionalProperties": {"type": "string"}},
            ("c",),
            False,
        ),
        (
            {"patternProperties": {"^c": {}}, "additionalProperties": {"type": "string"}},
            ("y",),
            True,
        ),
        ({"patternProperties": {"^\\p{Lu}": {"type": "string"}}}, ("É",), True),
        ({"$ref": "#txt"}, (), True),
        ({"$dynamicRef": "#txt"}, (), True),
        ({"$ref": "#none"}, (), False),
        ({"$ref": "#/$defs/list/allOf/1"}, (), True),
        ({"$ref": "#/$defs/list/allOf/7"}, (), False),
        ({"$ref": "#/$defs/a%20b~1%25"}, (), True),
        ({"$ref": "#/%24defs/text"}, (), True),
        ({"$id": "urn:own", "$ref": "#txt", "$defs": {"t": {"$anchor": "txt"}}}, (), False),
        ({"$id": "urn:own", "$ref": "#/$defs/text", "$defs": {"text": {}}}, (), False),
        ({"if": {"type": "integer"}, "then": {"type": "string"}}, (), True),
        ({"if": {}, "then": {"type": "string"}, "else": {"type": "integer"}}, (), False),
        ({"then": {"properties": {"a": {"type": "string"}}}}, ("a",), True),
        ({"dependentSchemas": {"b": {"properties": {"a": {"type": "string"}}}}}, ("a",), True),
    ],
    ids=str,
)
def test_where_texts_are_wanted(
    schema: Schema, path: tuple[str | int, ...], *, expected: bool
) -> None:
    """A YAML scalar keeps its text exactly where the schema allows a string and nothing else."""
    text: Schema = {"type": "string"}
    parts: Schema = {"text": text, "a b/%": text, "anchored": {"$anchor": "txt", **text}}
    whole = {**of_field(schema), "$defs": {**parts, "list": {"allOf": [{}, text]}}}
    assert documents.wants_text(whole, ("f", *path)) is expected


@pytest.mark.parametrize("count", range(len(built_in().names) + 1))
def test_any_number_of_built_in_types_may_have_more_versions(count: int) -> None:
    """With 2.0 of none, some or all built-in types, events of 1.0 and 2.0 are both judged."""
    names = built_in().names
    registry = extended([(name, "2.0", of_field({"type": "string"})) for name in names[:count]])
    for name in names:
        event = {
            "event_type": name,
            "payload": {"f": 1},
            "service": "tests",
            "timestamp": "2025-01-15T10:00:00Z",
        }
        for version in ("1.0", "2.0"):
            verdict = check(json.dumps({**event, "version": version}).encode(), registry)
            rules = {each.rule.value for each in verdict.problems}
            assert verdict.event_type == name
            if version == "1.0":
                assert "unknown_field" in rules
            else:
                assert rules >= ({"wrong_type"} if name in names[:count] else {"unknown_version"})
