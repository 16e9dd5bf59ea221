"""Deliveries without real persons: valid events whose personal values are all made up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.delivery import Delivery, Nested, Several
from medtrack_cli.core.publishing.fakes import Fakes
from medtrack_cli.core.publishing.traces import is_left, seems_personal
from medtrack_cli.events import formats
from medtrack_cli.events.json_text import decode
from medtrack_cli.events.names import FIELD_NAME
from medtrack_cli.events.personal import Says, Scalar, personal_names, scalars, top_place, unquoted
from medtrack_cli.events.registry import Registry, built_in

LEAST_KEY = 16  # bytes of a key
NOT_PSEUDONYMIZED = "not_pseudonymized"
"""Counts what was left out because it can't be pseudonymized for certain."""

_UUID = re.compile(formats.UUID)
_UUIDS = re.compile(formats.UUID.strip("^$"))
_WORD = re.compile("[a-z_-]{1,32}")
_MEDIA = re.compile(r"[\w.+/-]*(?:; ?charset=[\w-]+)?")
_FEW_DIGITS = 4
_EMPTY = "\u2019" + "".join(each for each in map(chr, range(128)) if not each.isalnum())  # nobody's


class _Doubt(Exception):
    """A text may be personal, and can't be replaced for certain."""


class Pseudonymizer:
    """Replaces personal values by fakes, with a secret key.

    With `maps_ids` each UUID of a payload becomes another one, and wherever else in the message it
    occurs. A random key is never shown: to get the same fakes again, it has to be kept.
    """

    def __init__(
        self, key: bytes, registry: Registry, *, maps_ids: bool = False, is_random: bool = False
    ) -> None:
        self.key = key
        self.is_random = is_random
        self.maps_ids = maps_ids
        self._fakes = Fakes(key)
        self._registry = registry

    @property
    def mark(self) -> str:
        """Identify this key without revealing it."""
        return self._fakes.mark

    def apply(self, seen: CheckedDelivery) -> CheckedDelivery | None:
        """Give a delivery, valid as before, without the persons; None when that isn't certain.

        A body in gzip or deflate becomes plain. The login that it was published with is removed.
        """
        if not seen.is_valid or seen.event_type is None:
            return None
        for keeps_shape in (False, True):  # of names, where a type defines its own
            try:
                made = self._made(seen, keeps_shape=keeps_shape)
            except _Doubt:
                return None
            result = examine(made, self._registry)
            if result.is_valid:
                return result
        return None

    def _made(self, seen: CheckedDelivery, *, keeps_shape: bool) -> Delivery:
        work = _Work(self._fakes, self.maps_ids, keeps_shape=keeps_shape)
        text = decode(seen.body)
        top = top_place(self._registry, seen.event_type or "", seen.body)
        pieces: list[str] = []
        at, keys = 0, set[str]()
        for each in scalars(text, top, keys):
            new = work.replaced(each)
            if new is not None:
                pieces += text[at : each.start], new
                at = each.end
        body = "".join((*pieces, text[at:]))
        work.texts += keys
        for key in keys:
            if not FIELD_NAME.fullmatch(key):
                work.outside(key)
        return self._outside(seen, body, work)

    def _outside(self, seen: CheckedDelivery, body: str, work: "_Work") -> Delivery:
        """Keep what is outside of the body, as far as no person is in it."""
        delivery = seen.delivery
        properties = {name: each for name, each in delivery.properties.items() if name != "user_id"}
        if seen.body is not delivery.body:
            del properties["content_encoding"]
        made = replace(
            delivery,
            body=body.encode(),
            properties={
                name: work.outside(each, is_media=name.startswith("content_"))
                for name, each in properties.items()
            },
            headers=work.headers(delivery.headers, personal_names(self._registry)),
        )
        if delivery.routing_key != seen.event_type:
            work.outside(delivery.routing_key)
        stands_again = work.ids and not work.ids.isdisjoint(_UUIDS.findall(body.lower()))
        if stands_again or is_left({*work.persons, *work.ids}, work.texts):
            raise _Doubt
        return made


