"""Generated events: valid, the same for the same seed, and visibly made up."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from medtrack_cli.events.registry import EventType

FIRST_NAMES = ("Amina", "Bilal", "Chloé", "Driss", "Emma", "Farid", "Ghita", "Hugo", "Inès", "Jad")
LAST_NAMES = ("Example", "Sample", "Specimen", "Placeholder", "Testcase", "Demo")
ROLES = ("student", "encadrant", "admin")
CHANGEABLE = ("email", "phone", "first_name", "last_name")
FIRST_DAY = date(2025, 2, 1)


def generated(
    event_type: EventType, example: dict[str, Any], seed: int
) -> Iterator[dict[str, Any]]:
    """Make complete events of a type without end, all but ids and such as in the example.

    Nothing in them can be a person's: addresses end in example.org, card numbers begin with ZZ,
    phone numbers with +000.
    """
    source = Random(seed)  # noqa: S311 -- made up on purpose, and again for the same seed
    while True:
        person = source.randrange(10**7)
        payload = example["payload"] | {
            field.name: _value(field.name, field.kind, person, source)
            for field in event_type.fields
            if event_type.document is None and field.required
        }
        yield {**example, "payload": payload}


def _value(  # noqa: PLR0911 -- one return a kind
    name: str, kind: str, person: int, source: Random
) -> Any:  # noqa: ANN401 -- JSON
    """Make a field's value; one person's fields fit together."""
    first = FIRST_NAMES[person % len(FIRST_NAMES)]
    last = LAST_NAMES[person % len(LAST_NAMES)]
    match name, kind:
        case _, "uuid":
            return str(UUID(int=source.getrandbits(128), version=4))
        case _, "date":
            return (FIRST_DAY + timedelta(days=source.randrange(365))).isoformat()
        case _, "cin":
            return f"ZZ{person:07d}"
        case _, "email":
            plain = first.lower().replace("é", "e").replace("è", "e")
            return f"{plain}.{last.lower()}.{person}@example.org"
        case _, "phone":
            return f"+000{person:09d}"
        case "first_name", _:
            return first
        case "last_name", _:
            return last
        case "role", _:
            return source.choice(ROLES)
        case "updated_fields", _:
            return source.sample(CHANGEABLE, source.randint(1, len(CHANGEABLE)))
    return round(source.uniform(0, 100), 1)  # a score, the one number there is
