"""Persons who are recorded, in events of all types; what of them may be seen nowhere."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.events.registry import Registry, built_in, extended
from tests.builders import delivery, encode, event

PLAIN = {"content_type": "application/json", "delivery_mode": 2}
DIALECT = "https://json-schema.org/draft/2020-12/schema"

INVITED = {
    "$schema": DIALECT,
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "guest": {"$ref": "#/$defs/person"},
        "others": {"type": "array", "items": {"$ref": "#/$defs/person"}},
        "address": {"type": "object", "x-personal": True},
        "card": {"type": "integer", "x-personal": True, "minimum": 0},
        "seat": {"type": "string", "pattern": "^[A-Z][0-9]$"},
        "price": {"type": "number"},
    },
    "$defs": {
        "person": {
            "type": "object",
            "properties": {
                "email": {"type": "string", "format": "email"},
                "called": {"type": "string", "x-personal": True, "minLength": 3},
                "login": {"anyOf": [{"type": "null"}, {"type": "string", "x-personal": True}]},
            },
            "additionalProperties": False,
        }
    },
}


class Person(NamedTuple):
    """What is personal about somebody."""

    first_name: str
    last_name: str
    email: str
    phone: str
    cin: str

    @property
    def forms(self) -> Iterator[str]:
        """Give every value, and how it may be written; in lower case."""
        for value in self:
            yield value.casefold()
            yield quote(value, safe="").casefold()
            data = value.encode()
            for before in range(3):
                encoded = b64encode(bytes(before) + data).decode()
                yield encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6].casefold()


def person(number: int) -> Person:
    """Make the one of a number: no two have a value in common."""
    letters = "".join("bcdfghjklm"[int(digit)] for digit in f"{number:05d}")
    return Person(
        f"Zyx{letters}",
        f"Qw\u00f6{letters} Vub{letters[::-1]}",
        f"zyx.{letters}@hospital-{number % 7}.example",
        f"+2126{number * 7919 % 10**8:08d}",
        f"QX{number * 104729 % 10**6:06d}",
    )


@cache
def registry() -> Registry:
    """Give the built-in types and one with persons of its own marks."""
    return extended([("guest.invited", "1.0", INVITED)])


_sample = cache(event)


def invited(someone: Person, **payload: Any) -> dict[str, Any]:
    """Make an event of the added type."""
    guest = {"email": someone.email, "called": someone.first_name, "login": None}
    return {
        **_sample("student.deleted"),
        "event_type": "guest.invited",
        "payload": {"guest": guest, **payload},
    }


def events_of(someone: Person, names: Iterable[str] = built_in().names) -> Iterator[dict[str, Any]]:
    """Make one valid event of each type, with all that it says of a person."""
    for name in names:
        made = deepcopy(_sample(name))
        known = someone._asdict().items()
        made["payload"] |= {key: value for key, value in known if key in made["payload"]}
        yield made
    yield invited(
        someone,
        others=[{"email": someone.email, "called": someone.last_name, "login": someone.cin}],
        address={"street": someone.last_name, "lines": [someone.first_name, someone.phone]},
        card=int(someone.phone[1:]),
        seat="A1",
        price=1.5,
    )


def received(value: dict[str, Any] | bytes, **changes: Any) -> Delivery:
    """Make a delivery of an event, or of its bytes."""
    body = value if isinstance(value, bytes) else encode(value)
    given = {"routing_key": json.loads(body)["event_type"], "properties": PLAIN} | changes
    return delivery(body, **given)


def looked_at(value: dict[str, Any] | bytes, **changes: Any) -> CheckedDelivery:
    """Check such a delivery."""
    return examine(received(value, **changes), registry())
