"""The fields of a payload, read from its model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from medtrack_cli.events.formats import EXPLANATIONS, Mark

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


def fields_of(payload: type[BaseModel]) -> Iterator[FieldType]:
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
