"""Inputs that are known at sight for what they are: each has one sentence, or is read."""

import gzip
import json
import os
import subprocess
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from tests.builders import NOON, STUDENT, block_yaml, changed, numbered_deliveries
from tests.cli.tool import COMMAND, Tool
from tests.recording.recorded import record
from tests.running import run_json
from tests.validate.checking import findings, validate

GOOD = json.dumps(STUDENT)
PRETTY = json.dumps(STUDENT, indent=2)
BAD = json.dumps(changed({"email": "nobody"}))
YAML = block_yaml(STUDENT)
KEYS = YAML.replace('"event_type":', "event_type:")
CIN = json.dumps(STUDENT["payload"]["cin"])


def said(name: str, content: str | bytes) -> list[tuple[int, str]]:
    """Check one file, and give the line and the sentence of each finding."""
    return [(each["line"], each["message"]) for each in findings(name, content)]


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml", "a"])
def test_another_encoding_is_named(name: str) -> None:
    """Text in UTF-16 or UTF-32 is one finding, with a mark at its start or without."""
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        content = f"{GOOD}\r\n{GOOD}\r\n".encode(encoding)
        wanted = f"this is {encoding[:6].upper()}, and events are UTF-8"
        assert (encoding, said(name, content)) == (encoding, [(1, wanted)])
    assert said("a.ndjson", f"{GOOD}\n".encode() + f"{GOOD}\n".encode("utf-16-le")) == [
        (2, "this is NUL, as text in UTF-16 holds it"),
        (3, "this is NUL, as text in UTF-16 holds it"),
    ]


def test_archives_are_named(tmp_path: Path) -> None:
    """What has to be unpacked first is one finding that names it, in every command."""
    (tmp_path / "good.json").write_text(GOOD)
    with zipfile.ZipFile(tmp_path / "zip.json", "w") as packed:
        packed.write(tmp_path / "good.json", "good.json")
    for name, mode in (("tar.yaml", "w"), ("tar.gz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:  # type: ignore[call-overload] # both are
            archive.add(tmp_path / "good.json", "good.json")
    with tarfile.open(tmp_path / "bzip2.ndjson", "w:bz2") as archive:
        archive.add(tmp_path / "good.json", "good.json")
    twice = gzip.compress(gzip.compress(GOOD.encode()))
    (tmp_path / "twice.ndjson").write_bytes(twice)
    for name, what in [
        ("zip.json", "a zip archive"),
        ("tar.yaml", "a tar archive"),
        ("tar.gz", "a tar archive"),
        ("bzip2.ndjson", "a bzip2 file"),
        ("twice.ndjson", "a gzip file in another one"),
    ]:
        checked = run_json("validate", tmp_path / name)
        assert [each["message"] for each in checked.of_kind("finding")] == [f"this is {what}"]
        assert run_json("publish", "--dry-run", "-f", tmp_path / name).summary["invalid"] == 1
        assert f"this is {what}" in run_json("replay", "--dry-run", tmp_path / name).err


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"event_type,student_id\nstudent.deleted,1\n", "text or CSV"),
        (b'"id";"name"\r\n"1";"Zo\xc3\xab: x"\r\n', "text or CSV"),
        (b"id\tname", "text or CSV"),
        (b'<?xml version="1.0"?>\n<event/>\n', "XML or HTML"),
        (b"\n<event><id>1</id></event>\n", "XML or HTML"),
        (b"%PDF-1.4", "a PDF"),
        (b"PAR1\x15\x04", "a table of Parquet, Avro or ORC"),
        (b"Obj\x01\x04\x14avro.codec", "a table of Parquet, Avro or ORC"),
        (b"SQLite format 3\0", "a database of SQLite"),
    ],
)
def test_other_kinds_of_file_are_named(tmp_path: Path, content: bytes, what: str) -> None:
    """What has to be converted is one finding that says what is read, in every command."""
    path = tmp_path / "events.csv"
    path.write_bytes(content)
    hint = "events are JSON, NDJSON or YAML: `medtrack schema example student.created` prints one"
    for ran in (
        run_json("validate", path),
        run_json("validate", "-", stdin=content),
        run_json("publish", "--dry-run", "-f", path),
    ):
        (found,) = ran.of_kind("finding")
        assert (found["message"], found["suggestion"]) == (f"this is {what}", hint)
    refused = json.loads(run_json("replay", "--dry-run", path).err)
    assert (refused["exit_code"], refused["hint"]) == (65, hint)
    assert f"(this is {what})" in refused["message"]


def test_a_spreadsheet_is_no_archive_to_unpack(tmp_path: Path) -> None:
    """A zip archive with a workbook in it is called an Office file."""
    for first in ("[Content_Types].xml", "xl/workbook.xml", "mimetype"):
        with zipfile.ZipFile(tmp_path / "events.xlsx", "w") as packed:
            packed.writestr(first, "")
        content = (tmp_path / "events.xlsx").read_bytes()
        assert said("events.xlsx", content) == [(1, "this is an Office file")]


