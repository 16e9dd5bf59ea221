"""The types as JSON Schema 2020-12: payloads, and whole events."""

import re
from typing import Any
from urllib.parse import urljoin

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.formats import SCHEMA_DIALECT
from medtrack_cli.events.models import envelope_of, payload_of
from medtrack_cli.events.schemas.references import BASE
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
    schema = payload_of(event_type).model_json_schema(schema_generator=_PlainSchema)
    return {**schema, "title": payload_name(event_type)}


def json_schema(event_type: EventType, example: Any = None) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """Export one JSON Schema 2020-12 of the whole event, envelope included.

    It accepts the versions of its own major number, as the check does.
    """
    schema = envelope_of(event_type).model_json_schema(schema_generator=_PlainSchema)
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
