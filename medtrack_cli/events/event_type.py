"""One event type in one version, and the models that are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, Field, create_model
from typing_extensions import TypedDict  # pydantic requires this one before Python 3.12

from medtrack_cli.events.envelope import STRICT, AnyEvent, Envelope, Payload
from medtrack_cli.events.fields import FieldType, fields_of

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type in one version.

    A built-in type has its payload's model; an added one the payload's JSON Schema as `document`,
    compiled in `validator`.
    """

    name: str
    version: str
    description: str
    published_by: str
    emitted_by_medtrack: bool
    reactions: Mapping[str, str]
    fields: tuple[FieldType, ...]
    colour: str = "default"
    payload: type[Payload] | None = None
    document: dict[str, Any] | None = None
    validator: "Draft202012Validator | None" = None


def built_in_type(payload: type[Payload]) -> EventType:
    """Make a built-in type from its payload's class."""
    return EventType(
        name=payload.event_type,
        version=payload.version,
        description=(payload.__doc__ or "").strip(),
        published_by=payload.published_by,
        emitted_by_medtrack=payload.emitted_by_medtrack,
        reactions=payload.reactions,
        fields=tuple(fields_of(payload)),
        colour=payload.colour,
        payload=payload,
    )


def envelope_of(event_type: EventType) -> type[Envelope]:
    """Make the model of a whole event of a type; an added type's payload may be any object."""
    payload = event_type.payload
    name = payload.__name__ if payload else "Added"
    narrowed: dict[str, Any] = {
        "event_type": (Literal[event_type.name], Field(description="what happened"))
    }
    if payload:
        narrowed["payload"] = (payload, Field(description="what it happened to"))
    base = Envelope if payload else AnyEvent
    doc = event_type.description or None
    return create_model(f"{name}Event", __base__=base, __doc__=doc, **narrowed)


def event_shape(event_type: str, payload: type[Payload]) -> Any:  # noqa: ANN401 -- a type made at run time
    """Make the TypedDict of a built-in type's event: its model's rules, for the hot path.

    Making a dict of an event takes about a quarter less time than making its model's objects.
    """
    fields = _fields(Envelope)
    fields |= {"event_type": Literal[event_type], "payload": _shape(payload, _fields(payload))}
    return _shape(payload, fields)


def _shape(model: type[BaseModel], fields: dict[str, Any]) -> Any:  # noqa: ANN401
    make: Any = TypedDict  # type checkers know only its written-out form
    shape = make(model.__name__, fields)
    shape.__pydantic_config__ = STRICT
    return shape


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Give each field's type with its value's rules."""
    return {
        name: kind if info.is_required() else NotRequired[kind]
        for name, info in model.model_fields.items()
        for kind in [
            Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        ]
    }