def test_a_line_with_commas_takes_no_event_with_it() -> None:
    """Events below a line that might be CSV are read all the same."""
    assert [line for line, _ in said("a.ndjson", f"oh, no\n{GOOD}\n{BAD}\n")] == [1, 3]
    assert said("a.yaml", f"---\t\n{YAML}") == []


def test_an_event_that_replay_does_not_know_says_which_and_why(tmp_path: Path) -> None:
    """The error names the line, what is wrong with its event, and the next step."""
    (tmp_path / "a.ndjson").write_text(
        f"{GOOD}\n{GOOD.replace('student.created', 'student.creatd')}\n"
    )
    refused = json.loads(run_json("replay", "--dry-run", tmp_path / "a.ndjson").err)
    assert refused["exit_code"] == 65
    assert refused["message"].endswith(f"{tmp_path}/a.ndjson:2")
    assert "no such event type is known: student.creatd" in refused["message"]
    assert refused["hint"] == "did you mean student.created?"


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.txt", "a.ndjson.gz"])
def test_gzip_is_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    """Gzip is read whatever its name, from a pipe too, and shows its lines."""
    content = gzip.compress(f"{GOOD}\n{BAD}\n".encode())
    (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    for ran in (
        run_json("validate", tmp_path / name),
        run_json("validate", "-", stdin=content),
        run_json("validate", tmp_path / "pipe"),
    ):
        assert (ran.code, ran.summary["events"], ran.summary["invalid"]) == (1, 2, 1)
    writer.join()
    assert '"xxxxxx"' in validate(tmp_path / name).out
    sent = run_json("publish", "--keep-going", "--dry-run", "-f", "-", stdin=content)
    assert (sent.summary["would_send"], sent.summary["invalid"]) == (1, 1)


def test_gzip_in_two_pieces(tool: Tool) -> None:
    """Gzip is known when a slow writer sends its first byte alone."""
    content = gzip.compress(GOOD.encode())
    with subprocess.Popen(
        [*COMMAND, "validate", "-", "-o", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=tool.environ,
    ) as process:
        assert process.stdin
        process.stdin.write(content[:1])
        process.stdin.flush()
        out, _ = process.communicate(content[1:])
    assert (process.returncode, json.loads(out)["events"]) == (0, 1)


def test_gzip_under_another_name_is_read_as_gzip_everywhere(tmp_path: Path) -> None:
    """A part of its time, and several processes, see the text: it is neither cut nor searched."""
    record(tmp_path / "r.ndjson.gz", numbered_deliveries(3))
    (tmp_path / "r.ndjson").write_bytes((tmp_path / "r.ndjson.gz").read_bytes())
    since = NOON.replace(second=2).isoformat()
    ran = run_json("replay", "--dry-run", tmp_path / "r.ndjson", "--since", since)
    assert (ran.code, ran.summary["would_send"]) == (0, 2)
    noise = os.urandom(5 * 2**20).hex().encode()
    packed = gzip.compress(f"{GOOD}\n".encode() + b'{"' + noise + b'"\n', 1)
    assert len(packed) > 5 * 2**20
    (tmp_path / "large.ndjson").write_bytes(packed)
    ran = run_json("validate", tmp_path / "large.ndjson", "--jobs", "2")
    assert (ran.summary["events"], ran.summary["invalid"]) == (2, 1)


OVER_LINES = "JSON is written over several lines here, and NDJSON has an event a line"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (PRETTY, [1]),
        (json.dumps(STUDENT, indent=0), [1]),
        (f"{PRETTY}\n{PRETTY}\n\n{PRETTY}", [1, 16, 32]),
        (f"{GOOD}\n{PRETTY}\n{GOOD}\n", [2]),
        (f"[\n{GOOD},\n{GOOD}\n]\n", [1]),
        (json.dumps([STUDENT, STUDENT], indent="\t"), [1]),
        (PRETTY[:-20], [1]),
    ],
    ids=["one", "flat", "three", "between", "array", "deep array", "cut off"],
)
def test_a_document_in_ndjson_is_one_finding(content: str, wanted: list[int]) -> None:
    """JSON over several lines is one finding a document, and the lines around it are read."""
    assert said("a.ndjson", content) == [(line, OVER_LINES) for line in wanted]
    crlf = content.replace("\n", "\r\n")
    assert said("a.jsonl", crlf) == [(line, OVER_LINES) for line in wanted]


@pytest.mark.parametrize("at", ['"payload"', '{"student_id"', '"student_id"', '"cin"'])
def test_a_line_that_is_cut_off_takes_no_other_with_it(at: str) -> None:
    """After a line that ends as a document's may, whole events keep their own verdicts."""
    cut = GOOD[: GOOD.index(at)].rstrip()
    assert cut[-1] in ",:{"
    for rest in (f"{GOOD}\n{BAD}\n", f"{BAD}\n{cut}\n{cut}\n{GOOD}\n"):
        lines = [line for line, _ in said("a.ndjson", f"{cut}\n{rest}")]
        written = f"{cut}\n{rest}".splitlines()
        assert lines == [n for n, line in enumerate(written, 1) if line != GOOD]


