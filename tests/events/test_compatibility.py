"""The comparison of schemas: who still understands whom, and the proof where they don't."""

import os
import subprocess
import sys
from copy import deepcopy
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.events.compatibility import (
    SENTENCES,
    Answer,
    ChangeRule,
    Comparison,
    Direction,
    compare,
    instance,
)
from medtrack_cli.events.compatibility.folding import folded
from medtrack_cli.events.compatibility.normal_form import inlined, reader, writer
from medtrack_cli.events.compatibility.pattern_texts import matching
from medtrack_cli.events.export import json_schema
from medtrack_cli.events.formats import EXPLANATIONS
from medtrack_cli.events.registry import event_types
from medtrack_cli.events.schemas import documents
from tests.events.any_schemas import any_edit, any_payload, any_schema
from tests.events.schemas import edited, in_parts, schemas, some_instance, some_object

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
NULL: Schema = {"type": "null"}
POINT: Schema = {"type": "object", "properties": {"x": NUMBER}, "required": ["x"]}

UNCHANGED = object()


def payload(optional: Schema | None = None, /, **required: Any) -> Schema:
    """Make a closed payload of required and optional fields."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def field(old: object, new: object, /) -> tuple[Schema, Schema]:
    """Change the schema of the one field of a payload."""
    return payload(a=old), payload(a=new)


def texts(old: Schema, new: Schema) -> tuple[Schema, Schema]:
    """Change what is asked of a text."""
    return field({**TEXT, **old}, {**TEXT, **new})


def numbers(old: Schema, new: Schema) -> tuple[Schema, Schema]:
    """Change what is asked of a number."""
    return field({**NUMBER, **old}, {**NUMBER, **new})


def lists(old: Schema, new: Schema) -> tuple[Schema, Schema]:
    """Change what is asked of a list of texts."""
    plain = {"type": "array", "items": TEXT}
    return field({**plain, **old}, {**plain, **new})


def tree(**fields: Any) -> Schema:
    """Make a payload that holds others of its kind."""
    return payload({"children": {"type": "array", "items": {"$ref": "#"}}}, **fields)


def branches(keyword: str, *alternatives: Any) -> Schema:
    """Make a schema of alternatives."""
    return {keyword: list(alternatives)}


def tagged(kind: str, **fields: Any) -> Schema:
    """Make one branch of a union that a tag tells apart."""
    return payload(kind={"const": kind}, **fields)


R = ChangeRule
CASES: dict[str, tuple[tuple[Any, Any], str, str, ChangeRule | None]] = {
    # validation research, section 2e
    "add optional": ((payload(a=TEXT), payload({"b": TEXT}, a=TEXT)), "yes", "yes",
                     R.FIELD_ADDED_OPTIONAL),
    "add required": ((payload(a=TEXT), payload(a=TEXT, b=TEXT)), "no", "yes",
                     R.FIELD_ADDED_REQUIRED),
    "remove required": ((payload(a=TEXT, b=TEXT), payload(a=TEXT)), "yes", "no", R.FIELD_REMOVED),
    "required to optional": ((payload(a=TEXT), payload({"a": TEXT})), "yes", "no",
                             R.FIELD_BECAME_OPTIONAL),
    "narrow maxLength": (texts({"maxLength": 20}, {"maxLength": 10}), "no", "yes",
                         R.LENGTH_TIGHTENED),
    "widen maxLength": (texts({"maxLength": 10}, {"maxLength": 20}), "yes", "no",
                        R.LENGTH_LOOSENED),
    "uuid to email": (texts({"format": "uuid"}, {"format": "email"}), "no", "no",
                      R.FORMAT_CHANGED),
    "pattern changed": (texts({"pattern": "^[a-c]+$"}, {"pattern": "^[b-d]+$"}), "no", "no",
                        R.PATTERN_CHANGED),
    "type changed": (field(TEXT, WHOLE), "no", "no", R.TYPE_CHANGED),
    # fields
    "nothing": (field(TEXT, TEXT), "yes", "yes", None),
    "remove optional": ((payload({"b": TEXT}, a=TEXT), payload(a=TEXT)), "yes", "yes",
                        R.FIELD_REMOVED),
    "optional to required": ((payload({"a": TEXT}), payload(a=TEXT)), "no", "yes",
                             R.FIELD_BECAME_REQUIRED),
    "rename": ((payload(a=TEXT), payload(b=TEXT)), "no", "no", R.FIELD_ADDED_REQUIRED),
    "required without a property": (
        ({"type": "object", "required": ["a"]}, {"type": "object", "required": ["a", "b"]}),
        "no", "yes", R.FIELD_BECAME_REQUIRED),
    "add optional to a silent schema": (
        ({"type": "object", "properties": {"a": TEXT}},
         {"type": "object", "properties": {"a": TEXT, "b": TEXT}}),
        "yes", "yes", R.FIELD_ADDED_OPTIONAL),
    "add optional to an open schema": (
        ({**payload(a=TEXT), "additionalProperties": True},
         {**payload({"b": TEXT}, a=TEXT), "additionalProperties": True}),
        "no", "yes", R.FIELD_ADDED_OPTIONAL),
    "opened": ((payload(a=TEXT), {**payload(a=TEXT), "additionalProperties": True}),
               "yes", "yes", R.OPENED),
    "closed": (({**payload(a=TEXT), "additionalProperties": True}, payload(a=TEXT)),
               "yes", "yes", R.CLOSED),
    "extra fields get a shape": (
        ({**payload(a=TEXT), "additionalProperties": True},
         {**payload(a=TEXT), "additionalProperties": TEXT}),
        "no", "yes", R.EXTRA_FIELDS_CHANGED),
    "extra fields get another shape": (
        ({"type": "object", "additionalProperties": NUMBER},
         {"type": "object", "additionalProperties": WHOLE}),
        "no", "yes", R.TYPE_NARROWED),
    "a name for what was sent as an extra field": (
        ({**payload(a=TEXT), "additionalProperties": TEXT},
         {**payload({"b": WHOLE}, a=TEXT), "additionalProperties": TEXT}),
        "no", "no", R.FIELD_ADDED_OPTIONAL),
    "a nested object's field": (field(POINT, {**POINT, "required": []}), "yes", "no",
                                R.FIELD_BECAME_OPTIONAL),
    "a nested object's new optional field": (
        field(POINT, {**POINT, "properties": {"x": NUMBER, "y": NUMBER}}), "yes", "yes",
        R.FIELD_ADDED_OPTIONAL),
    # types
    "integer to number": (field(WHOLE, NUMBER), "yes", "no", R.TYPE_WIDENED),
    "number to integer": (field(NUMBER, WHOLE), "no", "yes", R.TYPE_NARROWED),
    "nullable": (field(TEXT, {"type": ["string", "null"]}), "yes", "no", R.TYPE_WIDENED),
    "nullable, as pydantic writes it": (field(TEXT, branches("anyOf", TEXT, NULL)), "yes", "no",
                                        R.TYPE_WIDENED),
    "no longer nullable": (field({"type": ["string", "null"]}, TEXT), "no", "yes",
                           R.TYPE_NARROWED),
    "any type": (field(TEXT, {}), "yes", "no", R.TYPE_WIDENED),
    "nothing fits any more": (field(TEXT, {"not": {}}), "no", "yes", R.CONSTRAINT_CHANGED),
    # values
    "const changed": (field({"const": "1.0"}, {"const": "1.1"}), "no", "no", R.CONST_CHANGED),
    "enum widened": (field({"enum": ["a"]}, {"enum": ["a", "b"]}), "yes", "no", R.ENUM_WIDENED),
    "enum narrowed": (field({"enum": ["a", "b"]}, {"enum": ["b"]}), "no", "yes",
                      R.ENUM_NARROWED),
    "enum changed": (field({"enum": ["a", "b"]}, {"enum": ["b", "c"]}), "no", "no",
                     R.ENUM_CHANGED),
    "enum reordered": (field({"enum": ["a", "b"]}, {"enum": ["b", "a"]}), "yes", "yes", None),
    "text to enum": (field(TEXT, {**TEXT, "enum": ["a"]}), "no", "yes", R.ENUM_NARROWED),
    "1 is not true": (field({"const": 1}, {"const": True}), "no", "no", R.CONST_CHANGED),
    # numbers
    "minimum up": (numbers({"minimum": 0}, {"minimum": 1}), "no", "yes", R.BOUND_TIGHTENED),
    "maximum up": (numbers({"maximum": 20}, {"maximum": 100}), "yes", "no", R.BOUND_LOOSENED),
    "maximum gone": (numbers({"maximum": 20}, {}), "yes", "no", R.BOUND_LOOSENED),
    "bound becomes exclusive": (numbers({"minimum": 0}, {"exclusiveMinimum": 0}), "no", "yes",
                                R.BOUND_TIGHTENED),
    "coarser multiple": (numbers({"multipleOf": 2}, {"multipleOf": 4}), "no", "yes",
                         R.BOUND_TIGHTENED),
    "finer multiple": (numbers({"multipleOf": 0.5}, {"multipleOf": 0.25}), "yes", "no",
                       R.BOUND_LOOSENED),
    "another multiple": (numbers({"multipleOf": 2}, {"multipleOf": 3}), "no", "no",
                         R.BOUND_CHANGED),
    # texts
    "minLength new": (texts({}, {"minLength": 1}), "no", "yes", R.LENGTH_TIGHTENED),
    "pattern new": (texts({}, {"pattern": "^[A-Z]{2}$"}), "no", "yes", R.PATTERN_ADDED),
    "pattern gone": (texts({"pattern": "^[A-Z]{2}$"}, {}), "yes", "no", R.PATTERN_REMOVED),
    "wider pattern": (texts({"pattern": "^a+$"}, {"pattern": "^[ab]+$"}), "undecided", "no",
                      R.PATTERN_CHANGED),
    "same pattern written otherwise": (texts({"pattern": "^aa*$"}, {"pattern": "^a+$"}),
                                       "undecided", "undecided", R.PATTERN_CHANGED),
    "pattern beyond sampling": (texts({"pattern": "^(?=q)q$"}, {"pattern": "^(?=r)r$"}),
                                "undecided", "undecided", R.PATTERN_CHANGED),
    "format new": (texts({}, {"format": "date"}), "no", "yes", R.FORMAT_ADDED),
    "format gone": (texts({"format": "uuid"}, {}), "yes", "no", R.FORMAT_REMOVED),
    "description": (texts({"description": "one"}, {"description": "other"}), "yes", "yes",
                    R.DESCRIPTION_CHANGED),
    "title": (texts({"title": "one"}, {"title": "other", "examples": ["a"]}), "yes", "yes", None),
    # lists
    "items narrowed": (lists({}, {"items": {**TEXT, "minLength": 1}}), "no", "yes",
                       R.LENGTH_TIGHTENED),
    "minItems down": (lists({"minItems": 2}, {"minItems": 1}), "yes", "no", R.LENGTH_LOOSENED),
    "maxItems new": (lists({}, {"maxItems": 3}), "no", "yes", R.LENGTH_TIGHTENED),
    "unique items": (lists({}, {"uniqueItems": True}), "no", "yes", R.LENGTH_TIGHTENED),
    "a pair's second": (
        lists({"prefixItems": [TEXT, TEXT], "minItems": 2, "items": False},
              {"prefixItems": [TEXT, WHOLE], "minItems": 2, "items": False}),
        "no", "no", R.TYPE_CHANGED),
    # alternatives and conditions
    "alternative added": (
        field(branches("anyOf", TEXT, WHOLE), branches("anyOf", TEXT, WHOLE, NULL)),
        "yes", "no", R.ALTERNATIVE_ADDED),
    "alternative removed": (
        field(branches("oneOf", TEXT, WHOLE, NULL), branches("oneOf", TEXT, WHOLE)),
        "no", "yes", R.ALTERNATIVE_REMOVED),
    "optional field of a tagged alternative": (
        field(branches("oneOf", tagged("p", x=TEXT), tagged("q")),
              branches("oneOf", payload({"y": TEXT}, kind={"const": "p"}, x=TEXT), tagged("q"))),
        "yes", "yes", R.FIELD_ADDED_OPTIONAL),
    "required field of a tagged alternative": (
        field(branches("oneOf", tagged("p"), tagged("q")),
              branches("oneOf", tagged("p", x=TEXT), tagged("q"))),
        "no", "yes", R.FIELD_ADDED_REQUIRED),
    "optional field of a composed object": (
        field({"allOf": [POINT, payload({"y": NUMBER}) | {"additionalProperties": True}],
               "unevaluatedProperties": False},
              {"allOf": [POINT, payload({"y": NUMBER}) | {"additionalProperties": True}],
               "properties": {"z": NUMBER}, "unevaluatedProperties": False}),
        "no", "yes", R.FIELD_ADDED_OPTIONAL),
    "a forbidden value": (field(TEXT, {**TEXT, "not": {"const": "text"}}), "no", "yes",
                          R.CONSTRAINT_CHANGED),
    "a condition": (
        (payload({"b": TEXT}, a=TEXT),
         {**payload({"b": TEXT}, a=TEXT),
          "if": {"properties": {"a": {"const": "text"}}}, "then": {"required": ["b"]}}),
        "no", "yes", R.CONSTRAINT_CHANGED),
    "one field asks for another": (
        (payload({"b": TEXT, "c": TEXT}),
         {**payload({"b": TEXT, "c": TEXT}), "dependentRequired": {"b": ["c"]}}),
        "no", "yes", R.CONSTRAINT_CHANGED),
    # references
    "after a reference": (
        ({**payload(a={"$ref": "#/$defs/A"}), "$defs": {"A": TEXT}},
         {**payload(a={"$ref": "#/$defs/B"}), "$defs": {"B": {**TEXT, "maxLength": 3}}}),
        "no", "yes", R.LENGTH_TIGHTENED),
    "resources of their own": (
        field({"$id": "urn:a", "$ref": "#/$defs/A", "$defs": {"A": TEXT}},
              {"$id": "urn:a", "$ref": "#/$defs/A", "$defs": {"A": {**TEXT, "maxLength": 9}}}),
        "no", "yes", R.LENGTH_TIGHTENED),
    "inlined": (({**payload(a={"$ref": "#/$defs/A"}), "$defs": {"A": TEXT}}, payload(a=TEXT)),
                "yes", "yes", None),
    # said in parts, and all at once
    "a sibling of a reference": (
        ({**payload(a={"$ref": "#/$defs/A"}), "$defs": {"A": {**TEXT, "maxLength": 9}}},
         {**payload(a={"$ref": "#/$defs/A", "maxLength": 5}),
          "$defs": {"A": {**TEXT, "maxLength": 9}}}),
        "no", "yes", R.LENGTH_TIGHTENED),
    "a field of what is extended": (
        ({"$ref": "#/$defs/A", "properties": {"b": TEXT}, "unevaluatedProperties": False,
          "$defs": {"A": {"type": "object", "properties": {"a": TEXT}}}},
         {"$ref": "#/$defs/A", "properties": {"b": TEXT}, "unevaluatedProperties": False,
          "$defs": {"A": {"type": "object", "properties": {"a": {**TEXT, "maxLength": 5}}}}}),
        "no", "yes", R.LENGTH_TIGHTENED),
    "moved into allOf": (
        ({"type": "object", "properties": {"a": {**TEXT, "maxLength": 9}}, "required": ["a"]},
         {"type": "object", "allOf": [{"properties": {"a": TEXT}, "required": ["a"]},
                                      {"properties": {"a": {"maxLength": 9}}}]}),
        "yes", "yes", None),
    "moved into allOf, and narrowed": (
        field({**WHOLE, "minimum": 1}, branches("allOf", NUMBER, WHOLE, {"minimum": 2})),
        "no", "yes", R.BOUND_TIGHTENED),
    "moved into the one alternative": (field(TEXT, branches("anyOf", TEXT)), "yes", "yes", None),
    "values with titles": (
        field({"enum": ["a", "b"]},
              branches("oneOf", {"const": "b", "title": "B"}, {"const": "a"})),
        "yes", "yes", None),
    "a type becomes one of two": (field(TEXT, branches("anyOf", TEXT, WHOLE)), "yes", "no",
                                  R.ALTERNATIVE_ADDED),
    "the same one of two": (field(branches("oneOf", TEXT, TEXT), branches("oneOf", TEXT)),
                            "yes", "no", R.ALTERNATIVE_REMOVED),
    "a closed part": (
        ({"type": "object", "allOf": [payload(a=TEXT)]}, payload(a=TEXT)), "yes", "yes", None),
    "alternatives in another order": (
        field(branches("anyOf", TEXT, WHOLE), branches("anyOf", WHOLE, TEXT)), "yes", "yes", None),
    "one of several, reordered": (
        field(branches("oneOf", TEXT, NULL, WHOLE),
              branches("oneOf", WHOLE, NULL, {"type": "boolean"}, TEXT)),
        "yes", "no", R.ALTERNATIVE_ADDED),
    "a second pattern": (
        texts({"pattern": "^a"}, {"pattern": "^a", "allOf": [{"pattern": "b$"}]}),
        "no", "yes", R.CONSTRAINT_CHANGED),
    "optional field of a tree": ((tree(a=TEXT), tree(a=TEXT) | {
        "properties": {**tree(a=TEXT)["properties"], "b": TEXT}}), "yes", "yes",
        R.FIELD_ADDED_OPTIONAL),
    "narrowed field of a tree": ((tree(a=TEXT), tree(a={**TEXT, "minLength": 1})), "no", "yes",
                                 R.LENGTH_TIGHTENED),
}  # fmt: skip


def proves(schemas_: tuple[Schema, Schema], direction: Direction, witness: Any) -> bool:
    """Return whether one side may send the witness and the other refuses it."""
    sent, read = schemas_ if direction is Direction.BACKWARD else schemas_[::-1]
    sends, reads = (
        jsonschema_rs.Draft202012Validator(each, validate_formats=True)
        for each in (writer(inlined(sent)), reader(inlined(read)))
    )
    return bool(sends.is_valid(witness) and not reads.is_valid(witness))


def check_proofs(pair: tuple[Schema, Schema], found: Comparison) -> None:
    """Check that each claim has its proof, and each doubt its change."""
    for direction in Direction:
        answer: Answer = getattr(found, direction)
        broken = [each for each in found.changes if direction in each.breaks]
        doubted = [each for each in found.changes if direction in each.undecided]
        assert (answer is Answer.NO) is bool(broken)
        assert answer is not Answer.UNDECIDED or doubted
        assert answer is not Answer.YES or not doubted
        assert all(proves(pair, direction, each.witnesses[direction]) for each in broken)


@pytest.mark.parametrize("name", CASES)
def test_changes_are_judged(name: str) -> None:
    """Each change gets its two answers and its rule, and every break an event that proves it."""
    pair, backward, forward, rule = CASES[name]
    found = compare(*pair)
    assert (found.backward.value, found.forward.value) == (backward, forward)
    assert rule in {each.rule for each in found.changes} or (rule is None and not found.changes)
    check_proofs(pair, found)


@pytest.mark.parametrize("name", CASES)
def test_directions_mirror_each_other(name: str) -> None:
    """Going back from the new version to the old swaps the two answers."""
    (old, new), *_ = CASES[name]
    there, back = compare(old, new), compare(new, old)
    assert (there.backward, there.forward) == (back.forward, back.backward)


def test_full_needs_both_directions() -> None:
    """FULL is yes only when both directions are, and no as soon as one is."""
    answers = {
        (each.backward, each.forward): each.full
        for each in (compare(*c[0]) for c in CASES.values())
    }
    assert answers[Answer.YES, Answer.YES] is Answer.YES
    assert answers[Answer.YES, Answer.NO] is Answer.NO
    assert answers[Answer.UNDECIDED, Answer.NO] is Answer.NO
    assert answers[Answer.UNDECIDED, Answer.UNDECIDED] is Answer.UNDECIDED


def test_a_break_says_who_deploys_first() -> None:
    """A break of old writers asks for writers first, one of old readers for readers first."""
    found = {
        name: compare(*CASES[name][0])
        for name in ("add required", "remove required", "type changed", "add optional", "rename")
    }
    first = {
        name: [each.deploy_first(change) for change in each.changes] for name, each in found.items()
    }
    assert first == {
        "add required": ["writers"],
        "remove required": ["readers"],
        "type changed": [""],
        "add optional": [""],
        "rename": ["", ""],  # no order helps: either breaks the other side
    }


def test_pointers_lead_into_the_event() -> None:
    """A change's pointer is RFC 6901 and names nested fields and items."""
    old = payload(**{"a/b": {"type": "array", "items": POINT}})
    new = deepcopy(old)
    new["properties"]["a/b"]["items"] = {**POINT, "properties": {"x": WHOLE}}
    (change,) = compare(old, new).changes
    assert change.witness is not None
    assert change.pointer == "/a~1b/0/x"
    assert change.message == "type was number, is now integer"
    assert change.witness["a/b"][0]["x"] != int(change.witness["a/b"][0]["x"])


