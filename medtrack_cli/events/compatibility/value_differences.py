"""What two schemas require of a single value: its type, its limits, its text."""

from collections.abc import Iterator
from fractions import Fraction

from medtrack_cli.events.compatibility.boundaries import NUMBERS
from medtrack_cli.events.compatibility.changes import (
    BACKWARD,
    BOTH,
    FORWARD,
    ChangeRule,
    Difference,
    Place,
)
from medtrack_cli.events.compatibility.normal_form import Schema, text

_TYPES = frozenset({"null", "boolean", "object", "array", "string", "integer", "fraction"})


def types(schema: Schema) -> frozenset[str]:
    """Name the types that a schema allows; a number is an integer or a fraction."""
    kinds = schema.get("type")
    if kinds is None:
        return _TYPES
    listed = {kinds} if isinstance(kinds, str) else set(kinds)
    return frozenset(
        listed - {"number"} | ({"integer", "fraction"} if "number" in listed else set())
    )


def type_change(place: Place, before: frozenset[str], after: frozenset[str]) -> Difference:
    """Say how the types differ."""
    message = f"type was {_words(place.old)}, is now {_words(place.new)}"
    if before < after:
        return place.differs(ChangeRule.TYPE_WIDENED, "type", FORWARD, message)
    if after < before:
        return place.differs(ChangeRule.TYPE_NARROWED, "type", BACKWARD, message)
    return place.differs(ChangeRule.TYPE_CHANGED, "type", BOTH, message)


def _words(schema: Schema) -> str:
    kinds = schema.get("type", "any")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def allowed_values(place: Place) -> Iterator[Difference]:
    """Compare `const` and `enum`."""
    before, after = _values(place.old), _values(place.new)
    narrowed = after is not None and (before is None or not set(before) <= set(after))
    widened = before is not None and (after is None or not set(after) <= set(before))
    message = f"allowed was {_listed(before)}, is now {_listed(after)}"
    if narrowed and widened:
        one_each = "const" in place.old and "const" in place.new
        rule = ChangeRule.CONST_CHANGED if one_each else ChangeRule.ENUM_CHANGED
        yield place.differs(rule, "", BOTH, message)
    elif narrowed:
        yield place.differs(ChangeRule.ENUM_NARROWED, "", BACKWARD, message)
    elif widened:
        yield place.differs(ChangeRule.ENUM_WIDENED, "", FORWARD, message)


def _listed(values: list[str] | None) -> str:
    return "any value" if values is None else " or ".join(values)


def _values(schema: Schema) -> list[str] | None:
    if "const" in schema:
        return [text(schema["const"])]
    return [text(each) for each in schema["enum"]] if "enum" in schema else None


_BOUNDS = (ChangeRule.BOUND_TIGHTENED, ChangeRule.BOUND_LOOSENED)
_LENGTHS = (ChangeRule.LENGTH_TIGHTENED, ChangeRule.LENGTH_LOOSENED)
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "uniqueItems")


def limits(place: Place) -> Iterator[Difference]:
    """Compare the minimum and maximum of numbers, lengths and sizes."""
    for keyword in (*_UPPER, *_LOWER):
        before, after = place.old.get(keyword), place.new.get(keyword)
        if before == after:
            continue
        lower = keyword in _LOWER
        if before is not None and after is not None:
            tighter = (after > before) is lower
        else:
            tighter = before is None
        tightened, loosened = _BOUNDS if keyword in NUMBERS else _LENGTHS
        rule, suspect = (tightened, BACKWARD) if tighter else (loosened, FORWARD)
        yield place.differs(rule, keyword, suspect, _became(keyword, before, after))


def _became(keyword: str, before: object, after: object) -> str:
    if before is None:
        return f"{keyword} {text(after)} is new"
    if after is None:
        return f"{keyword} {text(before)} is gone"
    return f"{keyword} was {text(before)}, is now {text(after)}"


def multiples(place: Place) -> Iterator[Difference]:
    """Compare `multipleOf`."""
    before, after = place.old.get("multipleOf"), place.new.get("multipleOf")
    if before == after:
        return
    message = _became("multipleOf", before, after)
    if after is None or (before and Fraction(str(before)) % Fraction(str(after)) == 0):
        yield place.differs(ChangeRule.BOUND_LOOSENED, "multipleOf", FORWARD, message)
    elif before is None or Fraction(str(after)) % Fraction(str(before)) == 0:
        yield place.differs(ChangeRule.BOUND_TIGHTENED, "multipleOf", BACKWARD, message)
    else:
        yield place.differs(ChangeRule.BOUND_CHANGED, "multipleOf", BOTH, message)


def texts(place: Place) -> Iterator[Difference]:
    """Compare `pattern` and `format` as texts, without reasoning about what they match."""
    for keyword in ("pattern", "format"):
        before, after = place.old.get(keyword), place.new.get(keyword)
        if before == after:
            continue
        message = _became(keyword, before, after)
        if before is None:
            yield place.differs(ChangeRule(f"{keyword}_added"), keyword, BACKWARD, message)
        elif after is None:
            yield place.differs(ChangeRule(f"{keyword}_removed"), keyword, FORWARD, message)
        else:
            yield place.differs(ChangeRule(f"{keyword}_changed"), keyword, BOTH, message)
