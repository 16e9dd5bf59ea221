"""Schemas in one piece: what is in allOf is folded into the schema around it.

Two equivalent schemas are then compared as equal, whether or not one of them is in parts.
"""

from collections.abc import Callable, Mapping
from typing import Any

from jsonschema_rs import is_valid

from medtrack_cli.events.compatibility.normal_form import (
    ANNOTATIONS,
    ORIGIN,
    Schema,
    as_schema,
    nullable,
    same,
)
from medtrack_cli.events.schemas.references import mapped

_WHOLE = frozenset(
    {"$id", "$defs", "definitions", "$anchor", "$dynamicAnchor", "$dynamicRef"}
    | {"unevaluatedProperties", "unevaluatedItems"}
)
"""Keywords of a part that mean something else, or nothing, outside of it."""

_GROUPS = (
    frozenset({"properties", "patternProperties", "additionalProperties"}),
    frozenset({"prefixItems", "items"}),
    frozenset({"contains", "minContains", "maxContains"}),
    frozenset({"if", "then", "else"}),
)
"""Keywords whose meaning depends on each other; all others are independent."""

_ASKING = frozenset(
    {"type", "enum", "const", "required", "uniqueItems", "multipleOf", "pattern", "format", "not"}
    | {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "propertyNames"}
    | {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "$ref"}
    | {"anyOf", "oneOf", "dependentRequired", "dependentSchemas"}
)


def folded(schema: Any) -> Any:  # noqa: ANN401 -- JSON
    """Fold every allOf into the schema around it; what can't be merged stays in allOf."""
    if not isinstance(schema, dict):
        return schema
    made = mapped(schema, lambda _, part: folded(part))
    branches = [*made.pop("allOf", ())]
    for keyword in ("anyOf", "oneOf"):
        if len(made.get(keyword, ())) == 1:
            branches += made.pop(keyword)
    left: list[Schema] = []
    for branch in map(as_schema, branches):
        if branch.keys() & _WHOLE or ("$ref" in branch and made.keys() & {"$ref", ORIGIN}):
            left.append(branch)
        else:
            rest = _fold(made, branch)
            left += [*([rest] if rest else ()), *branch.get("allOf", ())]
    made = _listed(nullable(made))
    return {**made, "allOf": left} if left else made


def _listed(schema: Schema) -> Schema:
    """Write a choice between values as a list of them, each once, as oneOf requires."""
    for keyword in ("anyOf", "oneOf"):
        branches = [as_schema(each) for each in schema.get(keyword, ())]
        known = [each.keys() - ANNOTATIONS in ({"enum"}, {"const"}) for each in branches]
        if not branches or not all(known) or "enum" in schema:
            continue
        values = [value for each in branches for value in each.get("enum", [each.get("const")])]
        if not any(is_valid({"enum": values[:at]}, each) for at, each in enumerate(values) if at):
            rest = {key: each for key, each in schema.items() if key != keyword}
            return {**rest, "enum": values}
    return schema


def _fold(made: Schema, branch: Schema) -> Schema:
    """Fold a branch into a schema as far as possible; return the rest of it."""
    rest: Schema = {}
    singly = [{keyword} for keyword in branch.keys() & _ASKING]
    for keywords in (*_GROUPS, *singly):
        group = {keyword: branch[keyword] for keyword in branch if keyword in keywords}
        both = _both({each: made[each] for each in made if each in keywords}, group)
        if both is None:
            rest |= group
        else:
            made |= both
    for keyword, value in branch.items():
        if keyword not in {*_ASKING, "allOf"}.union(*_GROUPS):
            made.setdefault(keyword, value)
    return rest


def _both(one: Schema, other: Schema) -> Schema | None:
    """Merge two schemas' keywords of one group; None when that isn't possible."""
    if not one or not other or same(one, other):
        return one | other
    keywords = one.keys() | other.keys()
    others = [each.get("additionalProperties", True) for each in (one, other)]
    if keywords & {"prefixItems", "contains", "if"} or others != [True, True]:
        return None
    made = one | other
    for keyword in one.keys() & other.keys():
        join = _JOINS.get(keyword)
        value = join(one[keyword], other[keyword]) if join else None
        if value is None and not same(one[keyword], other[keyword]):
            return None
        made[keyword] = one[keyword] if value is None else value
    return made


def _at_once(one: object, other: object) -> Schema:
    made: Schema = folded({"allOf": [one, other]})
    return made


def _by_name(one: Mapping[str, Any], other: Mapping[str, Any]) -> Schema:
    shared = {name: _at_once(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _types(one: str | list[str], other: str | list[str]) -> str | list[str] | None:
    before, after = ([each] if isinstance(each, str) else each for each in (one, other))
    found = [each for each in before if each in after or (each == "integer" and "number" in after)]
    found += [
        each for each in after if each == "integer" and "number" in before and each not in found
    ]
    if not found:
        return None
    return found if len(found) > 1 else found[0]


def _values(one: list[Any], other: list[Any]) -> list[Any] | None:
    return [each for each in one if is_valid({"enum": other}, each)] or None


def _names(one: list[str], other: list[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _dependent(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> Schema:
    return {name: _names(one.get(name, []), other.get(name, [])) for name in {**one, **other}}


_JOINS: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _values,
    "required": _names,
    "dependentRequired": _dependent,
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas"), _by_name),
    **dict.fromkeys(("items", "propertyNames"), _at_once),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "uniqueItems": max,
}