def test_each_of_several_changes_has_its_own_witness() -> None:
    """Two breaks in one version are told apart, each by an event refused for it alone."""
    found = compare(
        payload(a={**TEXT, "maxLength": 20}, b=NUMBER),
        payload(a={**TEXT, "maxLength": 10}, b=WHOLE),
    )
    witnesses = {each.pointer: dict(each.witness or {}) for each in found.changes}
    assert len(witnesses["/a"]["a"]) > 10
    assert witnesses["/a"]["b"] == int(witnesses["/a"]["b"])
    assert len(witnesses["/b"]["a"]) <= 10
    assert witnesses["/b"]["b"] != int(witnesses["/b"]["b"])


def test_a_doubt_beside_a_break_stays_a_doubt() -> None:
    """A pattern that can't be judged is undecided even where another change breaks."""
    found = compare(
        payload(a={**TEXT, "pattern": "^aa*$"}), payload(a={**TEXT, "pattern": "^a+$"}, b=TEXT)
    )
    by_rule = {each.rule: each for each in found.changes}
    assert found.backward is Answer.NO
    assert by_rule[R.FIELD_ADDED_REQUIRED].breaks == {Direction.BACKWARD}
    assert by_rule[R.PATTERN_CHANGED].undecided == set(Direction)
    assert not by_rule[R.PATTERN_CHANGED].breaks


