"""One event type in one version, its fields, and the models that are made of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, get_args, get_origin

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict  # pydantic requires this one before Python 3.12

from medtrack_cli.events.envelope import STRICT, AnyEvent, Envelope, Payload
from medtrack_cli.events.formats import EXPLANATIONS, Mark

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

_TEXTS = frozenset({"string", *(name for name, _ in EXPLANATIONS.values())})
_LISTS = frozenset(f"list of {text}s" for text in _TEXTS)
_SIMPLE = {int: "whole number", float: "number", bool: "boolean"}
_BARE = tuple(_SIMPLE.values())


@dataclass(frozen=True, slots=True)
class FieldType:
    """A payload field described for people, with the value generated events have there."""

    name: str
    kind: str  # "uuid", "string", "list of strings", "number from 0 to 100"
    required: bool
    description: str
    mark: Mark | None = None
    examples: tuple[Any, ...] = ()
    limits: tuple[float, float] | None = None

    @property
    def quotes(self) -> int | None:
        """How many quotes a value's JSON has, without those in a list; None: unknown."""
        if self.kind in _TEXTS:
            return 2
        return 0 if self.kind in _LISTS or self.kind.startswith(_BARE) else None


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
        fields=tuple(_fields_of(payload)),
        colour=payload.colour,
        payload=payload,
    )


def _fields_of(payload: type[BaseModel]) -> Iterator[FieldType]:
    """Read a payload's fields from the model itself, since making its JSON Schema takes long."""
    for name, info in payload.model_fields.items():
        yield FieldType(
            name=name,
            kind=_kind(info.annotation, _rules(info.metadata)),
            required=info.is_required(),
            description=info.description or "",
            mark=next((each for each in info.metadata if isinstance(each, Mark)), None),
            examples=tuple(info.examples or ()),
            limits=_limits(info),
        )


def _rules(metadata: Iterable[Any]) -> dict[str, Any]:
    return {
        name: value
        for rule in metadata
        for name in ("pattern", "ge", "le")
        if (value := getattr(rule, name, None)) is not None
    }


def _limits(info: FieldInfo) -> tuple[float, float] | None:
    """Give the range of a field that accepts any number in it."""
    rules = _rules(info.metadata)
    is_plain = info.annotation is float and len(info.metadata) == len(rules) == 2
    return (rules["ge"], rules["le"]) if is_plain and "pattern" not in rules else None


def _kind(annotation: Any, rules: dict[str, Any]) -> str:  # noqa: ANN401 -- a type
    """Name what a type allows, in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], _rules(each for part in inner[1:] for each in _parts(part)))
    if origin is list:
        return f"list of {_kind(inner[0], {})}s"
    if origin is Literal:
        return " or ".join(map(str, inner))
    if annotation in _SIMPLE:
        name = _SIMPLE[annotation]
        return f"{name} from {rules['ge']:g} to {rules['le']:g}" if len(rules) == 2 else name
    if annotation is str:
        return EXPLANATIONS.get(rules.get("pattern", ""), ("string",))[0]
    return "object" if isinstance(annotation, type) and issubclass(annotation, BaseModel) else "any"


def _parts(part: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- whatever stands in an Annotated
    return tuple(part.metadata) if isinstance(part, FieldInfo) else (part,)


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
