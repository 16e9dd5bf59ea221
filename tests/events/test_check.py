"""The one validation of events: which rule speaks, and of which place."""

import base64
import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType
from typing import TYPE_CHECKING

import pytest

from medtrack_cli.events.check import check
from medtrack_cli.events.findings import WARNINGS, Rule, json_pointer
from medtrack_cli.events.json_text import MAX_BODY
from medtrack_cli.events.registry import event_types
from tests.builders import DROP, encode, event, spoilt
from tests.running import run

if TYPE_CHECKING:
    from pathlib import Path


def found(body: bytes | object, *, publishing: bool = False) -> list[tuple[str, str | int]]:
    """List what the check says: each rule with its pointer, or its offset."""
    body = body if isinstance(body, bytes) else encode(body)
    return [
        (each.rule.value, each.where if isinstance(each.where, int) else json_pointer(each.where))
        for each in check(body, publishing=publishing).problems
    ]


@pytest.mark.parametrize(
    ("event_type", "pointer", "value", "rule"),
    [
        ("student.created", "/payload/email", DROP, "missing_field"),
        ("student.created", "/service", DROP, "missing_field"),
        ("student.created", "/timestamp", DROP, "missing_field"),
        ("student.created", "/version", DROP, "missing_field"),
        ("student.created", "/payload", DROP, "missing_field"),
        ("student.created", "/event_type", DROP, "missing_field"),
        ("student.created", "/payload/nickname", "x", "unknown_field"),
        ("student.created", "/trace", {}, "unknown_field"),
        ("evaluation.created", "/payload/score", "85", "wrong_type"),
        ("evaluation.created", "/payload/score", True, "wrong_type"),
        ("evaluation.created", "/payload/score", None, "wrong_type"),
        ("student.created", "/payload/cin", 12345678, "wrong_type"),
        ("student.created", "/payload/first_name", ["x"], "wrong_type"),
        ("student.created", "/payload", [], "wrong_type"),
        ("student.created", "/payload", "x", "wrong_type"),
        ("student.created", "/event_type", 1, "wrong_type"),
        ("student.created", "/service", 7, "wrong_type"),
        ("student.created", "/timestamp", 1736935200, "wrong_type"),
        ("student.created", "/version", 1.0, "wrong_type"),
        ("student.updated", "/payload/updated_fields", "email", "wrong_type"),
        ("student.updated", "/payload/updated_fields/0", 1, "wrong_type"),
        ("stage.completed", "/payload/stage_id", None, "wrong_type"),
        ("student.updated", "/payload/updated_fields", [], "invalid_value"),
        (
            "student.created",
            "/payload/student_id",
            "550e8400e29b41d4a716446655440000",
            "bad_format",
        ),
        ("student.created", "/payload/user_id", "test-123", "bad_format"),
        ("student.created", "/payload/user_id", "", "bad_format"),
        ("student.created", "/payload/email", "a@localhost", "bad_format"),
        ("student.created", "/payload/email", "a@b@c.org", "bad_format"),
        ("student.created", "/payload/phone", "0612345678", "bad_format"),
        ("student.created", "/payload/phone", "+123456", "bad_format"),
        ("student.created", "/payload/phone", "+1234567890123456", "bad_format"),
        ("student.created", "/payload/cin", "AB1", "bad_format"),
        ("student.created", "/payload/cin", "AB-12345", "bad_format"),
        ("student.created", "/payload/cin", "AB\u0661\u0662\u0663\u0664", "bad_format"),
        ("stage.created", "/payload/start_date", "2023-02-29", "bad_format"),
        ("stage.created", "/payload/start_date", "1900-02-29", "bad_format"),
        ("stage.created", "/payload/start_date", "2025-04-31", "bad_format"),
        ("stage.created", "/payload/start_date", "01/02/2025", "bad_format"),
        ("stage.created", "/payload/start_date", "2025-02-01T00:00:00Z", "bad_format"),
        ("stage.created", "/payload/start_date", "2025-02-01\n", "bad_format"),
        ("stage.created", "/timestamp", "2025-01-15 10:00:00Z", "bad_format"),
        ("stage.created", "/timestamp", "2025-01-15T10:00:60Z", "bad_format"),
        ("stage.created", "/timestamp", "2025-01-15T24:00:00Z", "bad_format"),
        ("stage.created", "/timestamp", "2025-02-30T10:00:00Z", "bad_format"),
        ("stage.created", "/timestamp", "2025-01-15T10:00:00.1234567890Z", "bad_format"),
        ("stage.created", "/timestamp", "", "bad_format"),
        ("stage.created", "/version", "1", "bad_format"),
        ("stage.created", "/version", "1.0.0", "bad_format"),
        ("stage.created", "/version", "01.0", "bad_format"),
        ("evaluation.created", "/payload/score", -0.5, "out_of_range"),
        ("evaluation.created", "/payload/score", 100.01, "out_of_range"),
        ("evaluation.created", "/payload/score", 10**400, "out_of_range"),
        ("student.created", "/event_type", "student.craeted", "unknown_event_type"),
        ("student.created", "/event_type", "Student.Created", "unknown_event_type"),
        ("student.created", "/version", "2.0", "unknown_version"),
        ("student.created", "/version", "0.9", "unknown_version"),
        ("student.created", "/version", "1.1", "newer_minor_version"),
        ("student.created", "/timestamp", "2025-01-15T10:00:00.123456", "naive_timestamp"),
        ("student.created", "/timestamp", "2025-01-15T10:00:00", "naive_timestamp"),
    ],
)
def test_one_fault_is_one_problem_in_its_place(
    event_type: str, pointer: str, value: object, rule: str
) -> None:
    """A sample spoilt in one place has exactly one problem, by its rule, pointing there."""
    assert found(spoilt(event_type, pointer, value)) == [(rule, pointer)]


