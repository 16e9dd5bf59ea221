"""The AsyncAPI document before the official parser."""

from copy import deepcopy
from typing import Any

import pytest

from medtrack_cli.events.asyncapi import asyncapi_document
from medtrack_cli.events.registry import event_types, extended
from tests.events.asyncapi import ADDED, EXAMPLES
from tests.interop.conftest import Node

NEWER = "asyncapi-latest-version"
"""All that the parser has against 3.0.0: it recommends its newest."""


def document(asyncapi: str = "3.0.0") -> dict[str, Any]:
    """Export the built-in types and one added in two versions."""
    known = extended([("invoice.sent", "1.0", ADDED), ("invoice.sent", "1.1", ADDED)])
    return asyncapi_document(
        known, exchange="medtrack.events", version="1.0", examples=EXAMPLES, asyncapi=asyncapi
    )


@pytest.mark.parametrize(("asyncapi", "codes"), [("3.0.0", [NEWER]), ("3.1.0", [])])
def test_the_parser_finds_no_problem(node: Node, asyncapi: str, codes: list[str]) -> None:
    """The parser finds a channel for each routing key with its messages, and no problem."""
    said = node.answer("asyncapi.cjs", document(asyncapi))
    assert [each["code"] for each in said["problems"]] == codes
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
