#!/usr/bin/env python3
"""Write medtrack_cli/events/built_in.json, read off the models of events, or --check it.

It holds each type's description, and its rules for pydantic's core: commands read them there, for
importing pydantic and making the models takes as long as all the rest of a short one.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin

from generated import write_or_check
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict  # pydantic requires this one before Python 3.12

from medtrack_cli.events.envelope import STRICT, AnyEvent, Payload
from medtrack_cli.events.event_type import FieldType
from medtrack_cli.events.formats import EXPLANATIONS, Mark
from medtrack_cli.events.types import payloads

_SIMPLE = {int: "whole number", float: "number", bool: "boolean"}


def described() -> dict[str, Any]:
    """Give all of it: the envelope's schema, and each type."""
    return {
        "envelope": _core_schema(AnyEvent),
        "types": [_described(each) for each in payloads()],
    }


def _described(payload: type[Payload]) -> dict[str, Any]:
    return {
        "name": payload.event_type,
        "version": payload.version,
        "description": (payload.__doc__ or "").strip(),
        "published_by": payload.published_by,
        "emitted_by_medtrack": payload.emitted_by_medtrack,
        "reactions": dict(payload.reactions),
        "fields": [
            {**asdict(field), "mark": field.mark and field.mark.name}
            for field in _fields_of(payload)
        ],
        "colour": payload.colour,
        "schema": _core_schema(payload),
    }


def _fields_of(payload: type[BaseModel]) -> Iterator[FieldType]:
    """Read a payload's fields from the model itself: they say more than its JSON Schema."""
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


def _core_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Give a model's rules for pydantic's core, as JSON.

    As those of a TypedDict: making a dict of an event takes about a quarter less time than making
    its model's objects.
    """
    make: Any = TypedDict  # type checkers know only its written-out form
    shape = make(model.__name__, _typed(model))
    shape.__pydantic_config__ = {**STRICT, "defer_build": False}
    plain: dict[str, Any] = _plain(TypeAdapter(shape).core_schema)
    return plain


def _typed(model: type[BaseModel]) -> dict[str, Any]:
    """Give each field's type with its value's rules."""
    return {
        name: kind if info.is_required() else NotRequired[kind]
        for name, info in model.model_fields.items()
        for kind in [
            Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        ]
    }


def _plain(schema: Any) -> Any:  # noqa: ANN401 -- JSON, and classes in it
    """Leave out what the core doesn't need to validate."""
    if isinstance(schema, dict):
        unneeded = {"cls", "ref", "metadata", "computed_fields"}
        return {key: _plain(each) for key, each in schema.items() if key not in unneeded}
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


said = described()
types = ",\n".join(json.dumps(each, ensure_ascii=False) for each in said["types"])
text = f'{{"envelope": {json.dumps(said["envelope"])},\n"types": [\n{types}\n]}}\n'
write_or_check("medtrack_cli/events/built_in.json", text)
