"""The trace that the environment names: passed on if it is one, by W3C's Trace Context."""

import pytest

from medtrack_cli.core.trace import is_tracestate, trace_headers, trace_id

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RIGHT = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (RIGHT, True),
        (f"01-{TRACE}-{PARENT}-ff", True),
        (f"01-{TRACE}-{PARENT}-01-more", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"01-{TRACE}-{PARENT}-01.more", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE[1:]}-{PARENT}-01", False),
        (f"00-{TRACE}-{PARENT}", False),
        (f"{RIGHT}\n", False),
        (f" {RIGHT}", False),
        (f"00-{TRACE}-{PARENT}-\u0660\u0661", False),
        (f"01-{TRACE}-{PARENT}-01-\x1b]0;x", False),
    ],
)
def test_traceparent(text: str, *, is_one: bool) -> None:
    """Version, trace, parent and flags, in lower case, none all zeros."""
    assert trace_id(text) == (TRACE if is_one else None)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", True),
        ("a=1 , b@c=2,,0t@v= x", True),
        (",".join(f"k{number}=v" for number in range(32)), True),
        (",".join(f"k{number}=v" for number in range(33)), False),
        ("a=1,a=2", False),
        ("a", False),
        ("A=1", False),
        ("a=b=c", False),
        ("a=é", False),
        (f"a={'v' * 257}", False),
        (f"{'k' * 257}=v", False),
        (",", False),
        ("a=1\r\nx: y", False),
    ],
)
def test_tracestate(text: str, *, is_one: bool) -> None:
    """Up to 32 members of printable ASCII, none twice; empty ones count for nothing."""
    assert is_tracestate(text) is is_one


@pytest.mark.parametrize(
    ("parent", "state", "typed", "passed", "warned"),
    [
        (RIGHT, "a=1", {}, {"traceparent": RIGHT, "tracestate": "a=1"}, ""),
        (RIGHT, "", {}, {"traceparent": RIGHT}, ""),
        (RIGHT, "A", {}, {"traceparent": RIGHT}, "TRACESTATE"),
        ("x", "a=1", {}, {}, "TRACEPARENT"),
        ("", "a=1", {}, {}, ""),
        (RIGHT, "a=1", {"Traceparent": "mine"}, {}, ""),
        (RIGHT, "a=1", {"tracestate": "mine"}, {"traceparent": RIGHT}, ""),
    ],
)
def test_what_is_passed_on(
    parent: str, state: str, typed: dict[str, str], passed: dict[str, str], warned: str
) -> None:
    """A typed header wins, a state goes only with its parent, and what is none is warned about."""
    said: list[str] = []
    environ = {"TRACEPARENT": parent, "TRACESTATE": state}
    assert trace_headers(environ, typed, said.append) == passed
    assert [each.partition(" ")[0] for each in said] == ([warned] if warned else [])
