"""What differs between two schemas, place by place, and in which direction it might break."""

from collections.abc import Iterator

from medtrack_cli.events.compatibility import value_differences as value_changes
from medtrack_cli.events.compatibility.branches import as_alternatives, matched, more_or_less
from medtrack_cli.events.compatibility.changes import (
    ANY_KEY,
    BACKWARD,
    BOTH,
    FORWARD,
    NEITHER,
    ChangeRule,
    Difference,
    Place,
)
from medtrack_cli.events.compatibility.normal_form import (
    ORIGIN,
    Schema,
    extra_fields,
    parts_of,
    refers,
    same,
    text,
)


def differences(old: Schema, new: Schema) -> Iterator[Difference]:
    """Compare two schemas whose references are inlined.

    What is unevaluated depends on everything around it: where a schema uses such a keyword, every
    difference is a suspect.
    """
    if same(old, new):
        return iter(())
    found = _differences(Place((), old, new, frozenset()))
    return map(_doubted, found) if "unevaluated" in text([old, new]) else found


def _differences(place: Place) -> Iterator[Difference]:
    place = as_alternatives(place)
    old, new = place.old, place.new
    if same(old, new) and not refers(old):
        return
    if "$ref" not in {*old, *new}:
        place = place._replace(origins=place.origins | {_origin(place)})
    if not same(old.get("description"), new.get("description")):
        message = "the description changed"
        yield place.differs(ChangeRule.DESCRIPTION_CHANGED, "", NEITHER, message)
    before, after = value_changes.types(old), value_changes.types(new)
    if before != after:
        yield value_changes.type_change(place, before, after)
    if before.isdisjoint(after):
        return
    for compared in _COMPARED:
        yield from compared(place)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for pair in matched(place, keyword).pairs:
            found = _differences(place.beside(*pair))
            # One branch that accepts more may make two match where exactly one must.
            yield from map(_doubted, found) if keyword == "oneOf" else found


def _origin(place: Place) -> tuple[str, str]:
    return place.old.get(ORIGIN, ""), place.new.get(ORIGIN, "")


def _fields(place: Place) -> Iterator[Difference]:
    before, after = place.old.get("properties", {}), place.new.get("properties", {})
    was, now = set(place.old.get("required", ())), set(place.new.get("required", ()))
    named = [*before, *after, *sorted(was | now)]
    for name in dict.fromkeys(named):
        child = place._replace(path=(*place.path, name))
        known = (name in before, name in after)
        if known == (False, True):
            yield _added_or_removed(place, child, place.old, required=name in now)
        elif known == (True, False):
            yield _added_or_removed(place, child, place.new, required=name in was)
        elif name in now - was:
            rule, message = ChangeRule.FIELD_BECAME_REQUIRED, f"{name} is now required"
            yield child.differs(rule, "required", BACKWARD, message)
        elif name in was - now:
            rule, message = ChangeRule.FIELD_BECAME_OPTIONAL, f"{name} is no longer required"
            yield child.differs(rule, "required", FORWARD, message)
        if known == (True, True):
            yield from _differences(place.below(name, before[name], after[name]))


def _added_or_removed(place: Place, child: Place, without: Schema, *, required: bool) -> Difference:
    """Describe a field that only one version names; `without` is the other one's schema."""
    was_added, name = without is place.old, child.path[-1]
    one, other = (BACKWARD, FORWARD) if was_added else (FORWARD, BACKWARD)
    suspect = one if required or _sends_others(place, without) else NEITHER
    suspect |= other if _judges_others(without) else NEITHER
    how = "required" if required else "optional"
    if not was_added:
        message = f"{name}, which was {how}, is gone"
        return child.differs(ChangeRule.FIELD_REMOVED, "", suspect, message)
    rule = ChangeRule.FIELD_ADDED_REQUIRED if required else ChangeRule.FIELD_ADDED_OPTIONAL
    return child.differs(rule, "", suspect, f"{name} is new and {how}")


def _sends_others(place: Place, schema: Schema) -> bool:
    """Return whether a writer may send fields that the schema doesn't name."""
    shared = place.shared or len(parts_of(schema)) > 1
    return shared or "patternProperties" in schema or extra_fields(schema) is not False


def _judges_others(schema: Schema) -> bool:
    """Return whether a reader may refuse fields that the schema doesn't name."""
    return isinstance(extra_fields(schema), dict) or "patternProperties" in schema


def _extras(place: Place) -> Iterator[Difference]:
    before, after = extra_fields(place.old), extra_fields(place.new)
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _differences(place.below(ANY_KEY, before, after))
        return
    suspect = BACKWARD if isinstance(after, dict) and before is not False else NEITHER
    suspect |= FORWARD if isinstance(before, dict) and after is not False else NEITHER
    was, now = _others(place.old), _others(place.new)
    if suspect or not same(was, now):
        rule = ChangeRule.EXTRA_FIELDS_CHANGED
        if now is False:
            rule = ChangeRule.CLOSED
        elif was is False or now is True:
            rule = ChangeRule.OPENED
        yield place.differs(rule, "", suspect, "what holds for fields without a name changed")


def _others(schema: Schema) -> object:
    """Give the schema for fields that aren't named; None without one."""
    return schema.get("additionalProperties", schema.get("unevaluatedProperties"))


def _items(place: Place) -> Iterator[Difference]:
    before, after = place.old.get("prefixItems", []), place.new.get("prefixItems", [])
    if len(before) != len(after):
        message = "the list's first items are described anew"
        yield place.differs(ChangeRule.CONSTRAINT_CHANGED, "", BOTH, message)
        return
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        yield from _differences(place.below(index, old, new))
    rest = (place.old.get("items", True), place.new.get("items", True))
    yield from _differences(place.below(len(before), *rest))


def _doubted(difference: Difference) -> Difference:
    wording = difference.rule is ChangeRule.DESCRIPTION_CHANGED
    return difference if wording else difference._replace(suspect=BOTH)


_CONDITIONS = (
    *("$ref", "$dynamicRef", "not", "if", "then", "else", "propertyNames", "patternProperties"),
    *("contains", "minContains", "maxContains", "dependentRequired", "dependentSchemas"),
    *("unevaluatedItems",),
)


def _conditions(place: Place) -> Iterator[Difference]:
    """Name what else differs, without reasoning about it."""
    for keyword in _CONDITIONS:
        before, after = place.old.get(keyword), place.new.get(keyword)
        is_same = same(before, after)
        if keyword == "$ref" and None not in (before, after):  # what they lead to is compared above
            is_same = _origin(place) in place.origins
        if not is_same:
            message = f"{keyword} changed"
            yield place.differs(ChangeRule.CONSTRAINT_CHANGED, "", BOTH, message)


_COMPARED = (
    value_changes.allowed_values,
    value_changes.limits,
    value_changes.multiples,
    value_changes.texts,
    _fields,
    _extras,
    _items,
    more_or_less,
    _conditions,
)