@pytest.mark.parametrize("name", list(event_types()))
def test_built_in_types_are_compared(name: str) -> None:
    """A built-in type is compatible with itself and with itself plus an optional field."""
    old = json_schema(event_types()[name])
    new = deepcopy(old)
    (definition,) = new["$defs"].values()
    definition["properties"]["nickname"] = {**TEXT, "maxLength": 3}
    assert compare(old, old) == Comparison(Answer.YES, Answer.YES, ())
    found = compare(old, new)
    assert found.full is Answer.YES
    assert [each.pointer for each in found.changes] == ["/payload/nickname"]


@pytest.mark.parametrize("name", list(event_types()))
def test_each_field_of_a_built_in_type_can_break(name: str) -> None:
    """Each required field of a built-in type that becomes a number breaks both sides there."""
    known = event_types()[name]
    old = json_schema(known)
    for each in known.fields:
        new = deepcopy(old)
        (definition,) = new["$defs"].values()
        definition["properties"][each.name] = {"type": "boolean"}
        found = compare(old, new)
        broken = [change for change in found.changes if change.breaks]
        assert [change.pointer for change in broken] == [f"/payload/{each.name}"]
        assert broken[0].breaks == set(Direction)
        check_proofs((old, new), found)


def test_schemas_that_are_none_are_refused() -> None:
    """A schema that can't be compiled is a ValueError, not an answer."""
    with pytest.raises(ValueError, match="not-a-type"):
        compare(payload(a={"type": "not-a-type"}), payload(a=TEXT))


