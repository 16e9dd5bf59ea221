"""One event, one verdict: in JSON, NDJSON, an array and both styles of YAML."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtrack_cli.files.reading.syntax import SMALL
from tests.builders import STUDENT, block_yaml, changed
from tests.validate.checking import findings, places, rules, validate

NAMES = st.sampled_from(
    [
        *("student_id", "studnet_id", "cin", "email", "phone", "first_name", "last_nmae", "x/y~"),
        *("/event_type", "/service", "/timestamp", "/version", "/payload", "/verison", "/naive"),
    ]
)
TEXTS = st.sampled_from(
    [
        *("", " ", "no", "null", "~", "1.0", "1.1", "2.0", "01", "0x1", "12:30", "85", "true"),
        *("550E8400-E29B-41D4-A716-446655440000", "550e8400e29b41d4a716446655440000"),
        *("2025-01-15T10:00:00", "2025-01-15 10:00:00Z", "student.craeted", "user.created"),
        *("Zoë", "名前", "😀", 'quote"d', "back\\slash", "a: b", "# a", "- a", "{a", "tab\there"),
    ]
)
# No plain number or boolean where a text belongs: YAML keeps its text, JSON can't.
SIMPLE = TEXTS | st.none()
VALUES = SIMPLE | st.lists(SIMPLE, max_size=2) | st.dictionaries(TEXTS, SIMPLE, max_size=2)
CHANGES = st.dictionaries(NAMES, VALUES, max_size=4)


def in_every_syntax(event: dict[str, Any]) -> dict[str, str]:
    """Write an event in each syntax: file name and content."""
    compact = json.dumps(event, ensure_ascii=False)
    return {
        "a.json": json.dumps(event, indent=2, ensure_ascii=False),
        "escaped.json": json.dumps(event),
        "a.ndjson": compact + "\n",
        "array.json": f"[\n{compact}]",
        "flow.yaml": compact,
        "block.yaml": block_yaml(event) + "\n",
        "list.yaml": f"- {compact}\n",
        "second.yaml": f"---\n{json.dumps(STUDENT)}\n---\n{block_yaml(event)}\n",
    }


@given(changes=CHANGES, without=st.sets(st.sampled_from(sorted(STUDENT)), max_size=2))
@settings(max_examples=60, deadline=None)
def test_verdict_does_not_depend_on_the_syntax(changes: dict[str, Any], without: set[str]) -> None:
    """An event, valid or not, breaks the same rules at the same pointers in every syntax."""
    event = {name: value for name, value in changed(changes).items() if name not in without}
    verdicts = {
        name: rules(findings(name, content)) for name, content in in_every_syntax(event).items()
    }
    assert {json.dumps(each) for each in verdicts.values()} == {json.dumps(verdicts["a.json"])}


@given(changes=CHANGES)
@settings(max_examples=60, deadline=None)
def test_places_point_at_what_is_wrong(changes: dict[str, Any]) -> None:
    """In JSON and in YAML, what stands at a finding's place is the key or the value it is about."""
    for name, content in in_every_syntax(changed(changes)).items():
        lines = content.split("\n")
        for found in findings(name, content):
            shown = lines[found["line"] - 1][found["column"] - 1 : found["end_column"] - 1]
            parts = found["pointer"].replace("~1", "/").replace("~0", "~").split("/")
            key = parts[-1] if not found["pointer"].endswith("x~1y~0") else "x/y~"
            if found["rule"] == "unknown_field":
                assert json.loads(shown) == key
            elif found["rule"] == "missing_field":
                assert shown in {"{", '"'}  # a block mapping opens with its first key
            elif found["rule"] == "bad_format":
                assert isinstance(json.loads(shown), str)


@pytest.mark.parametrize("name", ["no", "12:30", "01234567", "+212600000000", "1_000", "0o17"])
def test_yaml_texts_keep_their_text(name: str) -> None:
    """What YAML could take for a boolean, a time or a number is the text that stands there."""
    event = block_yaml(changed({"first_name": "here", "/service": "here"})).replace('"here"', name)
    assert findings("a.yaml", event) == []


def test_yaml_identity_numbers_keep_their_zeros() -> None:
    """`cin: 01234567` and `phone: +212600000000` are valid as they stand."""
    event = block_yaml(changed({"cin": "C", "phone": "P", "/version": "V"}))
    plain = event.replace('"C"', "01234567").replace('"P"', "+212600000000").replace('"V"', "1.0")
    assert findings("a.yaml", plain) == []


def test_places_to_the_letter() -> None:
    """Values, keys, second duplicates and openings are pointed at as the contract says."""
    text = (
        '\ufeff{"event_type": "student.deleted",\r\n'
        ' "payload": {"studnet_id": 1, "é😀": 2},\r\n'
        ' "service": 5, "service": "x",\r\n'
        ' "timestamp": "2025-01-15T10:00:00", "version": "1.0"}\r\n'
    )
    assert places(findings("a.json", text)) == [
        ("missing_field", 2, 13, 14),
        ("unknown_field", 2, 14, 26),
        ("unknown_field", 2, 31, 35),
        ("duplicate_key", 3, 16, 25),
        ("naive_timestamp", 4, 15, 36),
    ]


def test_scenario_places_are_in_its_events() -> None:
    """A scenario's findings stand where its events do; an unknown shared value is one of them."""
    text = (
        "vars:\n  user: 550e8400-e29b-41d4-a716-446655440000\nevents:\n"
        "  - event_type: student.deleted\n"
        "    payload: {student_id: '${user}', user_id: '${usre}'}\n"
        "    service: s\n    timestamp: 2025-01-15T10:00:00Z\n    version: 1.0\n"
    )
    found = findings("a.yaml", text)
    assert {(each["line"], each["column"], each["pointer"]) for each in found} == {
        (5, 47, "/payload/user_id")
    }
    assert "did you mean user?" in {each["suggestion"] for each in found}


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_whole_file_is_one_event(tmp_path: Path, suffix: str, more: int) -> None:
    """A JSON file below and above the size that is judged as it stands: the event, and no more."""
    start = json.dumps(STUDENT)[:-1]
    body = f"{start}{' ' * (SMALL + more - len(start) - 1)}}}".encode()
    verdicts = []
    for number, rest in enumerate((b"", b"\n\n", b"{}", b"\n]")):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(gzip.compress(body + rest) if suffix.endswith(".gz") else body + rest)
        ran = validate(str(path), "-o", "json")
        verdicts.append((ran.code, ran.summary["events"], ran.summary["errors"]))
    assert verdicts == [(0, 1, 0), (0, 1, 0), (1, 2, 1), (1, 2, 1)]


@pytest.mark.parametrize("lost", [1, 8])
def test_what_a_damaged_gzip_still_holds_is_told(tmp_path: Path, lost: int) -> None:
    """A small file whose last bytes are missing: the event's findings, then the damage."""
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps(changed({"cin": 1})).encode())[:-lost])
    ran = validate(str(path), "-o", "json")
    assert [each["rule"] for each in ran.of_kind("finding")] == ["wrong_type"]
    assert (ran.code, ran.summary["events"], ran.summary["unreadable"]) == (1, 1, 1)
