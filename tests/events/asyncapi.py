"""What the tests of the AsyncAPI document describe: the samples, and one added type."""

from typing import Any

from medtrack_cli.events.registry import event_types
from tests.builders import event

EXAMPLES = {name: event(name) for name in event_types()}

ADDED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:example:invoice",
    "description": "An invoice has been sent.",
    "type": "object",
    "properties": {
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
        "replaces": {"$ref": "#"},
    },
    "required": ["lines"],
    "additionalProperties": False,
    "$defs": {
        "Line": {
            "type": "object",
            "properties": {"amount": {"type": "number"}},
            "required": ["amount"],
        }
    },
    "x-published-by": "the service that bills",
    "x-reactions": {"COMM": "notifies the student"},
}
"""A type whose schema refers to itself, whole and in part."""