HOSTILE = (r"((a{1000}){1000})", "(" * 3000, "a{4000000000}", "[]", r"\p{L}", "[[a]]", "[^a-z]")


def test_texts_of_a_pattern_are_the_same_in_every_run() -> None:
    """They depend on nothing but the pattern, and one whose repeats multiply takes no time."""
    code = f"from {matching.__module__} import matching\nprint([*map(matching, {HOSTILE})])"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
        for seed in ("1", "2")
    }
    assert printed == {f"{[*map(matching, HOSTILE)]}\n".encode()}
    assert [bool(matching(each)) for each in HOSTILE] == [*[False] * 5, True, True]
    assert all(len(each) <= 10 for each in matching("^a*.{0,3}b+$"))


@pytest.mark.long
def test_doubling_schemas_are_not_unfolded_for_ever() -> None:
    """A schema that doubles itself forty times over is compared in bounded time."""
    doubling: Schema = {f"D{i}": payload({side: {"$ref": f"#/$defs/D{i + 1}"} for side in "lr"})
                        for i in range(40)}  # fmt: skip
    old = {**payload(a={"$ref": "#/$defs/D0"}), "$defs": {**doubling, "D40": TEXT}}
    new = {**payload(a={"$ref": "#/$defs/D0"}), "$defs": {**doubling, "D40": WHOLE}}
    assert compare(old, new).backward is not Answer.YES


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_references_lead_to_what_changed(keyword: str) -> None:
    """A change after a reference, dynamic by its keyword alone, is told where it is used."""
    old, new = (
        {**payload(a={keyword: "#/$defs/m"}), "$defs": {"m": each}} for each in (TEXT, WHOLE)
    )
    found = compare(old, new)
    assert [(each.rule, each.pointer) for each in found.changes] == [
        (ChangeRule.TYPE_CHANGED, "/a")
    ]
    assert found.backward is found.forward is Answer.NO
    check_proofs((old, new), found)


