"""What `schema export` writes, as other tools read it."""

import json

import jsonschema_rs
import pytest

from medtrack_cli.events.registry import event_types
from tests.cli.tool import Tool


def test_asyncapi_document_has_a_channel_for_each_type(tool: Tool) -> None:
    """One AsyncAPI document of all types: each routing key a channel on the topic exchange."""
    document = json.loads(tool.run("schema", "export", "--format", "asyncapi").out)
    assert document["channels"].keys() == event_types().keys()
    for name, channel in document["channels"].items():
        assert channel["address"] == name
        assert channel["bindings"]["amqp"]["exchange"]["name"] == "medtrack.events"
        assert channel["bindings"]["amqp"]["exchange"]["type"] == "topic"


@pytest.mark.parametrize("version", ["3.0.0", "3.1.0"])
def test_asyncapi_version_is_chosen(tool: Tool, version: str) -> None:
    """3.0.0 is the default and 3.1.0 can be asked for: the same document but for the number."""
    plain = tool.run("schema", "export", "--format", "asyncapi")
    chosen = tool.run("schema", "export", "--format", "asyncapi", "--asyncapi-version", version)
    assert (plain.code, chosen.code) == (0, 0)
    default, asked = json.loads(plain.out), json.loads(chosen.out)
    assert (default.pop("asyncapi"), asked.pop("asyncapi")) == ("3.0.0", version)
    assert default == asked


def test_asyncapi_version_of_another_form_is_refused(tool: Tool) -> None:
    """The version of AsyncAPI means nothing to a JSON Schema, and is refused there."""
    ran = tool.run("schema", "export", "--asyncapi-version", "3.1.0")
    assert (ran.code, ran.out) == (2, "")
    assert "--format asyncapi" in ran.err


def test_one_type_can_be_exported_alone(tool: Tool) -> None:
    """With a type named, both forms are of that type only."""
    alone = tool.run("schema", "export", "stage.created", "--format", "asyncapi")
    assert list(json.loads(alone.out)["channels"]) == ["stage.created"]
    schema = json.loads(tool.run("schema", "export", "stage.created").out)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["title"] == "stage.created"
