"""`--set path=value`: change one place of an event; the schema's type decides how it is read."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from medtrack_cli.errors import UsageError
from medtrack_cli.events.event_type import EventType
from medtrack_cli.events.json_text import examine
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.registry import Registry
from medtrack_cli.suggestions import did_you_mean

Setting = tuple[tuple[str, ...], str]
"""A path in an event, and the text to set there."""


def parse(text: str) -> Setting:
    """Read `payload.email=a@example.org`. Raises UsageError for any other form."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise UsageError("--set wants PATH=VALUE", path, hint=EXAMPLE)
    return tuple(path.split(".")), value


def parse_all(texts: Iterable[str]) -> tuple[Setting, ...]:
    """Read several; UsageError when two of them set the same place."""
    settings: dict[tuple[str, ...], str] = {}
    for path, value in map(parse, texts):
        if path in settings:
            place = ".".join(path)
            raise UsageError("--set names a place twice", place, hint="leave out one of them")
        settings[path] = value
    return tuple(settings.items())


EXAMPLE = "--set payload.email=a@example.org"


def checked(settings: Iterable[Setting], event_type: EventType) -> None:
    """Refuse a path that the type doesn't have, and suggest the nearest one."""
    known = [
        *(name for name in ENVELOPE_FIELDS if name != "payload"),
        *(f"payload.{field.name}" for field in event_type.fields),
    ]
    for path, _ in settings:
        place = ".".join(path[:2])
        if place not in known:
            inner = f"payload.{place}"
            near = f"did you mean {inner}?" if inner in known else did_you_mean(place, known)
            if place == "payload":
                near = f"a field at a time, such as {known[-1]}; -d takes a whole payload"
            hint = near or f"known: {', '.join(known)}"
            raise UsageError(f"no such field in {event_type.name}", ".".join(path), hint=hint)


def checked_for_any(settings: Iterable[Setting], registry: Iterable[EventType]) -> None:
    """Refuse a path that no type has: it is a typo."""
    for setting in settings:
        misfits = []
        for each in registry:
            try:
                checked([setting], each)
                break
            except UsageError as misfit:
                misfits.append(misfit)
        else:
            raise max(misfits, key=lambda each: each.hint.startswith("did you mean"))


def checked_for(event: Mapping[str, Any], settings: Iterable[Setting], registry: Registry) -> None:
    """Refuse a path that the event's type, in its version, doesn't have."""
    known = registry.newest(event.get("event_type"))
    if known is not None:
        chosen = registry.select(known.name, event.get("version")).event_type
        checked(settings, chosen or known)


def changed(
    event: Mapping[str, Any], settings: Iterable[Setting], registry: Registry
) -> dict[str, Any]:
    """Give a copy of the event with all settings applied."""
    result: dict[str, Any] = json.loads(json.dumps(event))
    for path, text in settings:
        _put(result, path, read(result, path, text, registry))
    return result


def read(event: Mapping[str, Any], path: tuple[str, ...], text: str, registry: Registry) -> Any:  # noqa: ANN401 -- JSON
    """Read a value: as a text if the event's schema has a string there, else as JSON.

    What isn't JSON stays a text for the check to report.
    """
    place = tuple(int(part) if part.isdecimal() else part for part in path)
    said = {name: each for name, each in event.items() if isinstance(each, str)}
    if registry.wants_text(said.get("event_type"), place, said.get("version")):
        return text
    value, problems = examine(text.encode())
    return text if problems else value


def _put(value: Any, path: tuple[str, ...], new: Any) -> None:  # noqa: ANN401 -- JSON
    for part in path[:-1]:
        value = value.setdefault(part, {}) if isinstance(value, dict) else _item(value, part)
    if isinstance(value, dict):
        value[path[-1]] = new
    else:
        _item(value, path[-1])
        value[int(path[-1])] = new


def _item(value: Any, part: str) -> Any:  # noqa: ANN401 -- JSON
    """Give an item of a list; UsageError when there is none at that index."""
    try:
        if isinstance(value, list):
            return value[int(part)]
    except (ValueError, IndexError):
        pass
    raise leads_nowhere(part)


def leads_nowhere(part: str) -> UsageError:
    """Say which part of a path doesn't exist."""
    hint = "a list's items are numbered from 0; a list is set whole as JSON"
    return UsageError("--set leads nowhere", part, hint=hint)
