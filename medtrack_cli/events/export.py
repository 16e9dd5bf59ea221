"""The types as JSON Schema 2020-12: payloads, and whole events."""

import re
from typing import Any, Literal, cast
from urllib.parse import urljoin

from pydantic import Field, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from medtrack_cli.events.envelope import AnyEvent, Envelope, Payload
from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.formats import SCHEMA_DIALECT
from medtrack_cli.events.schemas.references import BASE
from medtrack_cli.events.types import payloads
from medtrack_cli.events.versions import VERSION_NUMBER, version_numbers


class _PlainSchema(GenerateJsonSchema):
    """Schemas for people: no title on every field, no `default: null`."""

    def get_title_from_name(self, name: str) -> str:  # noqa: ARG002 -- pydantic's hook
        return ""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002
        return False

    def default_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401
        return self.generate_inner(schema["schema"])


def payload_name(event_type: EventType) -> str:
    """Name a type's payload, distinct from the event in generated code: StudentCreatedPayload."""
    words = re.split(r"[._]", event_type.name)
    return "".join(word[:1].upper() + word[1:] for word in words) + "Payload"


def payload_schema(event_type: EventType) -> dict[str, Any]:
    """Give the JSON Schema 2020-12 of a type's payload."""
    if event_type.document is not None:
        return event_type.document
    schema = _payload_of(event_type).model_json_schema(schema_generator=_PlainSchema)
    return {**schema, "title": payload_name(event_type)}


def json_schema(event_type: EventType, example: Any = None) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """Export one JSON Schema 2020-12 of the whole event, envelope included.

    It accepts the versions of its own major number, as the check does.
    """
    schema = _envelope_of(event_type).model_json_schema(schema_generator=_PlainSchema)
    name = payload_name(event_type)
    fields = schema["properties"]
    major, _ = version_numbers(event_type.version)
    fields["version"]["pattern"] = rf"^{major}\.{VERSION_NUMBER}$"
    fields["payload"] = {
        "$ref": f"#/$defs/{name}",
        "description": fields["payload"]["description"],
    }
    payload = payload_schema(event_type)
    if event_type.document is not None or "$defs" in payload:
        # A resource of its own, so that its references still resolve inside it.
        own = urljoin(BASE, f"/{event_type.name}/{event_type.version}/payload")
        payload = {**payload, "$id": urljoin(own, payload.get("$id", ""))}
    document = {
        "$schema": SCHEMA_DIALECT,
        "$id": f"urn:medtrack:event:{event_type.name}:{event_type.version}",
        **schema,
        "$defs": {name: payload},
        "title": event_type.name,
    }
    return document if example is None else {**document, "examples": [example]}


def _payload_of(event_type: EventType) -> type[Payload]:
    """Find a built-in type's payload."""
    wanted = event_type.name, event_type.version
    return next(each for each in payloads() if (each.event_type, each.version) == wanted)


def _envelope_of(event_type: EventType) -> type[Envelope]:
    """Make the model of a whole event of a type; an added type's payload may be any object."""
    narrowed: dict[str, Any] = {
        "event_type": (Literal[event_type.name], Field(description="what happened"))
    }
    name, base = "Added", cast("type[Envelope]", AnyEvent)
    if event_type.document is None:
        payload = _payload_of(event_type)
        name, base = payload.__name__, Envelope
        narrowed["payload"] = (payload, Field(description="what it happened to"))
    doc = event_type.description or None
    return create_model(f"{name}Event", __base__=base, __doc__=doc, **narrowed)
