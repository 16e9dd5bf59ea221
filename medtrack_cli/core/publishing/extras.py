"""What a published message carries besides its event: headers, properties, the trace."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from medtrack_cli.errors import UsageError
from medtrack_cli.events.suggestions import did_you_mean

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

# https://www.w3.org/TR/trace-context/
_TRACEPARENT = re.compile(
    "(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"(?P<more>-[\x21-\x7e]*)?"
)
_KEY = "(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(rf"[ \t]*(?:({_KEY})={_VALUE})?[ \t]*")
_MOST_MEMBERS = 32


def headers_of(texts: Iterable[str]) -> dict[str, str]:
    """Read KEY=VALUE; UsageError for what isn't one."""
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
    """Read NAME=VALUE; UsageError for what isn't one, or has its own option."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name in _ELSEWHERE:
            raise UsageError("--property doesn't set this", name, hint=_ELSEWHERE[name])
        if not equals or name not in _READERS:
            known = f"known: {', '.join(_READERS)}"
            hint = did_you_mean(name, _READERS) if name not in _READERS else "--property priority=5"
            raise UsageError("--property wants NAME=VALUE", name, hint=hint or known)
        if name in found:
            raise UsageError("--property names one twice", name, hint="leave out one of them")
        found[name] = _READERS[name](name, value)
    return found


def _priority(name: str, value: str) -> int:
    return int(_whole(name, value, 255))


def _expiration(name: str, value: str) -> str:
    return _whole(name, value, _LONGEST_EXPIRATION, " milliseconds")


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


_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "priority": _priority,
    "expiration": _expiration,
    "type": _text,
    "app_id": _text,
    "correlation_id": _text,
    "reply_to": _text,
}


def trace_headers(
    environ: Mapping[str, str], typed: Mapping[str, str], warn: Callable[[str], None]
) -> dict[str, str]:
    """Give the trace that the environment says we are part of, unless one was typed.

    What is no W3C trace context is left out, with a warning; a state without a parent is nothing.
    """
    parent, state = environ.get("TRACEPARENT", ""), environ.get("TRACESTATE", "")
    if not parent or "traceparent" in map(str.lower, typed):
        return {}
    if not is_traceparent(parent):
        warn("TRACEPARENT is no W3C trace context: it is not passed on")
        return {}
    if not state or "tracestate" in map(str.lower, typed):
        return {"traceparent": parent}
    if not is_tracestate(state):
        warn("TRACESTATE is no W3C trace context: it is not passed on")
        return {"traceparent": parent}
    return {"traceparent": parent, "tracestate": state}


def is_traceparent(text: str) -> bool:
    """Tell whether a text is a traceparent; a newer version's may go on after a dash."""
    match = _TRACEPARENT.fullmatch(text)
    return match is not None and not (match["more"] and match["version"] == "00")


def is_tracestate(text: str) -> bool:
    """Tell whether a text is a tracestate: up to 32 members, none twice."""
    members = [_MEMBER.fullmatch(each) for each in text.split(",")]
    keys = [each[1] for each in members if each and each[1]]
    return all(members) and 0 < len(keys) <= _MOST_MEMBERS and len(set(keys)) == len(keys)
