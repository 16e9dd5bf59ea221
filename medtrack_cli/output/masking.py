"""Keep personal data off screens: which values may be shown, and how; ids are shortened."""

import re
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from string import punctuation, whitespace
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from medtrack_cli.events.names import FIELD_NAME
from medtrack_cli.output.safe_text import safe_text

if TYPE_CHECKING:
    from medtrack_cli.events.event_type import FieldType

LENGTHS = (8, 13, 18, 36)
"""Where a UUID is cut: after its first, second or third group, or not at all."""

REMEMBERED = 10_000
"""Ids of which no two look the same."""

_PUNCTUATION = frozenset(punctuation + whitespace)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(_DATE.pattern + r"[Tt ][0-9:.]{1,18}(?:[Zz]|[+-][0-9:]{2,5})?")
_NUMBER = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,3})?")
_EVENT_TYPE = re.compile(r"[a-z_]{1,32}(?:\.[a-z_]{1,32}){0,4}")
_SERVICE = re.compile(r"[A-Za-z][A-Za-z_.-]{0,63}[0-9]{0,3}")
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,2}")
_INDEX = re.compile(r"[0-9]{1,4}")
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MEDIA_TYPE = re.compile(r"[a-z]{1,32}/[a-z0-9.+-]{1,64}(?:; ?charset=[A-Za-z0-9-]{1,16})?")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_LOWER_CASE = re.compile(r"[a-z_-]{1,32}")
_QUEUE = re.compile(r"[a-z_]{1,32}(?:[.-][a-z_]{1,32}){0,4}")
_ENCODING = re.compile("gzip|deflate|identity|br|zstd|compress")
_DEATH = re.compile("rejected|expired|maxlen|delivery_limit")

_NOTHING = re.compile(r"(?!)")

# By the first word of a kind in the registry. A kind that isn't here, such as plain text, is
# masked.
_KINDS = {"uuid": _UUID, "date": _DATE, "timestamp": _TIME, "number": _NUMBER, "whole": _NUMBER}
_ENVELOPE = {
    "event_type": _EVENT_TYPE,
    "service": _SERVICE,
    "version": _VERSION,
    "timestamp": _TIME,
}
# What stands beside an event's body. A routing key is in every broker's logs, and so no place for
# personal data; what can't be an event type is masked all the same.
_MESSAGE = {
    "routing_key": _EVENT_TYPE,
    "message_id": _TOKEN,
    "content_type": _MEDIA_TYPE,
    "content_encoding": _ENCODING,
    "delivery_mode": re.compile("[12]"),
    "traceparent": _TRACE,
    "x-delivery-count": _NUMBER,
    "x-first-death-reason": _DEATH,
    "x-first-death-queue": _QUEUE,
    "x-first-death-exchange": _QUEUE,
}


def mask_shape(text: str) -> str:
    """Keep a text's shape and width: letters become x, digits 9, ASCII punctuation stays."""
    return "".join(c if c in _PUNCTUATION else _mask(c) for c in text)


def _mask(char: str) -> str:
    # Other characters that are not ASCII may be half a letter (an accent, a vowel sign): they
    # become x, too.
    is_wide = east_asian_width(char) in "WF"
    if char.isnumeric():
        return "\uff19" if is_wide else "9"
    return "\uff58" if is_wide else "x"


def masked(field: str, value: str) -> str:
    """Show a value if it may be shown, else its shape."""
    return value if may_be_seen(field, value) else mask_shape(value)


def masked_key(key: str) -> str:
    """Show a key that looks like a field's name, else its shape: it may be a person's name."""
    return key if FIELD_NAME.fullmatch(key) else mask_shape(key)


def masked_pointer(pointer: str) -> str:
    """Show a JSON pointer, masking keys that are no names: torn text can make a value a key."""
    parts = pointer.split("/")
    return "/".join(part if _INDEX.fullmatch(part) else masked_key(part) for part in parts)


def masked_json(value: Any, field: str = "") -> Any:  # noqa: ANN401 -- JSON
    """Mask a JSON value recursively; items of a list count as their field's values.

    Numbers that may not be shown become texts of their shape.
    """
    match value:
        case dict():
            return {masked_key(key): masked_json(each, key) for key, each in value.items()}
        case list():
            return [masked_json(each, field) for each in value]
        case bool() | None:
            return value
        case _:
            return value if may_be_seen(field, str(value)) else mask_shape(str(value))


def is_uuid(text: str) -> bool:
    """Return whether a text is a hyphenated UUID."""
    return _UUID.fullmatch(text) is not None


def may_be_seen(field: str, value: str) -> bool:
    """Return whether a value in a field of this name is surely not personal.

    It is when the field is known not to be personal and the value looks as it should there: a name
    typed into an id, or under a misspelled key, stays hidden. An id alone says nothing.
    """
    shape = _shapes().get(field, _UUID)
    if shape is None:
        return value in _field_names()
    return shape.fullmatch(value) is not None


def names_fields(field: str) -> bool:
    """Return whether the values of a field of this name are names of fields."""
    return _shapes().get(field, _UUID) is None


@cache
def _shapes() -> dict[str, re.Pattern[str] | None]:
    """Give, by a field's name, what may be shown there; None: names of fields.

    A name that several types have is hidden if one of them hides it.
    """
    from medtrack_cli.events.registry import event_types

    fields = [field for each in event_types().values() for field in each.fields]
    known = {field.name: _shape(field) for field in fields}
    for strict in (_UUID, _NOTHING):
        known |= {field.name: strict for field in fields if _shape(field) is strict}
    return {**known, **_ENVELOPE, **_MESSAGE}


def _shape(field: "FieldType") -> re.Pattern[str] | None:
    from medtrack_cli.events.formats import Mark

    marked = {Mark.PERSONAL: _NOTHING, Mark.WORD: _LOWER_CASE, Mark.FIELD_NAME: None}
    if field.mark:
        return marked[field.mark]
    return _KINDS.get(field.kind.split(maxsplit=1)[0], _UUID)


@cache
def _field_names() -> frozenset[str]:
    from medtrack_cli.events.registry import event_types

    return frozenset(field.name for each in event_types().values() for field in each.fields)


def masked_id(message_id: str, shorten: Callable[[str], str]) -> str:
    """Show a message's id as far as it may be seen; a UUID is shortened."""
    shown = masked("message_id", message_id)
    return safe_text(shorten(shown) if is_uuid(shown) else shown)


class ShortIds:
    """Cuts ids; two of the last that are remembered never look the same.

    The first id with a short form keeps it. Ids that begin alike, such as UUIDv7 made in the same
    minute, get more groups.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def __call__(self, full: str) -> str:
        for length in LENGTHS:
            short = full[:length]
            if self._owners.setdefault(short, full) == full:
                break
        self._owners.move_to_end(short)
        if len(self._owners) > REMEMBERED:
            self._owners.popitem(last=False)
        return short
