"""Events with a hostile number of wrong fields, shortened before models validate them.

pydantic keeps about a kilobyte for each error, and reports all of them: 14 MB of wrong items took 8
GB and 80 s. A thousand say as much.
"""

import json
from collections.abc import Collection
from itertools import islice
from typing import Any

from medtrack_cli.events.json_text import MOST
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.registry import Registry

MANY = 2 * MOST
LARGE = 32 * 1024  # bytes from which values are counted: real events are far smaller


def is_too_long(body: bytes, many: int = MANY) -> bool:
    """Return whether a body contains thousands of values, by its commas."""
    return len(body) > LARGE and body.count(b",") > many


def shortened(value: object, registry: Registry) -> bytes:
    """Rewrite a large event with only a thousand unknown members and wrong items of a list.

    The paths of what is left lead to the same values, and an event is valid or invalid as it was:
    MedTrack's own payloads allow no unknown member, and their lists hold strings.
    """
    return json.dumps(_few(value, registry) if isinstance(value, dict) else []).encode()


def _few(event: dict[str, Any], registry: Registry) -> dict[str, Any]:
    few = _few_members(event, ENVELOPE_FIELDS)
    known = registry.newest(event.get("event_type"))
    payload = event.get("payload")
    if isinstance(payload, dict) and known is not None and known.schema is not None:
        members = _few_members(payload, [field.name for field in known.fields])
        few["payload"] = {name: _few_wrong(each) for name, each in members.items()}
    return few


def _few_members(value: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    named = {name: value[name] for name in known if name in value}
    return {**named, **dict(islice(value.items(), MOST))}


def _few_wrong(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Cut a list after the thousandth item that is no string."""
    if not isinstance(value, list):
        return value
    wrong = (index for index, item in enumerate(value) if not isinstance(item, str))
    return value[: next(islice(wrong, MOST, None), None)]
