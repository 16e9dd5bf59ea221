"""The sample events, whole and spoilt in one place."""

import json
from copy import deepcopy
from typing import Any

from medtrack_cli.events.check import check
from medtrack_cli.events.findings import json_pointer
from medtrack_cli.files.samples import sample

DROP = object()
"""In the place of a value: take the member out."""


def event(event_type: str = "student.created") -> dict[str, Any]:
    """Read the sample of a type."""
    return sample(event_type)


def spoilt(event_type: str, pointer: str, value: object) -> dict[str, Any]:
    """Put a value at a pointer of a type's sample, or take out what is there."""
    changed = deepcopy(event(event_type))
    *parents, last = pointer.removeprefix("/").split("/")
    owner: Any = changed
    for name in parents:
        owner = owner[name]
    key = int(last) if isinstance(owner, list) else last
    if value is DROP:
        del owner[key]
    else:
        owner[key] = value
    return changed


def encode(value: object) -> bytes:
    """Write a value as JSON."""
    return json.dumps(value, ensure_ascii=False).encode()


def found(body: bytes | object, *, publishing: bool = False) -> list[tuple[str, str | int]]:
    """List what the check says: each rule with its pointer, or its offset."""
    body = body if isinstance(body, bytes) else encode(body)
    return [
        (each.rule.value, each.where if isinstance(each.where, int) else json_pointer(each.where))
        for each in check(body, publishing=publishing).problems
    ]
