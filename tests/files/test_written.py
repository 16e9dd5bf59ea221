"""Nothing that a run writes replaces an input, or what somebody would miss."""

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from medtrack_cli.config.locations import INITIAL
from tests.builders import STUDENT, block_yaml, delivery, numbered
from tests.cli.tool import COMMAND, Tool
from tests.recording.recorded import record
from tests.validate.checking import validate

FORMATS = ("human", "json", "github", "junit", "sarif")
EVENT = next(numbered(1))


def linked(kind: str, path: Path) -> Path:
    """Give a file another name of some kind."""
    other = path.with_name("other.ndjson")
    if kind == "hard link":
        other.hardlink_to(path)
    elif kind == "link":
        other.symlink_to(path)
    elif kind == "through a folder's link":
        (path.parent / "folder").symlink_to(".")
        other = path.parent / "folder" / path.name
    elif kind == "another spelling":
        other = path.parent / ".." / path.parent.name / "." / path.name
    return other if kind != "itself" else path


NAMES = ("itself", "another spelling", "link", "hard link", "through a folder's link")


@pytest.mark.parametrize(("kind", "format_"), list(zip(NAMES, FORMATS, strict=True)))
def test_a_report_replaces_no_input(tmp_path: Path, kind: str, format_: str) -> None:
    """An input under whatever name is no report's place: 73, and not a byte is changed."""
    path = tmp_path / "keep.ndjson"
    path.write_bytes(EVENT)
    other = linked(kind, path)
    for read in (path, tmp_path, f"{tmp_path}/*.ndjson"):
        ran = validate(read, "-o", f"{format_}={other}")
        assert (ran.code, ran.out) == (73, ""), ran.err
        assert "would replace" in ran.err
        assert path.read_bytes() == EVENT


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("validate - -o json=keep.ndjson < keep.ndjson", "would replace an input"),
        ("validate keep.ndjson -o json=/proc/self/fd/7 7>>keep.ndjson", "would replace an input"),
        ("validate keep.ndjson -o json=/dev/fd/7 7>>keep.ndjson", "would replace an input"),
        ("validate keep.ndjson -o json >> keep.ndjson", "the output is one of the inputs"),
        ("replay keep.ndjson -o json >> keep.ndjson", "the output is one of the inputs"),
        ("publish -f keep.ndjson -o json >> keep.ndjson", "the output is one of the inputs"),
        ("publish -f keep.ndjson --checkpoint ./keep.ndjson", "would replace an input"),
        ("stats keep.ndjson --html ./keep.ndjson", "is no page"),
        ("stats page.html --html ./page.html", "would replace an input"),
        ("publish -f keep.ndjson --checkpoint other.ndjson", "would replace events"),
        ("publish -f keep.ndjson --checkpoint mark", "would replace a recording"),
    ],
)
def test_no_writer_replaces_an_input(tool: Tool, command: str, message: str) -> None:
    """Checkpoints, pages and a redirected stdout are held to it, too: 73, nothing is read."""
    for name in ("keep.ndjson", "other.ndjson"):
        tool.write(name, EVENT)
    tool.write("page.html", b"<!doctype html>\n")
    tool.write("mark", b'{"kind":"recording","version":2}\n')
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(COMMAND)} {command}"],
        capture_output=True,
        cwd=tool.folder,
        env={**tool.environ, "MEDTRACK_URL": "amqp://127.0.0.1:1"},
        check=False,
    )
    kept = (tool.folder / "keep.ndjson").read_bytes()
    assert done.returncode == 73, done.stderr
    assert message in (done.stderr + kept).decode()
    assert kept.startswith(EVENT)
    assert b'"receipt"' not in kept
    assert (tool.folder / "other.ndjson").read_bytes() == EVENT


