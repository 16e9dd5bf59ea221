"""What a published message has besides its event: headers and properties."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from medtrack_cli.errors import UsageError
from medtrack_cli.suggestions import did_you_mean

_LONGEST_TEXT = 255  # bytes, by AMQP 0-9-1
_LONGEST_EXPIRATION = 2**32 - 1  # milliseconds, by RabbitMQ
_ELSEWHERE = {
    "content_encoding": "the event is sent as it is: compress nothing",
    "content_type": "events are application/json",
    "delivery_mode": "events are always persistent",
    "headers": "--header KEY=VALUE",
    "message_id": "--message-id ID, or leave it out: each event has its own",
    "timestamp": "the event has its own: --set timestamp=2025-01-15T10:00:00Z",
    "user_id": "--username: the broker lets a user name nobody else",
}


def headers_of(texts: Iterable[str]) -> dict[str, str]:
    """Read KEY=VALUE; UsageError for anything else."""
    headers: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError("--header wants KEY=VALUE", key, hint="--header x-origin=import")
        if key in headers:
            raise UsageError("--header names a key twice", key, hint="leave out one of them")
        headers[key] = value
    return headers


def properties_of(texts: Iterable[str]) -> dict[str, Any]:
    """Read NAME=VALUE; UsageError for anything else, or a name that has its own option."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name in _ELSEWHERE:
            raise UsageError("--property doesn't set this", name, hint=_ELSEWHERE[name])
        if not equals or name not in PROPERTIES:
            known = f"known: {', '.join(PROPERTIES)}"
            hint = (
                did_you_mean(name, PROPERTIES)
                if name not in PROPERTIES
                else "--property priority=5"
            )
            raise UsageError("--property wants NAME=VALUE", name, hint=hint or known)
        if name in found:
            raise UsageError("--property names one twice", name, hint="leave out one of them")
        found[name] = PROPERTIES[name](name, value)
    return found


def _whole(name: str, value: str, most: int, unit: str = "") -> str:
    if not re.fullmatch("[0-9]{1,10}", value) or int(value) > most:
        hint = f"a whole number from 0 to {most:,}{unit}"
        raise UsageError(f"--property {name} is out of range", value, hint=hint)
    return str(int(value))


def _text(name: str, value: str) -> str:
    if len(value.encode()) > _LONGEST_TEXT:
        what = f"--property {name} is longer than {_LONGEST_TEXT} bytes"
        raise UsageError(what, hint="shorten it")
    return value


PROPERTIES: Mapping[str, Callable[[str, str], Any]] = {
    "priority": lambda name, value: int(_whole(name, value, 255)),
    "expiration": lambda name, value: _whole(name, value, _LONGEST_EXPIRATION, " milliseconds"),
    "type": _text,
    "app_id": _text,
    "correlation_id": _text,
    "reply_to": _text,
}
"""The properties that --property sets, each with its reader."""