def test_what_stands_beside_an_anchor_can_change() -> None:
    """A reference that stays, as those by anchor do, keeps what it leads to."""
    for keyword, anchor in (("$ref", "$anchor"), ("$dynamicRef", "$dynamicAnchor")):
        part = {"$defs": {"m": {anchor: "m", **TEXT}}}
        old = {**payload(a={keyword: "#m"}), **part}
        new = {**payload({"b": TEXT}, a={keyword: "#m"}), **part}
        found = compare(old, new)
        assert [each.rule for each in found.changes] == [ChangeRule.FIELD_ADDED_OPTIONAL]


@pytest.mark.parametrize("seed", range(40))
def test_a_schema_said_in_parts_is_the_same(seed: int) -> None:
    """However a schema is spread over allOf, at any depth, what changed is told, and no more."""
    random = Random(seed)
    schema = some_object(random, 2)
    for new in (schema, edited(schema, random)):
        told = []
        for other in (new, in_parts(new, random)):
            found = compare(schema, other)
            changes = {(each.rule, each.pointer, each.message) for each in found.changes}
            told.append((found.backward, found.forward, changes))
        assert told[0] == told[1]


@pytest.mark.parametrize("seed", range(80))
def test_what_is_folded_means_the_same(seed: int) -> None:
    """Whatever stands in allOf, a schema that is folded accepts the same payloads."""
    random = Random(seed)
    parts = [any_schema(random, 2) for _ in range(3)]
    schema = {"allOf": parts, **(parts[0] if isinstance(parts[0], dict) else {})}
    document = {"type": "object", "properties": {"a": schema}}
    if not any(True for _ in documents.faults(document)):
        written = inlined(document)
        validators = [documents.compiled(each) for each in (written, folded(written))]
        for value in (
            None,
            True,
            0,
            3,
            -1.5,
            "",
            "ab",
            "12",
            [],
            ["a", 1],
            {},
            {"a": 1, "b": ["a"]},
        ):
            one, other = (each.is_valid({"a": value}) for each in validators)
            assert one is other