TWICE = "it is JSON inside a string, so it was encoded twice: encode it once"


@pytest.mark.parametrize(
    ("event_type", "pointer", "value", "hint"),
    [
        ("student.created", "/payload", '{"cin": "AB123456"}', TWICE),
        ("student.created", "/payload", "AB123456", ""),
        ("student.created", "/payload", [], ""),
        ("student.updated", "/payload/updated_fields", '["email"]', TWICE),
        ("student.updated", "/payload/updated_fields", "email,phone", "write a list, in [ ]"),
        ("evaluation.created", "/payload/score", "85.5", "leave out the quotes"),
        ("evaluation.created", "/payload/score", "good", ""),
        (
            "student.created",
            "/payload/phone",
            212600000000,
            "put it in quotes: a phone number: + and 7 to 15 digits",
        ),
        (
            "student.created",
            "/payload/user_id",
            5,
            "put it in quotes: a hyphenated UUID, such as 550e8400-e29b-41d4-a716-446655440000",
        ),
        ("student.created", "/payload/first_name", 5, "put it in quotes"),
        ("student.created", "/payload/first_name", None, ""),
        ("student.created", "/version", 1.0, "put it in quotes: MAJOR.MINOR, such as 1.0"),
        (
            "student.created",
            "/timestamp",
            1736935200,
            "put it in quotes: an RFC 3339 time, such as 2025-01-15T10:00:00Z",
        ),
    ],
)
def test_another_type_has_its_hint(event_type: str, pointer: str, value: object, hint: str) -> None:
    """A value of another JSON type is told with what to do, where that is known."""
    (problem,) = check(encode(spoilt(event_type, pointer, value))).problems
    assert (problem.rule, problem.suggestion) == (Rule.WRONG_TYPE, hint)


@pytest.mark.parametrize(
    ("disguise", "message", "hint"),
    [
        (gzip.compress, "this byte is not UTF-8", "does its message lack content_encoding?"),
        (base64.b64encode, "this is JSON in base64", "decode it first"),
        (lambda body: body.decode().encode("utf-16"), "this byte is not UTF-8", "as UTF-8"),
        (lambda body: b"<event>%s</event>" % body, "this is XML or HTML, not JSON", "write JSON"),
    ],
)
def test_a_body_in_disguise_is_told(
    disguise: Callable[[bytes], bytes], message: str, hint: str
) -> None:
    """What a publisher has packed or encoded once more is named, not only refused."""
    for body in (
        encode(event("user.created")),
        json.dumps(event("user.created"), indent=2).encode(),
    ):
        (problem,) = check(disguise(body)).problems
        assert problem.message == message
        assert problem.suggestion.endswith(hint)


def test_a_whole_event_that_was_encoded_twice_is_told_so() -> None:
    """What json.dumps gives for JSON is a string: no event, and said to be JSON in a string."""
    (problem,) = check(encode(encode(event("student.created")).decode())).problems
    assert (problem.rule, problem.suggestion) == (Rule.NOT_AN_EVENT, TWICE)


@pytest.mark.parametrize(
    ("event_type", "pointer", "value"),
    [
        ("student.created", "/timestamp", "2025-01-15T10:00:00.123456789Z"),
        ("student.created", "/timestamp", "2025-01-15T10:00:00.1+01:00"),
        ("student.created", "/timestamp", "2024-02-29T23:59:59-11:30"),
        ("student.created", "/payload/student_id", "550E8400-E29B-11D4-0716-446655440000"),
        ("student.created", "/payload/phone", "+212600000000"),
        ("student.created", "/payload/first_name", ""),
        ("student.created", "/payload/first_name", 'Ana "Ñ" \\ \u202e\u0000'),
        ("student.created", "/payload/email", "é+x@sub.exämple.org"),
        ("stage.created", "/payload/start_date", "2000-02-29"),
        ("evaluation.created", "/payload/score", 0),
        ("evaluation.created", "/payload/score", 100),
        ("evaluation.created", "/payload/score", 99.5),
        ("stage.completed", "/payload/stage_id", DROP),
    ],
)
def test_what_is_allowed_has_no_problem(event_type: str, pointer: str, value: object) -> None:
    """What the contract allows draws neither an error nor a warning."""
    assert found(spoilt(event_type, pointer, value)) == []


