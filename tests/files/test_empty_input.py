"""Inputs that hold no event, the same for every command that takes events."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.builders import STUDENT
from tests.cli.tool import Tool
from tests.recording.recorded import record
from tests.running import run_json
from tests.validate.checking import validate

GOOD = json.dumps(STUDENT).encode()
COMMANDS = (("validate",), ("publish", "--dry-run", "-f"), ("replay", "--dry-run"))
EMPTY = {
    "none.json": b"",
    "spaces.json": b"\xef\xbb\xbf \n\t\n",
    "array.json": b"[ ]\n",
    "none.ndjson": b"",
    "blank.ndjson": b"\xef\xbb\xbf\r\n\n \n",
    "none.ndjson.gz": gzip.compress(b""),
    "comment.yaml": b"# nothing yet\n",
    "documents.yaml": b"---\n---\n[]\n---\n",
    "list.yml": b"[]",
    "scenario.yaml": b"vars: {a: b}\nevents: []\n",
}


@pytest.fixture
def empty(tmp_path: Path) -> list[Path]:
    """Make a file of each sort that holds no event."""
    for name, content in EMPTY.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in EMPTY]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_no_event_at_all_is_66(command: Sequence[str], empty: list[Path]) -> None:
    """An input without any event is 66, whatever it is made of; with --allow-empty it is 0."""
    inputs: list[Path | str] = [*empty, "-", empty[0].parent]
    for each in inputs:
        ran = run_json(*command, each)
        assert (each, ran.code) == (each, 66)
        error = json.loads(ran.err.splitlines()[-1])
        assert (error["code"], error["hint"]) == ("empty_input", "--allow-empty lets that pass")
        allowed = run_json(*command, each, "--allow-empty")
        assert (each, allowed.code, allowed.err) == (each, 0, "")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_an_empty_file_among_others_is_a_warning(command: Sequence[str], empty: list[Path]) -> None:
    """Beside an event each empty file is warned about once; a missing one is still missing."""
    folder = empty[0].parent
    (folder / "good.ndjson").write_bytes(GOOD)
    ran = run_json(*command, folder)
    assert ran.code == 0
    lines = (ran.out + ran.err).splitlines()
    warnings = [each for each in lines if "there is no event in this input" in each]
    assert len(warnings) == len(EMPTY)
    for name, warning in zip(sorted(EMPTY), warnings, strict=True):
        assert f"{folder}/{name}" in warning
    assert "no event in this" not in run_json(*command, folder, "--allow-empty").err
    assert run_json(*command, folder / "no.json", "--allow-empty").code == 66


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_an_empty_folder_is_let_pass(command: Sequence[str], tmp_path: Path) -> None:
    """A folder or glob without event files is 66 as well, and let pass as well."""
    for each in (tmp_path, tmp_path / "*.json"):
        assert run_json(*command, each).code == 66
        assert run_json(*command, each, "--allow-empty").code == 0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_recording_of_nothing_is_in_order(command: Sequence[str], tmp_path: Path) -> None:
    """A recording that has its header is whole, though nothing came."""
    for name in ("quiet.ndjson", "quiet.ndjson.gz"):
        record(tmp_path / name, ())
        assert run_json(*command, tmp_path / name).code == 0


def test_strict_and_empty(empty: list[Path]) -> None:
    """With --strict an empty file among others is 1; that nothing is there at all remains 66."""
    one, two, *_ = empty
    assert validate(one, two, "--strict").code == 66
    (one.parent / "good.json").write_bytes(GOOD)
    assert validate(one, one.parent / "good.json", "--strict").code == 1
    assert validate(one, one.parent / "good.json", "--strict", "--allow-empty").code == 0


def test_empty_files_in_several_processes(empty: list[Path], tmp_path: Path) -> None:
    """Processes find the same in a file of 9 MiB of blank lines, and of one with an event last."""
    blank = (b" " * 4095 + b"\n") * 9 * 2**8
    long = tmp_path / "long.ndjson"
    long.write_bytes(blank)
    alone = run_json("validate", long, "--jobs", "2")
    assert (alone.code, alone.summary["warnings"]) == (66, 1)
    beside = run_json("validate", *empty, long, "--jobs", "2")
    assert (beside.code, beside.summary["warnings"]) == (66, len(empty) + 1)
    for content in (blank + GOOD, GOOD + b"\n" + blank):
        long.write_bytes(content)
        ran = run_json("validate", long, "--jobs", "2")
        assert (ran.code, ran.summary["events"], ran.summary["warnings"]) == (0, 1, 0)


def test_what_is_typed_may_be_empty() -> None:
    """Nothing typed, or an array of nothing, is no event either."""
    for text in ("", "[]"):
        assert run_json("publish", "--dry-run", "--data", text).code == 66
        assert run_json("publish", "--dry-run", "--data", text, "--allow-empty").code == 0
    assert run_json("publish", "--dry-run", "--data", "[]", "--data", GOOD.decode()).code == 0


def test_a_producer_that_fails_is_no_success(connected: Tool) -> None:
    """Publishing what a failed program has written is 66, after a summary of nothing."""
    ran = connected.run("publish", "-f", "-", "-o", "json")
    assert (ran.code, ran.summary["total"], ran.summary["exit_code"]) == (66, 0, 66)
    assert connected.run("publish", "-f", "-", "--allow-empty").code == 0
