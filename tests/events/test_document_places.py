"""Payload schemas: the place of a problem is that of the value, whatever the keys are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medtrack_cli.events.check import check
from medtrack_cli.events.findings import Path, json_pointer
from medtrack_cli.events.registry import extended
from medtrack_cli.events.schemas import documents
from medtrack_cli.events.schemas import problems as document_problems

Schema = dict[str, Any]

SCORES: Schema = {
    "type": "object",
    "properties": {
        "scores": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}

NODE: Schema = {
    "if": {"type": ["object", "array"]},
    "then": {
        "properties": {"a": {"$ref": "#/$defs/node"}},
        "patternProperties": {"^[0-9]{2}": {"$ref": "#/$defs/node"}},
        "additionalProperties": {"$ref": "#/$defs/node"},
        "prefixItems": [{"$ref": "#/$defs/node"}],
        "items": {"$ref": "#/$defs/node"},
    },
    "else": {"type": "object"},
}
TREE: Schema = {"type": "object", "$ref": "#/$defs/node", "$defs": {"node": NODE}}
"""Refuses every value that is neither object nor list, wherever it stands."""

NAMES = {str: "a string", bool: "a boolean", int: "a number", type(None): "null"}

KEYS = st.sampled_from(["", "0", "7", "07", "007", "+7", "-7", "2024", "a", "a/b", "~1", '"', "\n"])
TREES = st.dictionaries(
    KEYS | st.text(max_size=3),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    ),
    max_size=4,
)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[str, str]]:
    """List what the tree's schema refuses: the place, and the words for the value."""
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for step, each in members:
            yield from leaves(each, (*path, step))
    else:
        yield json_pointer(path), NAMES[type(value)]


@given(TREES)
@example({"2024": 1})
@example({"7": 1, "07": "x", "+7": None})
@example({"": 1, "a": {"": {"": True}}})
@example({"a": [{"0": ["x"]}]})
@example({'"]["': 1, "On instance": 2, "a]:\n    b": 3})
def test_a_problem_stands_at_its_value(payload: dict[str, Any]) -> None:
    """Each refused value is found once, at its own place, and called what it is."""
    problems = document_problems.problems(TREE, documents.validator(TREE), payload, ())
    found = [
        (json_pointer(each.where), each.message.rpartition("not ")[2])
        for each in problems
        if isinstance(each.where, tuple)
    ]
    assert sorted(found) == sorted(leaves(payload))


@pytest.mark.parametrize("key", ["2024", "0", "007", "+7", "", "-1", "9" * 30])
def test_keys_that_look_like_numbers(key: str) -> None:
    """A finding in an object whose keys are numbers stands at the value, as everywhere."""
    event = {
        "event_type": "exam.marked",
        "payload": {"scores": {"a": 1, key: "x"}},
        "service": "tests",
        "timestamp": "2025-01-15T10:00:00Z",
        "version": "1.0",
    }
    registry = extended([("exam.marked", "1.0", SCORES)])
    [problem] = check(json.dumps(event).encode(), registry).problems
    assert problem.where == ("payload", "scores", key)
    assert problem.message.endswith("must be a whole number, not a string")
