"""The line that `listen --format` writes for each event: text with placeholders in braces."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.record import to_record
from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import UsageError
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.output.masking import mask_shape, masked_json, masked_pointer
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.suggestions import did_you_mean

RECORD_FIELDS = (
    "kind",
    "received_at",
    "exchange",
    "routing_key",
    "redelivered",
    "properties",
    "headers",
    "body",
    "body_text",
    "body_base64",
    "header_types",
    "valid",
    "findings",
)
"""The members of an `event` record. Those of the envelope may be written without `body.`."""

# Made by us or the broker; everything else may be about a person.
_NEVER_PERSONAL = frozenset({"kind", "received_at", "exchange", "redelivered", "valid", "findings"})
_OPENED = frozenset({"properties", "headers", "header_types", "body", "payload", "findings"})
_INDEX = re.compile("[0-9]{1,6}")
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}|[{}]|[^{}]+")


class Placeholder(NamedTuple):
    """A place for a value: the path to it in a record, and its format."""

    path: tuple[str, ...]
    modifier: str = ""  # json, or a format of strftime


def template(text: str) -> tuple[str | Placeholder, ...]:
    """Split a template into texts and placeholders. Raises UsageError for a wrong one."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError("--format is no text in UTF-8", text)
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[str | Placeholder]:
    for token in _TOKEN.finditer(text):
        piece, name, modifier = token.group(), token[1], token[2]
        if name is not None:
            yield _placeholder(name, modifier)
        elif piece in {"{", "}"}:
            hint = "a brace that is meant as such is written twice: {{ or }}"
            raise UsageError(
                f"--format, column {token.start() + 1}: a brace alone", text, hint=hint
            )
        else:
            yield piece[0] if piece in {"{{", "}}"} else piece


def _placeholder(name: str, modifier: str | None) -> Placeholder:
    root, *rest = name.split(".")
    known = (*ENVELOPE_FIELDS, *RECORD_FIELDS)
    if root not in known or (rest and root not in _OPENED) or "" in rest:
        near = did_you_mean(root, known) if root not in known else f"{root} has nothing inside;"
        hint = f"{near + ' ' if near else ''}known: {', '.join(known)}"
        raise UsageError("--format has no such placeholder", f"{{{name}}}", hint=hint)
    if modifier is not None and modifier != "json" and not modifier.startswith("%"):
        hint = "{received_at:%H:%M:%S} writes a time, {body:json} writes JSON"
        raise UsageError("--format has no such modifier", f"{{{name}:{modifier}}}", hint=hint)
    path = ("body", root, *rest) if root in ENVELOPE_FIELDS else (root, *rest)
    return Placeholder(path, modifier or "")


def renderer(
    parts: Iterable[str | Placeholder],
    *,
    for_terminal: bool,
    reveal: bool,
    local_time: bool = False,
) -> Callable[[CheckedDelivery], str]:
    """Make the function that writes a delivery by a template, without a newline.

    On a terminal foreign text is escaped, and personal values are masked unless `reveal`. Elsewhere
    both are exact. What an event lacks is empty. `local_time` is for `received_at`.
    """
    pieces = tuple(parts)

    def value_of(record: dict[str, Any], place: Placeholder) -> str:
        value = find(record, place.path)
        if for_terminal and not reveal and place.path[0] not in _NEVER_PERSONAL:
            value = _masked(value, place.path)
        text = written(value, place.modifier)
        return safe_text(text) if for_terminal else text

    def line(seen: CheckedDelivery) -> str:
        record = to_record(seen)
        if local_time:
            received_at = seen.delivery.received_at.astimezone()
            record["received_at"] = received_at.isoformat(timespec="microseconds")
        if for_terminal and not reveal:  # keys in a pointer may be names of people
            for found in record["findings"]:
                found["pointer"] = masked_pointer(found["pointer"])
        return "".join(p if isinstance(p, str) else value_of(record, p) for p in pieces)

    return line


def _masked(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    if path[0] in {"body_text", "body_base64"}:
        return mask_shape(value) if value else value
    names = [name for name in path if not _INDEX.fullmatch(name)]
    return masked_json(value, names[-1])


def find(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    """Follow a path; None where it leads nowhere. Names that contain dots are found, too."""
    for index, name in enumerate(path):
        if isinstance(value, dict):
            whole = ".".join(path[index:])
            if whole in value:
                return value[whole]
            value = value.get(name)
        elif isinstance(value, list) and _INDEX.fullmatch(name):
            value = next(iter(value[int(name) :]), None)
        else:
            return None
    return value


def written(value: Any, modifier: str) -> str:  # noqa: ANN401 -- JSON
    """Write a value: a text as it is, nothing for null, anything else as JSON."""
    if modifier.startswith("%") and (moment := _moment(value)) is not None:
        return moment.strftime(modifier)
    if modifier != "json" and (value is None or isinstance(value, str)):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _moment(value: object) -> datetime | None:
    """Read a time from a record, if it is one."""
    match value:
        case {"$timestamp": str(text)} | str(text):
            try:
                return from_rfc3339(text)
            except ValueError:
                return None
        case _:
            return None
