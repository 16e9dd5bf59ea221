"""What `schema diff` says to people is what it found, direction by direction."""

from typing import Any

import pytest

from medtrack_cli.core.compatibility import Compared, Contract
from medtrack_cli.events.compatibility import compare
from medtrack_cli.output.shown.comparisons import ShownComparison
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.style import FULL, Style

Schema = dict[str, Any]


def page(old: Schema, new: Schema) -> list[str]:
    """Compare two schemas of one field and give the page without its proofs."""
    before, after = (
        {"type": "object", "required": ["a"], "properties": {"a": s}} for s in (old, new)
    )
    contracts = Contract("t", "1.0", before), Contract("t", "1.1", after)
    shown = ShownComparison(Compared(*contracts, compare(before, after)))
    lines = shown.lines(Sheet(80, FULL, Style(on=False)))
    return [each for each in lines if "no longer understood" not in each]


PAGES: list[tuple[Schema, Schema, list[str]]] = [
    (
        {"type": "string", "maxLength": 10},
        {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "integer"}]},
        [
            "t 1.0 -> t 1.1: backward no, forward no, full no",
            (
                "  breaking forward: alternative_added at /payload/a: "
                'in anyOf, {"type": "integer"} is new'
            ),
            "  breaking backward: length_tightened at /payload/a: maxLength was 10, is now 5",
        ],
    ),
    (
        {"type": "string", "pattern": "^[A-Z]{3}$"},
        {"type": "string", "pattern": "^[A-Z]{2,3}$"},
        [
            "t 1.0 -> t 1.1: backward undecided, forward no, full no",
            (
                "  breaking forward, undecided backward: pattern_changed at /payload/a: "
                'pattern was "^[A-Z]{3}$", is now "^[A-Z]{2,3}$"'
            ),
        ],
    ),
    (
        {"type": "string", "pattern": "^aa*$"},
        {"type": "string", "pattern": "^a+$"},
        [
            "t 1.0 -> t 1.1: backward undecided, forward undecided, full undecided",
            (
                "  undecided backward and forward: pattern_changed at /payload/a: "
                'pattern was "^aa*$", is now "^a+$"'
            ),
        ],
    ),
    (
        {"type": "string", "maxLength": 10},
        {"type": "string", "allOf": [{"maxLength": 10}, {"maxLength": 5}]},
        [
            "t 1.0 -> t 1.1: backward no, forward yes, full no",
            "  breaking backward: length_tightened at /payload/a: maxLength was 10, is now 5",
            "    deploy the writers first, everywhere",
        ],
    ),
    (
        {"type": "object", "properties": {"x": {}, "y": {}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {}, "y": {}}, "required": ["y"]},
        [
            "t 1.0 -> t 1.1: backward no, forward no, full no",
            "  breaking forward: field_became_optional at /payload/a/x: x is no longer required",
            "  breaking backward: field_became_required at /payload/a/y: y is now required",
        ],
    ),
    (
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"x": {}}, "description": "d"},
        [
            "t 1.0 -> t 1.1: backward yes, forward yes, full yes",
            "  compatible: description_changed at /payload/a: the description changed",
            "  compatible: field_added_optional at /payload/a/x: x is new and optional",
        ],
    ),
    (
        {"type": "string", "pattern": "^a"},
        {"type": "string", "pattern": "^a", "allOf": [{"pattern": "b$"}]},
        [
            "t 1.0 -> t 1.1: backward no, forward yes, full no",
            (
                "  breaking backward: constraint_changed at /payload/a: "
                'in allOf, {"pattern": "b$"} is new'
            ),
            "    deploy the writers first, everywhere",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), PAGES)
def test_each_change_is_told_as_it_is_judged(old: Schema, new: Schema, expected: list[str]) -> None:
    """A change's label has each direction once, by its answer, and no order that can't help."""
    assert page(old, new) == expected