def test_two_choices_at_once_are_compared() -> None:
    """A choice that stands in allOf beside another ends no comparison."""
    choice = {"anyOf": [{"minLength": 2}, {"maxLength": 5}]}
    old, new = (field({**TEXT, **choice, "allOf": [each]}, TEXT)[0] for each in (choice, TEXT))
    assert compare(old, new).backward is not Answer.NO


@pytest.mark.parametrize("seed", range(200))
def test_no_pair_of_schemas_is_a_bug(seed: int) -> None:
    """Whatever two usable schemas say, they are compared, and each break is proved."""
    random = Random(seed)
    old = any_payload(random)
    new = any_edit(old, random)
    if not any(True for each in (old, new) for _ in documents.faults(each)):
        assert compare(old, new).full in set(Answer)


def test_every_rule_has_a_sentence() -> None:
    """Each rule is explained in a sentence."""
    assert set(SENTENCES) == set(ChangeRule)
    assert all(each.endswith(".") for each in SENTENCES.values())


@pytest.mark.parametrize("pattern", list(EXPLANATIONS))
def test_instances_of_our_own_patterns_are_found(pattern: str) -> None:
    """A text is made for each pattern that MedTrack's events use."""
    schema = {**TEXT, "pattern": pattern}
    assert jsonschema_rs.is_valid(schema, instance(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {**TEXT, "pattern": r"^\w{3}-\d{2,4}(?:a|b)?[^x-z\]]+\u00e9\.$", "maxLength": 20},
        {**TEXT, "minLength": 300},
        {**NUMBER, "exclusiveMinimum": 3, "exclusiveMaximum": 3.5},
        {**WHOLE, "multipleOf": 7, "minimum": 50, "maximum": 60},
        {"type": "array", "items": WHOLE, "minItems": 3, "uniqueItems": True},
        {"type": "array", "contains": {"const": 4}, "maxItems": 1},
        {"allOf": [POINT, {"required": ["y"], "properties": {"y": {"enum": [5]}}}]},
        {"oneOf": [{**WHOLE, "minimum": 5}, {**WHOLE, "maximum": 7}]},
        {"type": "object", "required": ["a"], "additionalProperties": TEXT},
        tree(a=TEXT),
        *({**TEXT, "format": name} for name in ("uri", "ipv6", "duration", "idn-email", "time")),
    ],
)
def test_instances_are_found(schema: Schema) -> None:
    """An instance is made for what schemas commonly ask, and the schema accepts it."""
    made = instance(schema)
    assert made is not None
    assert jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(made)


def test_no_instance_is_none() -> None:
    """Where no instance is found the answer is None, not an invalid value."""
    assert instance({**TEXT, "minLength": 2, "maxLength": 1}) is None
    assert instance({**TEXT, "pattern": "^(?=x)x$"}) is None


@settings(max_examples=80)
@given(st.data())
def test_a_yes_is_never_contradicted(data: st.DataObject) -> None:
    """Whatever an old or new writer sends at random, a reader said to accept it does."""
    old = data.draw(schemas())
    new = edited(old, data.draw(st.randoms(use_true_random=False)))
    found = compare(old, new)
    check_proofs((old, new), found)
    for answer, sent, read in ((found.backward, old, new), (found.forward, new, old)):
        if answer is not Answer.YES:
            continue
        reads = jsonschema_rs.Draft202012Validator(reader(inlined(read)), validate_formats=True)
        random = Random(1)
        for _ in range(200):
            event = some_instance(sent, random)
            assert reads.is_valid(event), event
