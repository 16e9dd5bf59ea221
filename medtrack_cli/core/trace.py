"""The trace that an event is a part of, by W3C's Trace Context."""

import re
from collections.abc import Callable, Mapping

# https://www.w3.org/TR/trace-context/
_TRACEPARENT = re.compile(
    "(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"(?P<more>-[\x21-\x7e]*)?"
)
_KEY = "(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(rf"[ \t]*(?:({_KEY})={_VALUE})?[ \t]*")
_MOST_MEMBERS = 32


def trace_headers(
    environ: Mapping[str, str], typed: Mapping[str, str], warn: Callable[[str], None]
) -> dict[str, str]:
    """Give the trace that the environment says we are part of, unless one was typed.

    What is no W3C trace context is left out, with a warning; a state without a parent is ignored.
    """
    parent, state = environ.get("TRACEPARENT", ""), environ.get("TRACESTATE", "")
    if not parent or "traceparent" in map(str.lower, typed):
        return {}
    if trace_id(parent) is None:
        warn("TRACEPARENT is no W3C trace context: it is not passed on")
        return {}
    if not state or "tracestate" in map(str.lower, typed):
        return {"traceparent": parent}
    if not is_tracestate(state):
        warn("TRACESTATE is no W3C trace context: it is not passed on")
        return {"traceparent": parent}
    return {"traceparent": parent, "tracestate": state}


def trace_id(traceparent: object) -> str | None:
    """Give the trace id of a traceparent; a newer version's may continue after a dash."""
    match = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    if match is None or (match["more"] and match["version"] == "00"):
        return None
    return match["trace"]


def is_tracestate(text: str) -> bool:
    """Return whether a text is a tracestate: up to 32 members, none twice."""
    members = [_MEMBER.fullmatch(each) for each in text.split(",")]
    keys = [each[1] for each in members if each and each[1]]
    return all(members) and 0 < len(keys) <= _MOST_MEMBERS and len(set(keys)) == len(keys)