MISSED: dict[str, bytes] = {
    "an event": EVENT,
    "broken events": EVENT[: len(EVENT) // 2],
    "a line, then an event": b"oops\n" + EVENT,
    "an array": b"[\n" + EVENT + b"]",
    "a bare payload": b'{"student_id": "x"}',
    "YAML": block_yaml(STUDENT).encode(),
    "YAML in documents": b"# ours\n---\nevent_type: student.deleted\n",
    "a list in YAML": b"- event_type: student.deleted\n  payload: {}\n",
    "a scenario": b"vars: {a: b}\nevents: []\n",
    "packed": gzip.compress(EVENT),
    "UTF-16": EVENT.decode().encode("utf-16"),
    "UTF-16 without a mark": EVENT.decode().encode("utf-16-be"),
    "a byte order mark": b"\xef\xbb\xbf" + EVENT,
    "a delivery": b'{"kind":"event","received_at":"2025-01-15T10:00:00Z"}\n',
    "a checkpoint": b'{"kind":"checkpoint","version":1}\n',
    "a journal": b'{"kind":"journal","version":2}\n',
    "a schema": b'{"$schema": "https://json-schema.org/draft/2020-12/schema"}',
    "a schema in YAML": b"type: object\nproperties: {}\n",
    "a configuration": INITIAL.encode(),
    "comments alone": b"# profiles:\n#   local: {}\n",
}


@pytest.mark.parametrize("content", MISSED.values(), ids=MISSED)
def test_a_report_replaces_nothing_that_would_be_missed(tmp_path: Path, content: bytes) -> None:
    """Events, recordings, checkpoints, schemas and configurations keep their place: 73."""
    (tmp_path / "e.ndjson").write_bytes(EVENT)
    target = tmp_path / "target"
    target.write_bytes(content)
    for path in (target, f"/dev/fd/{os.open(target, os.O_WRONLY | os.O_APPEND)}"):
        ran = validate(tmp_path / "e.ndjson", "-o", f"json={path}")
        assert (ran.code, ran.out) == (73, ""), ran.err
        assert target.read_bytes() == content


def test_a_report_replaces_no_recording(tmp_path: Path) -> None:
    """What listen --record has written keeps its place, packed or not."""
    (tmp_path / "e.ndjson").write_bytes(EVENT)
    for name in ("r.ndjson", "r.ndjson.gz"):
        path = tmp_path / name
        record(path, [delivery()])
        before = path.read_bytes()
        assert validate(tmp_path / "e.ndjson", "-o", f"junit={path}").code == 73
        assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b" \n", b"[]\n", b"precious\n", b"<testsuites/>"])
def test_a_report_takes_the_place_of_what_nobody_misses(tmp_path: Path, content: bytes) -> None:
    """An empty file, a text, another tool's report are replaced."""
    (tmp_path / "e.ndjson").write_bytes(EVENT)
    (tmp_path / "target").write_bytes(content)
    assert validate(tmp_path / "e.ndjson", "-o", f"json={tmp_path}/target").code == 0
    assert (tmp_path / "target").read_bytes().startswith(b'{"kind":"validated"')


CONTENTS = {
    "valid": EVENT,
    "invalid": b"{}\n",
    "unreadable": EVENT,  # beside a link that leads nowhere
}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("content", CONTENTS)
def test_a_report_is_no_input(tmp_path: Path, content: str, format_: str) -> None:
    """A report in the folder that it is about changes no verdict, this run's or an older one's."""
    (tmp_path / "e.ndjson").write_bytes(CONTENTS[content])
    if content == "unreadable":
        (tmp_path / "a.json").symlink_to("nowhere")
    name = f"report.{'yaml' if format_ == 'human' else 'json'}"
    command = (tmp_path, "-o", "json", "-o", f"{format_}={tmp_path}/{name}")
    first, second, third = (validate(*command), validate(*command), validate(*command[:3]))
    assert first.code == second.code == third.code
    assert first.code != 73
    for again in (second, third):
        assert again.summary | {"seconds": 0} == first.summary | {"seconds": 0}
        assert f"left out: {tmp_path}/{name}" in again.err
    named = validate(tmp_path / name)
    assert (named.code, "a report holds no events" in named.err) == (65, True)


@pytest.mark.parametrize("redirect", [">", ">>"])
def test_stdout_in_the_folder_is_no_input(tool: Tool, redirect: str) -> None:
    """`validate . -o json > report.json` gives the same verdict each time."""
    tool.write("e.ndjson", EVENT)
    line = f"{' '.join(COMMAND)} validate . -o json {redirect} report.json"
    for _ in range(2):
        done = subprocess.run(
            ["sh", "-c", line], cwd=tool.folder, env=tool.environ, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert b"left out: ./report.json (is written now)" in done.stderr


def test_a_checkpoint_is_no_input(tool: Tool) -> None:
    """A checkpoint in a folder of events is left out, and 65 when it is named."""
    tool.write("e.ndjson", EVENT)
    tool.write("mark.ndjson", b'{"kind":"checkpoint","version":1}\n')
    ran = tool.run("validate", ".")
    assert (ran.code, "left out: ./mark.ndjson (a checkpoint)" in ran.err) == (0, True)
    assert tool.run("replay", "mark.ndjson", "--dry-run").code == 65


def test_a_dash_is_stdout(tmp_path: Path) -> None:
    """`-o json=-` is `-o json`, and two of them can't share it."""
    (tmp_path / "e.ndjson").write_bytes(EVENT)
    ran = validate(tmp_path / "e.ndjson", "-o", "json=-")
    assert (ran.code, ran.summary["events"]) == (0, 1)
    assert validate(tmp_path / "e.ndjson", "-o", "json=-", "-o", "sarif").code == 2
    assert not Path("-").exists()
