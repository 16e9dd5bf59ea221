"""Values that schemas mention: numbers, sizes, literals, names. Differences show near these."""

from collections.abc import Iterator
from itertools import chain, count
from typing import Any, NamedTuple

from medtrack_cli.events.compatibility.normal_form import Schema, text
from medtrack_cli.events.schemas.references import schemas_inside


class Clues(NamedTuple):
    """The values that the schemas mention, each once.

    `steps` counts the schemas visited in one search, and bounds it.
    """

    steps: Iterator[int]
    numbers: tuple[float, ...] = ()
    sizes: tuple[int, ...] = ()
    literals: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()


NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_SIZES = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"},
)


def clues(*schemas: Schema) -> Clues:
    """Collect the numbers, sizes, literals and field names that the schemas mention."""
    found = list(chain.from_iterable(_mentions(each) for each in schemas))

    def of(kind: str) -> tuple[Any, ...]:
        return tuple({text(each): each for name, each in found if name == kind}.values())

    return Clues(count(), of("number"), of("size"), of("literal"), of("name"))


def _mentions(schema: Schema) -> Iterator[tuple[str, Any]]:
    for key, each in schema.items():
        if key in NUMBERS:
            yield "number", each
        elif key in _SIZES:
            yield "size", each
        elif key == "const":
            yield "literal", each
        elif key == "enum":
            yield from (("literal", literal) for literal in each)
        elif key == "properties":
            yield from (("name", name) for name in each)
    for _, part in schemas_inside(schema):
        yield from _mentions(part)