@dataclass(slots=True)
class _Work:
    """What is known of one message while it is processed."""

    fakes: Fakes
    maps_ids: bool
    keeps_shape: bool
    persons: list[str] = field(default_factory=list)  # the values that are replaced
    ids: set[str] = field(default_factory=set)  # and such ids, in lower case
    texts: list[str] = field(default_factory=list)  # what stays, and might contain one of them

    def replaced(self, each: Scalar) -> str | None:
        """Give the replacement for a scalar; None: it stays."""
        is_text = each.text[0] == '"'
        value = unquoted(each.text) if is_text else each.text
        if each.says is Says.PERSONAL:
            return self._fake_text(each.field, value) if is_text else self._fake_number(value)
        if is_text and (each.says is Says.ID or _UUID.fullmatch(value)):
            return f'"{self._fake_id(value)}"' if self.maps_ids else None
        if not is_text and value in {"true", "false", "null"}:
            return None
        if _is_odd(each, value):
            raise _Doubt
        self.texts.append(value)
        return None

    def _fake_text(self, name: str, value: str) -> str | None:
        if _UUID.fullmatch(value):
            return f'"{self._fake_id(value)}"'
        if not "".join(value.split()).strip(_EMPTY):
            return None
        fake = self.fakes.text(name, value, keeps_shape=self.keeps_shape)
        if fake == value:
            raise _Doubt
        self.persons.append(value)
        return encode_basestring(fake)

    def _fake_number(self, value: str) -> str | None:
        if value == "null":
            return None
        fake = value if value in {"true", "false"} else self.fakes.number(value)
        if fake == value:
            raise _Doubt
        self.persons.append(value)
        return fake

    def _fake_id(self, value: str) -> str:
        self.ids.add(value.lower())
        return self.fakes.uuid(value)

    def headers(self, values: Mapping[str, Any], personal: frozenset[str]) -> dict[str, Any]:
        """Copy headers; one named like a personal field has a personal value."""
        if not values:
            return {}
        for name in values:
            plain = name.lower().replace("-", "_")
            is_like_one = any(plain.endswith(f"_{each}") for each in personal_names(built_in()))
            if is_like_one or plain.removeprefix("x_") in personal:
                raise _Doubt
        return self._table(values)

    def _table(self, values: Mapping[str, Any]) -> dict[str, Any]:
        for name in values:
            self.outside(name)
        return {name: self.outside(each) for name, each in values.items()}

    def outside(self, value: Any, *, is_media: bool = False) -> Any:  # noqa: ANN401, PLR0911 -- one return a type of AMQP
        """Copy a value from outside of the body; a text of several words may mention anybody."""
        match value:
            case str():
                return self._text(value, is_media=is_media)
            case Nested():
                raise _Doubt
            case bytes():
                return self._bytes(value)
            case Mapping():
                return self._table(value)
            case Several():
                return Several(map(self.outside, value))
            case list():
                return [self.outside(each) for each in value]
            case bool() | None | datetime():
                return value
        if len(str(value)) > _FEW_DIGITS:
            self.texts.append(str(value))
        return value

    def _text(self, value: str, *, is_media: bool) -> str:
        if self.ids:
            value = _UUIDS.sub(
                lambda id_: self.fakes.uuid(id_[0]) if id_[0].lower() in self.ids else id_[0], value
            )
        if _UUID.fullmatch(value):
            return value
        is_free = " " in value or not value.isprintable()
        if seems_personal(value) or (is_free and not (is_media and _MEDIA.fullmatch(value))):
            raise _Doubt
        self.texts.append(value)
        return value

    def _bytes(self, value: bytes) -> bytes:
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            raise _Doubt from None
        made = self._text(text, is_media=False)
        return value if made == text else type(value)(made.encode())


def _is_odd(each: Scalar, value: str) -> bool:
    """Return whether a text doesn't fit its field: then it may still be personal."""
    match each.says:
        case Says.NOTHING:
            return True
        case Says.WORD:
            return not _WORD.fullmatch(value)
        case Says.FIELD_NAME:
            return not FIELD_NAME.fullmatch(value)
    return each.field == "service" and seems_personal(value)
