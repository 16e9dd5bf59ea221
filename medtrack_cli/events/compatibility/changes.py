"""The terms of a comparison: directions, answers, what can change in a schema, and where."""

from enum import StrEnum
from typing import NamedTuple

from medtrack_cli.events.compatibility.normal_form import Schema, as_schema
from medtrack_cli.events.findings import Path


class Direction(StrEnum):
    """Who reads whose events."""

    BACKWARD = "backward"  # new readers, events of old writers
    FORWARD = "forward"  # old readers, events of new writers


class Answer(StrEnum):
    """Whether one side accepts all that the other sends."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"


class ChangeRule(StrEnum):
    """The stable ids of changes; SENTENCES says what each means."""

    FIELD_ADDED_REQUIRED = "field_added_required"
    FIELD_ADDED_OPTIONAL = "field_added_optional"
    FIELD_REMOVED = "field_removed"
    FIELD_BECAME_REQUIRED = "field_became_required"
    FIELD_BECAME_OPTIONAL = "field_became_optional"
    TYPE_CHANGED = "type_changed"
    TYPE_WIDENED = "type_widened"
    TYPE_NARROWED = "type_narrowed"
    CONST_CHANGED = "const_changed"
    ENUM_CHANGED = "enum_changed"
    ENUM_WIDENED = "enum_widened"
    ENUM_NARROWED = "enum_narrowed"
    BOUND_CHANGED = "bound_changed"
    BOUND_TIGHTENED = "bound_tightened"
    BOUND_LOOSENED = "bound_loosened"
    LENGTH_TIGHTENED = "length_tightened"
    LENGTH_LOOSENED = "length_loosened"
    PATTERN_ADDED = "pattern_added"
    PATTERN_REMOVED = "pattern_removed"
    PATTERN_CHANGED = "pattern_changed"
    FORMAT_ADDED = "format_added"
    FORMAT_REMOVED = "format_removed"
    FORMAT_CHANGED = "format_changed"
    ALTERNATIVE_ADDED = "alternative_added"
    ALTERNATIVE_REMOVED = "alternative_removed"
    CLOSED = "closed"
    OPENED = "opened"
    EXTRA_FIELDS_CHANGED = "extra_fields_changed"
    CONSTRAINT_CHANGED = "constraint_changed"
    DESCRIPTION_CHANGED = "description_changed"


SENTENCES = {
    ChangeRule.FIELD_ADDED_REQUIRED: "A new field is required: old writers don't send it.",
    ChangeRule.FIELD_ADDED_OPTIONAL: "A new field may be sent: old readers pass over it.",
    ChangeRule.FIELD_REMOVED: "A field is gone: old readers miss it where they require it.",
    ChangeRule.FIELD_BECAME_REQUIRED: "A field is now required: old writers may leave it out.",
    ChangeRule.FIELD_BECAME_OPTIONAL: "A field may now be missing: old readers require it.",
    ChangeRule.TYPE_CHANGED: "A value has another JSON type.",
    ChangeRule.TYPE_WIDENED: "A value may have more JSON types: old readers don't know them.",
    ChangeRule.TYPE_NARROWED: "A value may have fewer JSON types: old writers may send the others.",
    ChangeRule.CONST_CHANGED: "The one allowed value changed.",
    ChangeRule.ENUM_CHANGED: "Some allowed values came and others went.",
    ChangeRule.ENUM_WIDENED: "More values are allowed: old readers don't know them.",
    ChangeRule.ENUM_NARROWED: "Fewer values are allowed: old writers may send the others.",
    ChangeRule.BOUND_CHANGED: "A number must be a multiple of another number.",
    ChangeRule.BOUND_TIGHTENED: "Fewer numbers are allowed: old writers may send the others.",
    ChangeRule.BOUND_LOOSENED: "More numbers are allowed: old readers refuse them.",
    ChangeRule.LENGTH_TIGHTENED: "Fewer lengths are allowed: old writers may send the others.",
    ChangeRule.LENGTH_LOOSENED: "More lengths are allowed: old readers refuse them.",
    ChangeRule.PATTERN_ADDED: "A text must match a pattern: old writers don't know of it.",
    ChangeRule.PATTERN_REMOVED: "A text need not match a pattern: old readers still ask for it.",
    ChangeRule.PATTERN_CHANGED: "A text must match another pattern.",
    ChangeRule.FORMAT_ADDED: "A text must have a format: old writers don't know of it.",
    ChangeRule.FORMAT_REMOVED: "A text need not have a format: old readers still ask for it.",
    ChangeRule.FORMAT_CHANGED: "A text must have another format.",
    ChangeRule.ALTERNATIVE_ADDED: "There is one more alternative: old readers don't know it.",
    ChangeRule.ALTERNATIVE_REMOVED: "An alternative is gone: old writers may send it.",
    ChangeRule.CLOSED: "Fields without a name in the schema are now forbidden.",
    ChangeRule.OPENED: "Fields without a name in the schema are now allowed.",
    ChangeRule.EXTRA_FIELDS_CHANGED: "Fields without a name must have another shape.",
    ChangeRule.CONSTRAINT_CHANGED: "A condition changed.",
    ChangeRule.DESCRIPTION_CHANGED: "The words changed, not the contract.",
}
"""What each rule means, in a sentence."""

ANY_KEY = "*"
"""In a path: any field that the schema doesn't name."""

BACKWARD = frozenset({Direction.BACKWARD})
FORWARD = frozenset({Direction.FORWARD})
BOTH = BACKWARD | FORWARD
NEITHER: frozenset[Direction] = frozenset()


class Difference(NamedTuple):
    """One difference. `suspect` holds each direction in which the keywords alone prove nothing.

    `keyword` is the one by which a reader would refuse an event because of it; empty if it can be
    any. `old` and `new` are the schemas of the place.
    """

    rule: ChangeRule
    path: Path
    keyword: str
    suspect: frozenset[Direction]
    message: str
    old: Schema
    new: Schema


class Place(NamedTuple):
    """Two schemas of one value.

    `origins` holds the pairs of places from which references led here; `shared` says that other
    schemas apply to the same value.
    """

    path: Path
    old: Schema
    new: Schema
    origins: frozenset[tuple[str, str]]
    shared: bool = False

    def differs(
        self, rule: ChangeRule, keyword: str, suspect: frozenset[Direction], message: str
    ) -> Difference:
        return Difference(rule, self.path, keyword, suspect, message, self.old, self.new)

    def below(self, key: str | int, old: object, new: object) -> "Place":
        return Place((*self.path, key), as_schema(old), as_schema(new), self.origins)

    def beside(self, old: object, new: object) -> "Place":
        return self._replace(old=as_schema(old), new=as_schema(new), shared=True)
