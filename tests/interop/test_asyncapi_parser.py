"""The AsyncAPI document before the official parser."""

from copy import deepcopy
from typing import Any

from medtrack_cli.events.asyncapi import asyncapi_document
from medtrack_cli.events.registry import event_types, extended
from tests.events.asyncapi import ADDED, EXAMPLES
from tests.interop.conftest import Node


def document() -> dict[str, Any]:
    """Export the built-in types and one added in two versions."""
    known = extended([("invoice.sent", "1.0", ADDED), ("invoice.sent", "1.1", ADDED)])
    return asyncapi_document(known, exchange="medtrack.events", version="1.0", examples=EXAMPLES)


def test_the_parser_has_nothing_to_say(node: Node) -> None:
    """The parser finds a channel for each routing key with its messages, and no problem."""
    said = node.answer("asyncapi.cjs", document())
    assert said["problems"] == []
    assert dict(said["messages"]) == {**dict.fromkeys(event_types(), 1), "invoice.sent": 2}


def test_the_parser_sees_what_is_wrong(node: Node) -> None:
    """A document with a newer binding than the parser knows, or a lost reference, is refused."""
    newer = document()
    newer["channels"]["student.created"]["bindings"]["amqp"]["bindingVersion"] = "0.4.0"
    lost = deepcopy(document())
    del lost["components"]["messages"]["student.created-1.0"]
    for wrong in (newer, lost):
        assert [
            each for each in node.answer("asyncapi.cjs", wrong)["problems"] if each["severity"] == 0
        ]
