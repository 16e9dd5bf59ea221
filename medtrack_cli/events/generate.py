"""Generated events: valid, the same for the same seed, and visibly made up."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from medtrack_cli.events.event_type import EventType, FieldType
from medtrack_cli.events.formats import FAMILY_NAMES, GIVEN_NAMES

FIRST_DAY = date(2025, 2, 1)


def generated(
    event_type: EventType, example: dict[str, Any], seed: int
) -> Iterator[dict[str, Any]]:
    """Make complete events of a type without end; only ids and the like differ from the example.

    Nothing in them can be a person's: addresses end in example.org, card numbers begin with ZZ,
    phone numbers with +000.
    """
    source = Random(seed)  # noqa: S311 -- made up on purpose, and again for the same seed
    made = [field for field in event_type.fields if event_type.document is None and field.required]
    while True:
        person = source.randrange(10**7)
        payload = dict(example["payload"])
        for field in made:
            payload[field.name] = _value(field, payload.get(field.name), person, source)
        yield {**example, "payload": payload}


def _value(  # noqa: PLR0911 -- one return a kind
    field: FieldType,
    example: Any,  # noqa: ANN401 -- JSON
    person: int,
    source: Random,
) -> Any:  # noqa: ANN401 -- JSON
    """Make a field's value by its type; an event's values belong to the same person.

    Where the type says nothing, only the example's own value is surely valid.
    """
    match field.kind:
        case "uuid":
            return str(UUID(int=source.getrandbits(128), version=4))
        case "date":
            return (FIRST_DAY + timedelta(days=source.randrange(365))).isoformat()
        case "cin":
            return f"ZZ{person:07d}"
        case "phone":
            return f"+000{person:09d}"
        case "email":
            names = (_of_person(each, person) for each in (GIVEN_NAMES, FAMILY_NAMES))
            plain = ".".join(names).lower().replace("é", "e").replace("è", "e")
            return f"{plain}.{person}@example.org"
    if field.limits:
        low, high = field.limits
        return min(max(round(source.uniform(low, high), 1), low), high)
    return _of_person(field.examples, person) if field.examples else example


def _of_person(values: Sequence[Any], person: int) -> Any:  # noqa: ANN401 -- JSON
    return values[person % len(values)]
