"""What is wrong with a recorded event has its place in the record's line, where the body stands."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import changed
from tests.running import run, run_json

WRONG = changed({"/timestamp": "no time", "first_name": 'Zoé 😀 \\ "x"\n'})


def record(body: bytes, **more: Any) -> dict[str, Any]:
    """Build a record by hand, as medtrack writes it."""
    return {
        "kind": "event",
        "received_at": "2026-01-01T10:00:00.000000Z",
        "exchange": "medtrack.events",
        "routing_key": "student.created",
        "redelivered": False,
        "properties": {},
        "headers": {},
        "body": None,
        "body_text": body.decode("utf-8"),
        **more,
        "valid": True,
        "findings": [],
    }


def places(folder: Path, text: str) -> list[str]:
    """Give what stands at the place of each finding."""
    (folder / "r.ndjson").write_text(text, "utf-8")
    ran = run_json("validate", folder / "r.ndjson", folder=folder)
    found = [each for each in map(json.loads, ran.out.splitlines()) if each["kind"] == "finding"]
    lines = text.split("\n")
    return [lines[f["line"] - 1][f["column"] - 1 : f["end_column"] - 1] for f in found]


@pytest.mark.parametrize("is_ascii", [True, False], ids=["escaped", "as it is"])
@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "lines"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
def test_a_value_is_found_in_the_body(
    tmp_path: Path, *, is_ascii: bool, indent: int | None, mark: str
) -> None:
    """The caret stands below the value, whatever is escaped before it and however."""
    body = mark + json.dumps(WRONG, ensure_ascii=False, indent=indent)
    lines = [record(json.dumps(changed({})).encode()), record(body.encode())]
    text = "".join(f"{json.dumps(each, ensure_ascii=is_ascii)}\n" for each in lines)
    assert places(tmp_path, text) == ['\\"no time\\"']


def test_a_slip_of_the_text_is_found_in_the_body(tmp_path: Path) -> None:
    """A body that is no JSON has the place where reading it ends."""
    text = json.dumps(record('{"é": "\\"", }'.encode()), ensure_ascii=True)
    assert places(tmp_path, text) == [","]


def test_what_stands_in_no_text_has_the_record_as_its_place(tmp_path: Path) -> None:
    """A body in base64 has no characters to point at."""
    body = base64.b64encode(json.dumps(WRONG).encode() + b"\xff").decode()
    line = record(b"", body_base64=body)
    del line["body_text"]
    assert set(places(tmp_path, json.dumps(line))) == {"{"}


def test_the_line_shown_has_keys_and_no_values(tmp_path: Path) -> None:
    """The record's line is shown around the caret; keys can be read, and nobody's data."""
    (tmp_path / "r.ndjson").write_text(json.dumps(record(json.dumps(WRONG).encode())), "utf-8")
    ran = run("validate", tmp_path / "r.ndjson", folder=tmp_path)
    assert '\\"timestamp\\": \\"xx xxxx\\"' in ran.out
    assert "no time" not in ran.out
    assert "Zo" not in ran.out


def test_a_body_in_an_unknown_encoding_that_is_no_json_has_a_place(tmp_path: Path) -> None:
    """What nobody can decode is a finding at the body's start, whatever the bytes are."""
    text = json.dumps(record(b"no JSON", properties={"content_encoding": "gzip"}))
    assert places(tmp_path, text) == ["n"]