def test_documents_in_large_ndjson(tmp_path: Path) -> None:
    """Processes that take parts of a file tell of as many documents as one does."""
    path = tmp_path / "large.ndjson"
    path.write_text(f"{GOOD}\n{PRETTY}\n" * 9000)
    assert path.stat().st_size > 4 * 2**20
    one, two = (run_json("validate", path, "--jobs", jobs) for jobs in ("1", "2"))
    assert one.summary["invalid"] == 9000
    assert one.of_kind("finding") == two.of_kind("finding")


@pytest.mark.parametrize("content", [YAML, KEYS, f"---\n{KEYS}", f"# students\n---\n{KEYS}"])
def test_yaml_in_json_is_one_finding(content: str) -> None:
    """YAML in a *.json file is called YAML, and so are its fields in NDJSON."""
    assert said("a.json", content) == [(1, "this is YAML, not JSON")]
    if content[0] != "#":
        said_of_lines = said("a.ndjson", f"{content}\n {GOOD}\n{GOOD}\n")
        assert len(findings("a.ndjson", f"{content}\n {BAD}\n{GOOD}\n")) == 2
        assert said_of_lines == [(1, "this is YAML, and NDJSON has an event in JSON a line")]


COMMENT = "JSON has no comments"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (f"// }} of {{ today's\n{PRETTY}", 1),
        (f"/* {{ */ {PRETTY}", 1),
        (PRETTY.replace('"service"', '# }, "x\n  "service"'), 12),
        (PRETTY.replace('"payload"', '/* { [\n " */ "payload"'), 3),
        (f"{PRETTY}\n// the end", 16),
        (f"[\n// the first\n{PRETTY}\n]", 2),
        (f"[{GOOD} // }},\n, {GOOD}]", 1),
    ],
)
def test_comments_in_json(content: str, line: int) -> None:
    """A comment anywhere outside of a text is called one, whatever is written in it."""
    assert said("a.json", content) == [(line, COMMENT)]


def test_slips_of_numbers_and_words() -> None:
    """What other languages take for a number or a word is told from what is no value at all."""
    for written, message in [
        ("085", "a number begins with 0"),
        ("-01", "a number begins with 0"),
        ("1.", "a number ends with its point"),
        ("-1.", "a number ends with its point"),
        ("1.e5", "a number ends with its point"),
        (".5", "a number begins with its point"),
        ("+5", "a number has a plus sign"),
        ("0x1F", "a number is not decimal"),
        ("1_000", "a number has underscores"),
        ("2025-01-15", "this is no number"),
        ("550e8400-e29b-41d4", "this is no number"),
        ("12a", "this is no number"),
        ("True", "this word is not JSON"),
        ("None", "this word is not JSON"),
        ("1e999", "this number is larger than JSON readers can hold"),
        ("1 2", "expected a comma or the end of this object or list"),
        ("true1", "expected a comma or the end of this object or list"),
    ]:
        assert (written, said("a.json", GOOD.replace(CIN, written))) == (written, [(1, message)])
        lines = said("a.ndjson", f"{GOOD.replace(CIN, written)}\n")
        assert (written, lines) == (written, [(1, message)])


def test_what_only_a_shell_expands(tmp_path: Path) -> None:
    """Braces, ~ and $ in quotes, and curl's @, are told with the next step."""
    (tmp_path / "a.json").write_text(GOOD)
    for command in (("validate",), ("publish", "-f"), ("replay",)):
        for name, hint in [
            (f"{tmp_path}/{{a,b}}.json", "{a,b}"),
            (f"{tmp_path}/*.{{json,yaml}}", "{a,b}"),
            ("~/events.json", "~"),
            ("$HOME/events.json", "$"),
        ]:
            ran = run_json(*command, name)
            assert (ran.code, json.loads(ran.err)["hint"].split(":")[0]) == (
                66,
                f"only the shell expands {hint}",
            )
        ran = run_json(*command, f"@{tmp_path}/a.json")
        assert (ran.code, json.loads(ran.err)["hint"]) == (66, "leave out the @")


def test_a_file_is_no_json(tmp_path: Path) -> None:
    """A file's name in the place of JSON, with curl's @ or without, is led to -f."""
    (tmp_path / "a.json").write_text(GOOD)
    for text in (f"@{tmp_path}/a.json", f"{tmp_path}/a.json", "@-"):
        ran = run_json("publish", "student.created", "-d", text)
        assert ran.code == 2
        assert json.loads(ran.err)["hint"] == f"-f {text.removeprefix('@')}"


def test_text_that_only_looks_like_it(tmp_path: Path) -> None:
    """Short and odd beginnings are no other encoding: they are read to their verdict."""
    for content in (b"\0", b"\0\0", b"1", b"\x1f", b"PK", b"{}", b"\n"):
        for name in ("a.json", "a.ndjson", "a.yaml"):
            (tmp_path / name).write_bytes(content)
            assert run_json("validate", tmp_path / name).code in {1, 66}
        assert run_json("validate", "-", stdin=content).code in {1, 66}
