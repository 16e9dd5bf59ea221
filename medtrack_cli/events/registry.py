"""The event types known, in which versions, and what each looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args

from pydantic import BaseModel, Field, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from medtrack_cli.errors import UsageError
from medtrack_cli.events import evaluation, stage, student, user
from medtrack_cli.events.envelope import AnyEvent, Envelope, Payload
from medtrack_cli.events.findings import Path
from medtrack_cli.events.formats import EXPLANATIONS
from medtrack_cli.events.suggestions import did_you_mean

FAMILIES = (student, user, stage, evaluation)
"""The modules whose payload classes are the built-in types, in the order they are listed in."""

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class FieldType:
    """One payload field as a person reads it."""

    name: str
    kind: str  # "uuid", "string", "list of strings", "number from 0 to 100"
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type in one version."""

    name: str
    version: str
    description: str
    published_by: str
    emitted_by_medtrack: bool
    reactions: Mapping[str, str]
    fields: tuple[FieldType, ...]
    envelope: type[Envelope]


@cache
def event_types() -> Mapping[str, EventType]:
    """Every known type by its name, in the order of FAMILIES."""
    classes = [
        member
        for family in FAMILIES
        for member in vars(family).values()
        if isinstance(member, type) and issubclass(member, Payload) and member is not Payload
    ]
    return {payload.event_type: _event_type(payload) for payload in classes}


def find(name: str) -> EventType:
    """Look a type up by its name; UsageError with the nearest name when there is none."""
    known = event_types()
    if name not in known:
        hint = did_you_mean(name, known) or "medtrack schema list shows them all"
        raise UsageError("no such event type", name, hint=hint)
    return known[name]


def _event_type(payload: type[Payload]) -> EventType:
    envelope = create_model(
        f"{payload.__name__}Event",
        __base__=Envelope,
        __doc__=payload.__doc__,
        event_type=(cast("Any", Literal[payload.event_type]), Field(description="what happened")),
        payload=(payload, Field(description="what it happened to")),
    )
    return EventType(
        name=payload.event_type,
        version=payload.version,
        description=(payload.__doc__ or "").strip(),
        published_by=payload.published_by,
        emitted_by_medtrack=payload.emitted_by_medtrack,
        reactions=payload.reactions,
        fields=tuple(_fields(payload)),
        envelope=envelope,
    )


def _fields(payload: type[Payload]) -> list[FieldType]:
    properties: dict[str, dict[str, Any]] = payload.model_json_schema()["properties"]
    return [
        FieldType(name, _kind(properties[name]), info.is_required(), info.description or "")
        for name, info in payload.model_fields.items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    if schema["type"] == "array":
        return f"list of {schema['items']['type']}s"
    if "minimum" in schema:
        return f"{schema['type']} from {schema['minimum']:g} to {schema['maximum']:g}"
    return EXPLANATIONS[schema["pattern"]][0] if "pattern" in schema else str(schema["type"])


@cache
def any_event() -> TypeAdapter[BaseModel]:
    """Validate one event of any known type, chosen by its `event_type`.

    Build it once a process: it takes milliseconds. `validate_json` is the hot path of all verbs.
    """
    union = Union[tuple(each.envelope for each in event_types().values())]  # type: ignore[valid-type] # noqa: UP007 -- made at run time
    return TypeAdapter(cast("Any", Annotated[union, Field(discriminator="event_type")]))


@cache
def any_envelope() -> TypeAdapter[AnyEvent]:
    """Validate the envelope alone, for an event whose type or version is unknown."""
    return TypeAdapter(AnyEvent)


@cache
def wants_text(event_type: str | None, path: Path) -> bool:
    """Tell whether the model wants a string at this path, so that YAML leaves a scalar its text."""
    known = event_types().get(event_type or "")
    if len(path) == 1:
        return path[0] in Envelope.model_fields and path[0] != "payload"
    if known is None or path[:1] != ("payload",):
        return False
    field = known.envelope.model_fields["payload"].annotation.model_fields.get(path[1])  # type: ignore[union-attr]
    if field is None:
        return False
    expected = field.annotation
    for _ in path[2:]:
        expected = next(iter(get_args(expected)), None)
    return expected is str


class _PlainSchema(GenerateJsonSchema):
    """Schemas for people: without a title on every field, without `default: null`."""

    def get_title_from_name(self, name: str) -> str:  # noqa: ARG002 -- pydantic's hook
        return ""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002
        return False

    def default_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401
        return self.generate_inner(schema["schema"])


def json_schema(event_type: EventType, example: Any = None) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """Export one JSON Schema 2020-12 of the whole event, envelope included."""
    schema = event_type.envelope.model_json_schema(schema_generator=_PlainSchema)
    document = {
        "$schema": SCHEMA_DIALECT,
        "$id": f"urn:medtrack:event:{event_type.name}:{event_type.version}",
        **schema,
        "title": event_type.name,
    }
    return document if example is None else {**document, "examples": [example]}
