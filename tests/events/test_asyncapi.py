"""The AsyncAPI document: what it says of each event type."""

import json
from typing import Any

import jsonschema_rs
import pytest

from medtrack_cli.events.asyncapi import asyncapi_document
from medtrack_cli.events.registry import event_types, extended
from tests.events.asyncapi import ADDED, EXAMPLES

DOCUMENT = asyncapi_document(
    event_types().values(), exchange="medtrack.events", version="3.2.1", examples=EXAMPLES
)


def resolved(document: dict[str, Any], reference: dict[str, str]) -> Any:
    """Follow a reference inside a document."""
    value: Any = document
    for name in reference["$ref"].removeprefix("#/").split("/"):
        value = value[name]
    return value


def message(name: str) -> Any:
    """Give the one message of a channel."""
    (reference,) = DOCUMENT["channels"][name]["messages"].values()
    return resolved(DOCUMENT, reference)


def test_each_routing_key_is_a_channel() -> None:
    """Each event type has one channel on the topic exchange, its address the routing key."""
    channels = DOCUMENT["channels"]
    assert {each["address"] for each in channels.values()} == set(event_types())
    assert {json.dumps(each["bindings"]["amqp"]) for each in channels.values()} == {
        json.dumps(
            {
                "is": "routingKey",
                "exchange": {
                    "name": "medtrack.events",
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                    "vhost": "/",
                },
                "bindingVersion": "0.3.0",
            }
        )
    }


def test_a_service_sends_all_but_what_medtrack_emits() -> None:
    """An integrating service sends every type except those that MedTrack itself emits."""
    actions = {
        each["channel"]["$ref"].rpartition("/")[2]: each["action"]
        for each in DOCUMENT["operations"].values()
    }
    assert actions.pop("stage.completed") == "receive"
    assert set(actions) == set(event_types()) - {"stage.completed"}
    assert set(actions.values()) == {"send"}


@pytest.mark.parametrize("name", list(event_types()))
def test_messages_describe_their_type(name: str) -> None:
    """A message says what happens then, and its example is valid by its own schema."""
    known, described = event_types()[name], message(name)
    assert known.description in described["description"]
    assert all(
        f"- {service} {deed}" in described["description"]
        for service, deed in known.reactions.items()
    )
    (example,) = described["examples"]
    schema = {**described["payload"], "components": DOCUMENT["components"]}
    assert jsonschema_rs.is_valid(schema, example["payload"])
    assert not jsonschema_rs.is_valid(schema, {**example["payload"], "payload": {}})


def test_every_reference_leads_somewhere() -> None:
    """No reference of the document, with an added type in two versions, is broken."""
    known = extended([("invoice.sent", "1.0", ADDED), ("invoice.sent", "1.1", ADDED)])
    document = asyncapi_document(known, exchange="e", version="1", examples={})
    found = list(references(document))
    assert len(found) > 30
    assert all(resolved(document, {"$ref": each}) for each in found)


def references(value: Any) -> list[str]:
    """List the references in a document."""
    if isinstance(value, list):
        return [found for each in value for found in references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [found for each in value.values() for found in references(each)]


def test_an_added_schema_still_refers_to_itself() -> None:
    """A payload's schema that refers to itself judges the same from inside the document."""
    known = extended([("invoice.sent", "1.0", ADDED)])
    document = asyncapi_document(known, exchange="e", version="1", examples={})
    schema = {
        "$ref": "#/components/schemas/invoice.sent-1.0-payload",
        "components": document["components"],
    }
    line = {"lines": [{"amount": 1}]}
    assert jsonschema_rs.is_valid(schema, {**line, "replaces": line})
    assert not jsonschema_rs.is_valid(schema, {**line, "replaces": {"lines": [{}]}})


NAMED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {"$ref": "#code"},
        "room": {"$ref": "#/%24defs/a%20room"},
        "own": {"$ref": "#/$defs/own"},
        "default": {"$ref": "#code"},
        "kept": {"const": {"$ref": "#code", "$id": "x"}},
        "$anchor": {"$ref": "#code"},
    },
    "$defs": {
        "code": {"$anchor": "code", "type": "string"},
        "a room": {"type": "integer"},
        "own": {
            "$id": "urn:example:own",
            "properties": {"a": {"$ref": "#code"}, "b": {"$ref": "#/$defs/b"}, "c": {"$ref": "#"}},
            "$defs": {"a": {"$anchor": "code", "type": "null"}, "b": {"type": "boolean"}},
        },
    },
}
"""A type whose schema has anchors, and a part with an identity of its own."""


def test_anchors_and_parts_with_an_identity_still_lead_where_they_did() -> None:
    """References by anchor, percent-encoded, or inside a part with its own `$id` are pointers."""
    known = extended([("invoice.sent", "1.0", NAMED), ("invoice.sent", "1.1", NAMED)])
    document = asyncapi_document(known, exchange="e", version="1", examples={})
    parts = document["components"]["schemas"]
    moved = [each for name, each in parts.items() if name.startswith("invoice.sent-1.1")]
    kept = parts["invoice.sent-1.1-payload"]["properties"]["kept"]
    assert kept == NAMED["properties"]["kept"]
    found = [each for each in references(moved) if each != "#code"]
    assert len(found) == 9
    assert all(each.startswith("#/components/schemas/invoice.sent-1.1") for each in found)
    for version in ("1.0", "1.1"):
        place = f"#/components/schemas/invoice.sent-{version}-payload"
        judge = {"$ref": place, "components": document["components"]}
        valid = {
            "code": "x",
            "room": 1,
            "own": {"a": None, "b": True, "c": {"b": True}},
            "default": "x",
            "kept": {"$ref": "#code", "$id": "x"},
            "$anchor": "x",
        }
        assert jsonschema_rs.is_valid(judge, valid)
        wrong: list[dict[str, Any]] = [{"code": 1}, {"room": "x"}, {"own": {"a": "x"}}]
        wrong += [{"own": {"b": 1}}, {"own": {"c": {"b": 1}}}, {"default": 1}, {"$anchor": 1}]
        assert not any(jsonschema_rs.is_valid(judge, each) for each in wrong)


def test_versions_of_a_type_share_a_channel() -> None:
    """Two versions of a type are two messages of one channel, each shown its own example."""
    known = extended([("invoice.sent", "1.0", ADDED), ("invoice.sent", "1.1", ADDED)])
    example = {"version": "1.1", "event_type": "invoice.sent"}
    document = asyncapi_document(
        known, exchange="e", version="1", examples={"invoice.sent": example}
    )
    channel = document["channels"]["invoice.sent"]
    assert list(channel["messages"]) == ["invoice.sent-1.0", "invoice.sent-1.1"]
    shown = {
        name: "examples" in resolved(document, each) for name, each in channel["messages"].items()
    }
    assert shown == {"invoice.sent-1.0": False, "invoice.sent-1.1": True}
    (operation,) = (
        each for name, each in document["operations"].items() if name.endswith("invoice.sent")
    )
    assert len(operation["messages"]) == 2


def test_the_document_holds_no_secret() -> None:
    """The servers are the guide's, and no credential of the guide is in the document."""
    hosts = {each["host"] for each in DOCUMENT["servers"].values()}
    assert hosts == {"rabbitmq.medtrack.com:5672", "localhost:5672"}
    assert '"password"' not in json.dumps(DOCUMENT)
    parts = DOCUMENT["components"] | {"schemas": None}  # where admin is a user's role
    assert '"admin"' not in json.dumps(DOCUMENT | {"components": parts})
    assert DOCUMENT["info"]["version"] == "3.2.1"
