"""What schemas mention: numbers, sizes, literals, names. Near these they differ."""

from collections.abc import Iterator
from itertools import chain, count
from typing import Any, NamedTuple

from medtrack_cli.events.compatibility.normal_form import Schema, text


class Clues(NamedTuple):
    """The values that the schemas at hand mention, each once.

    `steps` counts the schemas looked at for one search, which is bounded by them.
    """

    steps: Iterator[int]
    numbers: tuple[float, ...] = ()
    sizes: tuple[int, ...] = ()
    literals: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()


NUMBERS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
)
_SIZES = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"},
)


def clues(*schemas: Schema) -> Clues:
    """Gather the numbers, sizes, literals and field names that stand anywhere in the schemas."""
    found = list(chain.from_iterable(_mentions(each) for each in schemas))

    def of(kind: str) -> tuple[Any, ...]:
        return tuple({text(each): each for name, each in found if name == kind}.values())

    return Clues(count(), of("number"), of("size"), of("literal"), of("name"))


def _mentions(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- JSON
    if isinstance(value, list):
        for each in value:
            yield from _mentions(each)
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key in NUMBERS and isinstance(each, int | float):
            yield "number", each
        elif key in _SIZES and isinstance(each, int):
            yield "size", each
        elif key == "const":
            yield "literal", each
        elif key == "enum" and isinstance(each, list):
            yield from (("literal", literal) for literal in each)
        elif key == "properties" and isinstance(each, dict):
            yield from (("name", name) for name in each)
        yield from _mentions(each)
