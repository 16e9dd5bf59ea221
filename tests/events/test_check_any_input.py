"""The check of events that nobody would write: it answers soon, and quotes nothing."""

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.events.check import check
from medtrack_cli.events.registry import event_types, extended
from tests.builders import event

PERSONAL = ("first_name", "last_name", "email", "phone", "cin")


@pytest.mark.parametrize(
    "body",
    [b"[" * 10_000_000, b'{"a":' * 2_000_000, b'{"a":1,' * 1_000_000],
    ids=["lists", "objects", "members"],
)
def test_hostile_bodies_are_answered_soon(body: bytes) -> None:
    """A body of ten megabytes made to exhaust a parser has a verdict within seconds."""
    started = time.process_time()
    assert not check(body).is_valid
    assert time.process_time() - started < 5


CANARY = "canary7359"
CANARIES: list[Any] = [
    CANARY,
    f"{CANARY} ",
    f"{CANARY}@",
    f"+{CANARY}",
    [CANARY],
    {CANARY: CANARY},
    f"\ud800{CANARY}",
]


@pytest.mark.parametrize("value", CANARIES, ids=repr)
def test_no_problem_quotes_a_payloads_value(value: object) -> None:
    """Neither message nor suggestion ever holds a value of the event, whatever is wrong with it."""
    for event_type in event_types():
        whole = event(event_type)
        whole["payload"] = dict.fromkeys([*whole["payload"], *PERSONAL], value)
        for changes in ({}, {"version": "9.0"}, {"event_type": CANARY}, {"timestamp": CANARY}):
            problems = check(json.dumps(whole | changes).encode(), publishing=True).problems
            assert problems
            told = " ".join(f"{each.message} {each.suggestion}" for each in problems)
            assert CANARY not in told


def test_no_syntax_error_quotes_the_text() -> None:
    """A text broken off or spoilt at any place is explained without its own words."""
    text = json.dumps(event()).replace("Amina", CANARY)
    start = text.index(CANARY)
    for offset in range(start - 3, start + len(CANARY) + 3):
        for spoil in ("", "\x01", '"', "\\x", "NaN", "}"):
            broken = text[:offset] + spoil
            for each in check(broken.encode()).problems:
                assert CANARY[:4] not in each.message + each.suggestion


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(max_examples=100)
@given(
    event_type=st.sampled_from(list(event_types())),
    changes=st.dictionaries(
        st.sampled_from(["event_type", "payload", "service", "timestamp", "version", "extra"]),
        JSON_VALUES,
        max_size=3,
    ),
    payload=st.dictionaries(
        st.sampled_from(["student_id", "email", "score", "updated_fields", "x"]), JSON_VALUES
    ),
)
def test_any_json_has_a_verdict(
    event_type: str, changes: dict[str, object], payload: dict[str, object]
) -> None:
    """Whatever JSON stands in an event's fields, the check answers, and each problem explains."""
    whole = event(event_type)
    whole["payload"] |= payload
    verdict = check(json.dumps(whole | changes).encode())
    assert all(each.message for each in verdict.problems)


@given(st.binary(max_size=200))
def test_any_bytes_have_a_verdict(body: bytes) -> None:
    """Bytes that are no event are never valid and never an exception."""
    assert not check(body).is_valid


MANY = 250_000
WHOLE = event("student.updated")
CROWDS: dict[str, Any] = {
    "unknown fields": {"payload": {**WHOLE["payload"], **{f"k{i}": 1 for i in range(MANY // 4)}}},
    "wrong items": {"payload": {**WHOLE["payload"], "updated_fields": [1] * MANY}},
    "late wrong items": {
        "payload": {**WHOLE["payload"], "updated_fields": ["a"] * 9_999 + [1] * MANY}
    },
    "unknown fields outside": {f"k{i}": 1 for i in range(MANY // 4)},
    "of no known type": {"event_type": "x", **{f"k{i}": 1 for i in range(MANY // 4)}},
}


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_of_problems_costs_no_more_than_its_text(name: str) -> None:
    """Of very many things wrong a thousand are told, in seconds and with little more memory."""
    body = json.dumps({**WHOLE, **CROWDS[name]}).encode()
    check(b"{}")
    tracemalloc.start()
    started = time.process_time()
    problems = check(body).problems
    seconds = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 990 <= len(problems) <= 1_010
    assert seconds < 5
    assert peak < 30_000_000


def test_a_crowd_is_told_as_a_few_are() -> None:
    """A crowd's problems are those of its members, at their own places; a valid one has none."""
    late = [*(["email"] * 5_000), 5, *(["email"] * 5_000)]
    payload = {"updated_fields": late, **{f"k{i}": 1 for i in range(3_000)}}
    problems = check(json.dumps({**WHOLE, "payload": payload}, indent=8).encode()).problems
    assert {each.rule for each in problems} == {"unknown_field", "missing_field", "wrong_type"}
    assert ("payload", "updated_fields", 5_000) in {each.where for each in problems}
    assert ("payload", "student_id") in {each.where for each in problems}
    whole = {**WHOLE, "payload": {**WHOLE["payload"], "updated_fields": ["email"] * 10_000}}
    text = json.dumps(whole, indent=8)
    assert check(text.encode()) == check(json.dumps(WHOLE).encode())
    (twice,) = check(text.replace("{", '{"service": "x",', 1).encode()).problems
    assert twice.rule == "duplicate_key"
    (broken,) = check(text.replace('"email"', "NaN", 1).encode()).problems
    assert broken.rule == "json_syntax"


ADDED_CROWDS: dict[str, tuple[dict[str, Any], object]] = {
    "items": ({"items": {"type": "string"}}, ["x"] * 9 + [1] * MANY),
    "unevaluated items": ({"unevaluatedItems": False}, [1] * 60_000),
    "members": ({"additionalProperties": False}, {f"k{i}": 1 for i in range(21_000)}),
    "unevaluated members": (
        {"unevaluatedProperties": {"type": "null"}}, {f"k{i}": 1 for i in range(21_000)}
    ),
    "keys": ({"propertyNames": {"pattern": "^a"}}, {f"k{i}": 1 for i in range(4_000)}),
    "no keys": ({"propertyNames": False}, {f"k{i}": 1 for i in range(21_000)}),
}  # fmt: skip


@pytest.mark.parametrize("name", ADDED_CROWDS)
def test_a_crowd_of_an_added_type_is_checked_soon(name: str) -> None:
    """An added type's payload with very many things wrong is invalid, at its own place, soon."""
    schema, value = ADDED_CROWDS[name]
    registry = extended([("room.booked", "1.0", {"type": "object", "properties": {"a": schema}})])
    whole = {**WHOLE, "event_type": "room.booked", "payload": {"a": value}}
    body = json.dumps(whole).encode()
    tracemalloc.start()
    started = time.process_time()
    problems = check(body, registry).problems
    seconds = time.process_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 1 <= len(problems) <= 1_010
    assert {each.where[:2] for each in problems if isinstance(each.where, tuple)} == {
        ("payload", "a")
    }
    assert seconds < 10
    assert peak < 60_000_000
