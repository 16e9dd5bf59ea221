"""Findings: what is wrong with an event, by which rule, and where."""

from dataclasses import dataclass
from enum import Enum, StrEnum

Path = tuple[str | int, ...]
"""The path from an event's root to a value: keys and list indexes."""


class AnyRule(StrEnum):
    """A stable id of something that can be wrong, with an event or anything else."""

    @property
    def is_warning(self) -> bool:
        """Whether it is no error, but worth knowing."""
        raise NotImplementedError

    @property
    def severity(self) -> str:
        return "warning" if self.is_warning else "error"


class Rule(AnyRule):
    """The stable ids of everything that can be wrong with an event."""

    JSON_SYNTAX = "json_syntax"
    YAML_SYNTAX = "yaml_syntax"
    DUPLICATE_KEY = "duplicate_key"
    NOT_AN_EVENT = "not_an_event"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    BAD_FORMAT = "bad_format"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    UNKNOWN_VERSION = "unknown_version"
    ROUTING_KEY_MISMATCH = "routing_key_mismatch"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    BAD_ENCODING = "bad_encoding"
    INVALID_VALUE = "invalid_value"
    NAIVE_TIMESTAMP = "naive_timestamp"
    NEWER_MINOR_VERSION = "newer_minor_version"
    EMITTED_BY_MEDTRACK = "emitted_by_medtrack"
    UNREAD_ENCODING = "unread_encoding"
    EMPTY_INPUT = "empty_input"

    @property
    def is_warning(self) -> bool:
        return self in WARNINGS


WARNINGS = frozenset(
    {
        Rule.NAIVE_TIMESTAMP,
        Rule.NEWER_MINOR_VERSION,
        Rule.EMITTED_BY_MEDTRACK,
        Rule.UNREAD_ENCODING,
        Rule.EMPTY_INPUT,
    }
)


class At(Enum):
    """Which part of the source a finding points at."""

    VALUE = "value"  # the value's first character: a string's opening quote
    KEY = "key"  # the key itself
    OPENING = "opening"  # the opening bracket of the object that lacks something


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an event, not yet placed in a file.

    `where` is a path inside the event or, when the text can't be parsed that far, an offset in code
    points from the start of the event's text. `message` never holds a value of the event: values
    are personal data.
    """

    rule: Rule
    where: Path | int
    message: str
    suggestion: str = ""
    at: At = At.VALUE

    @property
    def pointer(self) -> str:
        """Where it is, as an RFC 6901 JSON pointer.

        Empty where the text can't be parsed that far.
        """
        return "" if isinstance(self.where, int) else json_pointer(self.where)


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source: 1-based lines, columns in code points after a BOM, end exclusive.

    A span stays on its first line: `end_column` is cut at that line's end.
    """

    line: int
    column: int
    end_column: int


NOWHERE = Span(0, 0, 0)
"""The span of what is in no file."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with its place. `pointer` is an RFC 6901 JSON pointer into the event.

    If it is in no file, `file` names the thing itself.
    """

    rule: AnyRule
    file: str
    span: Span
    pointer: str
    message: str
    suggestion: str = ""

    @property
    def is_error(self) -> bool:
        return not self.rule.is_warning

    @property
    def severity(self) -> str:
        return self.rule.severity

    @property
    def place(self) -> str:
        """Give its place in the form that editors and terminals turn into a link."""
        return (
            self.file
            if self.span == NOWHERE
            else f"{self.file}:{self.span.line}:{self.span.column}"
        )


def json_pointer(path: Path) -> str:
    """Write a path as an RFC 6901 pointer: ("payload", "a/b") is `/payload/a~1b`."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
