"""Change one place of an event's text and nothing else."""

import json
from collections.abc import Sequence

from medtrack_cli.events.json_places import child, end_of, members
from medtrack_cli.events.json_text import skip_space


def put(text: str, path: Sequence[str], value: object) -> str:
    """Set a value at a path; missing members are added after the others.

    `text` is valid JSON without a BOM. LookupError, with the part of the path, where a value has no
    members or items, or a list has no such item.
    """
    start = skip_space(text, 0)
    for depth, part in enumerate(path):
        opening = text[start]
        is_item = opening == "[" and part.isdecimal() and part.isascii()
        found = child(text, start, int(part) if is_item else part)
        if found is None and opening == "{":
            return _added(text, start, path[depth:], value)
        if found is None:
            raise LookupError(part)
        start = found[1]
    return text[:start] + _written(value) + text[end_of(text, start) :]


def _added(text: str, start: int, path: Sequence[str], value: object) -> str:
    for part in reversed(path[1:]):
        value = {part: value}
    values = [place for _name, _key, place in members(text, start)]
    end = end_of(text, values[-1]) if values else start + 1
    comma = "," if values else ""
    return f"{text[:end]}{comma}{_written(path[0])}:{_written(value)}{text[end:]}"


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