@pytest.mark.parametrize("rule", sorted(WARNINGS - {Rule.UNREAD_ENCODING, Rule.EMPTY_INPUT}))
def test_warnings_leave_an_event_valid(rule: Rule) -> None:
    """An event whose only problem is a warning is valid."""
    bodies = {
        Rule.NAIVE_TIMESTAMP: spoilt("user.created", "/timestamp", "2025-01-15T10:00:00"),
        Rule.NEWER_MINOR_VERSION: spoilt("user.created", "/version", "1.7"),
        Rule.EMITTED_BY_MEDTRACK: event("stage.completed"),
    }
    verdict = check(encode(bodies[rule]), publishing=True)
    assert [each.rule for each in verdict.problems] == [rule]
    assert verdict.is_valid


def test_only_publishing_warns_of_medtracks_own_types() -> None:
    """`stage.completed` may be received without a warning; publishing it draws one."""
    assert found(event("stage.completed")) == []
    published = found(event("stage.completed"), publishing=True)
    assert published == [("emitted_by_medtrack", "/event_type")]
    assert found(event("stage.created"), publishing=True) == []


def test_a_misspelt_field_is_one_problem_with_a_suggestion() -> None:
    """A missing field beside an unknown near-twin is one unknown_field that names the right one."""
    payload = event()["payload"]
    payload["first_nmae"] = payload.pop("first_name")
    (problem,) = check(encode({**event(), "payload": payload})).problems
    assert (problem.rule, problem.where) == (Rule.UNKNOWN_FIELD, ("payload", "first_nmae"))
    assert "first_name" in problem.suggestion


def test_twins_are_sought_among_siblings_only() -> None:
    """A field that stands one level too high is unknown there and missing below, without a twin."""
    payload = event()["payload"]
    moved = payload.pop("email")
    assert found({**event(), "email": moved, "payload": payload}) == [
        ("unknown_field", "/email"),
        ("missing_field", "/payload/email"),
    ]


def test_an_unknown_type_suggests_the_near_one() -> None:
    """A misspelt event type is answered with the nearest known one, else with all of them."""
    (near,) = check(encode(spoilt("stage.created", "/event_type", "stage.craeted"))).problems
    assert "stage.created" in near.suggestion
    (far,) = check(encode(spoilt("stage.created", "/event_type", "zzz"))).problems
    assert all(name in far.suggestion for name in event_types())


def test_the_envelope_of_an_unknown_type_is_checked() -> None:
    """An unknown type hides nothing else that is wrong with the envelope."""
    body = {"event_type": "nobody.knows", "payload": {}, "timestamp": "now", "version": "1.0"}
    assert sorted(found(body)) == [
        ("bad_format", "/timestamp"),
        ("missing_field", "/service"),
        ("unknown_event_type", "/event_type"),
    ]


def test_all_problems_are_told() -> None:
    """Every fault of an event is told at once, not the first alone."""
    broken = event()
    broken["payload"] |= {"email": "x", "phone": 1, "extra": None}
    broken["payload"].pop("cin")
    broken["version"] = "1.5"
    broken["timestamp"] = "2025-01-15T10:00:00"
    assert sorted(found(broken)) == [
        ("bad_format", "/payload/email"),
        ("missing_field", "/payload/cin"),
        ("naive_timestamp", "/timestamp"),
        ("newer_minor_version", "/version"),
        ("unknown_field", "/payload/extra"),
        ("wrong_type", "/payload/phone"),
    ]


SAMPLE = json.dumps(event())


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        (SAMPLE[:-1] + ', "version": "1.0"}', ["/version"]),
        (SAMPLE.replace('"payload": {', '"payload": {"cin": "AB123",'), ["/payload/cin"]),
        (SAMPLE.replace("{", '{"\\u0076ersion": "1.0",', 1), ["/version"]),
        (
            SAMPLE.replace('"payload": {', '"payload": {"c\\u0069n": "A\\\\B", "first_name": "",'),
            ["/payload/cin", "/payload/first_name"],
        ),
        (SAMPLE.replace('"Amina"', '"Am\\"ina", "last_name": "x"'), ["/payload/last_name"]),
    ],
)
def test_duplicate_keys_are_found_on_both_levels(text: str, pointers: list[str]) -> None:
    """A key that stands twice is found in envelope and payload, hidden by escapes or not."""
    assert found(text.encode()) == [("duplicate_key", pointer) for pointer in pointers]


