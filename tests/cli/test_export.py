"""What `schema export` writes, as other tools read it."""

import json

import jsonschema_rs

from medtrack_cli.events.registry import event_types
from tests.cli.tool import Tool


def test_asyncapi_document_has_a_channel_for_each_type(tool: Tool) -> None:
    """One AsyncAPI document of all types: each routing key a channel on the topic exchange."""
    document = json.loads(tool.run("schema", "export", "--format", "asyncapi").out)
    assert document["asyncapi"] == "3.1.0"
    assert document["channels"].keys() == event_types().keys()
    for name, channel in document["channels"].items():
        assert channel["address"] == name
        assert channel["bindings"]["amqp"]["exchange"]["name"] == "medtrack.events"
        assert channel["bindings"]["amqp"]["exchange"]["type"] == "topic"


def test_one_type_can_be_exported_alone(tool: Tool) -> None:
    """With a type named, both forms are of that type only."""
    alone = tool.run("schema", "export", "stage.created", "--format", "asyncapi")
    assert list(json.loads(alone.out)["channels"]) == ["stage.created"]
    schema = json.loads(tool.run("schema", "export", "stage.created").out)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["title"] == "stage.created"