def test_a_duplicate_of_a_list_or_a_number_is_found() -> None:
    """Duplicates are found where the values aren't strings, too."""
    number = json.dumps(event("evaluation.created")).replace('"score"', '"score": 1, "score"')
    assert found(number.encode()) == [("duplicate_key", "/payload/score")]
    fields = json.dumps(event("student.updated")).replace(
        '"updated_fields"', '"updated_fields": [], "updated_fields"'
    )
    assert found(fields.encode()) == [("duplicate_key", "/payload/updated_fields")]


@pytest.mark.parametrize("event_type", event_types())
def test_every_duplicate_of_every_type_is_found(event_type: str) -> None:
    """Whichever member of a sample is written twice, exactly that is found."""
    whole = event(event_type)
    for name, value in whole.items():
        twice = f"{json.dumps(whole)[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
        assert found(twice.encode()) == [("duplicate_key", f"/{name}")]
    for name, value in whole["payload"].items():
        member = f"{json.dumps(name)}: {json.dumps(value)}"
        twice = json.dumps(whole).replace('"payload": {', f'"payload": {{{member}, ')
        assert found(twice.encode()) == [("duplicate_key", f"/payload/{name}")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", [("json_syntax", 0)]),
        (b"{}", [("not_an_event", "")]),
        (b"[]", [("not_an_event", "")]),
        (b"null", [("not_an_event", "")]),
        (b'"event_type"', [("not_an_event", "")]),
        (b'{"student_id": "x"}', [("not_an_event", "")]),
        (b'{"a": 1, "a": 2}', [("duplicate_key", "/a"), ("not_an_event", "")]),
        (b'{"event_type": NaN}', [("json_syntax", 15)]),
        (b'{"event_type": "x", "payload": {"score": -Infinity}}', [("json_syntax", 41)]),
        (b"\x00\x01", [("json_syntax", 0)]),
        (b"\x1f\x8b\x08\x00", [("bad_encoding", 1)]),
        (b'{"event_type": "\xff"}', [("bad_encoding", 16)]),
        (SAMPLE.encode("utf-16"), [("bad_encoding", 0)]),
        (b'{"event_type": ' + b"[" * 64 + b"]" * 64 + b"}", [("too_deep", 78)]),
        (SAMPLE.replace("Amina", "\\ud83d").encode(), [("bad_encoding", SAMPLE.index('"Amina'))]),
    ],
)
def test_what_is_no_event_is_named(body: bytes, expected: list[tuple[str, str | int]]) -> None:
    """Text that is no JSON, and JSON that is no event, have their own rules."""
    assert found(body) == expected
    assert check(body).event_type is None


def test_a_byte_order_mark_is_fine() -> None:
    """A BOM before the event changes nothing."""
    assert check(b"\xef\xbb\xbf" + encode(event())).is_valid
    assert found(b"\xef\xbb\xbf" + encode(event()).replace(b'"1.0"', b'"9.0"')) == [
        ("unknown_version", "/version")
    ]
    assert found(b"\xef\xbb\xbf" * 2 + encode(event())) == [("json_syntax", 0)]


def test_a_body_may_be_as_large_as_the_limit_and_no_larger() -> None:
    """16 MiB are accepted; one byte more is too_large."""
    text = SAMPLE.replace("Amina", "x" * (MAX_BODY - len(SAMPLE) + len("Amina"))).encode()
    assert len(text) == MAX_BODY
    assert check(text).is_valid
    assert found(text.replace(b"{", b"{ ", 1)) == [("too_large", 0)]


@pytest.mark.parametrize("output", ["human", "json"])
def test_an_invalid_event_is_judged_once(tmp_path: "Path", output: str) -> None:
    """Its model is asked once, and from its line to its finding it is under 160 calls."""
    file = tmp_path / "a.ndjson"
    calls: Counter[CodeType] = Counter()
    asked: Counter[str] = Counter()

    def note(frame: FrameType, kind: str, argument: object) -> None:
        if kind == "call" and "/medtrack_cli/" in frame.f_code.co_filename:
            calls[frame.f_code] += 1
        elif kind == "c_call":
            asked[getattr(argument, "__name__", "")] += 1

    def validate(events: int) -> tuple[int, int]:
        """Count the calls, and the questions to a model, of a validation."""
        file.write_bytes((encode(event() | {"service": 1}) + b"\n") * events)
        calls.clear()
        asked.clear()
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            ran = run("validate", file, "-o", output)
        finally:
            sys.setprofile(before)
        assert ran.code == 1
        return calls.total(), asked["validate_json"]

    validate(1)  # what is imported late is there now
    (few, once), (many, often) = validate(10), validate(20)
    assert (many - few) / 10 < 160
    assert often - once == 10
