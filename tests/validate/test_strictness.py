"""What lenient readers let pass, and what is made to break readers: found, and in time."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import STUDENT, block_yaml, changed
from tests.cli.tool import ROOT, Tool
from tests.running import run_json
from tests.validate.checking import findings, places, validate

GOOD = json.dumps(STUDENT)
SCORE = json.dumps(
    {
        "event_type": "evaluation.created",
        "payload": {
            "evaluation_id": "550e8400-e29b-41d4-a716-446655440000",
            "stage_id": "550e8400-e29b-41d4-a716-446655440000",
            "student_id": "550e8400-e29b-41d4-a716-446655440000",
            "score": 85,
        },
        "service": "s",
        "timestamp": "2025-01-15T10:00:00Z",
        "version": "1.0",
    }
)


@pytest.mark.parametrize(
    ("content", "rule", "column"),
    [
        (SCORE.replace("85", "NaN"), "json_syntax", SCORE.index("85") + 1),
        (SCORE.replace("85", "-Infinity"), "json_syntax", SCORE.index("85") + 1),
        (SCORE.replace("85", "1e999"), "json_syntax", SCORE.index("85") + 1),
        (SCORE.replace("85", "9" * 5000), "json_syntax", SCORE.index("85") + 1),
        (SCORE.replace("85", '"85"'), "wrong_type", SCORE.index("85") + 1),
        (SCORE.replace("85", "true"), "wrong_type", SCORE.index("85") + 1),
        (SCORE.replace("85", "100.5"), "out_of_range", SCORE.index("85") + 1),
        (SCORE.replace("85", '85, "score": 86'), "duplicate_key", SCORE.index("85") + 5),
        (SCORE.replace("85", '85, "sc\\u006fre": 86'), "duplicate_key", SCORE.index("85") + 5),
        (GOOD.replace("Amina", "\\ud800"), "bad_encoding", GOOD.index('"Amina') + 1),
        (GOOD.replace("Amina", "\\ud83d\\ude00 \\udc00"), "bad_encoding", GOOD.index('"Amina') + 1),
        (GOOD.replace("Amina", "\x01"), "json_syntax", GOOD.index("Amina") + 1),
        (GOOD.replace('"Amina"', "[" * 100 + "]" * 100), "too_deep", GOOD.index('"Amina') + 63),
        (GOOD + "x", "json_syntax", len(GOOD) + 1),
        (GOOD[:-1] + ",}", "json_syntax", len(GOOD)),
        (GOOD.replace("550e8400-e29b", "550e8400e29b"), "bad_format", GOOD.index('"550') + 1),
        (GOOD.replace("550e8400", "{550e8400"), "bad_format", GOOD.index('"550') + 1),
        (GOOD.replace("15T10", "15 10"), "bad_format", GOOD.index('"2025') + 1),
        (GOOD.replace("00:00Z", "00:60Z"), "bad_format", GOOD.index('"2025') + 1),
        (GOOD.replace("01-15T", "02-30T"), "bad_format", GOOD.index('"2025') + 1),
        (GOOD.replace('"2025-01-15T10:00:00Z"', "1736"), "wrong_type", GOOD.index('"2025') + 1),
        (GOOD.replace('"1.0"', '"2.0"'), "unknown_version", GOOD.index('"1.0') + 1),
        (GOOD.replace('"1.0"', "1.0"), "wrong_type", GOOD.index('"1.0') + 1),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_strict(name: str, content: str, rule: str, column: int) -> None:
    """What lenient readers accept is one finding at its place."""
    assert [each[:3] for each in places(findings(name, content))] == [(rule, 1, column)]


def test_strict_bytes() -> None:
    """A byte that is no UTF-8 is found where it stands, in JSON, NDJSON and YAML."""
    content = GOOD.encode().replace(b"Amina", "é".encode() + b"\xe9\xff")
    column = GOOD.index("Amina") + 2
    for name in ("a.json", "a.ndjson", "a.yaml"):
        assert places(findings(name, content))[0][:3] == ("bad_encoding", 1, column)


@pytest.mark.parametrize("value", ["!!str Amina", "&name Amina", "*name"])
def test_strict_yaml(value: str) -> None:
    """Tags, anchors and aliases are findings where they stand."""
    text = block_yaml(STUDENT).replace('"Amina"', value)
    line = next(each for each in text.split("\n") if value in each)
    assert [each[:3] for each in places(findings("a.yaml", text))] == [
        ("yaml_syntax", text.split("\n").index(line) + 1, line.index(value) + 1)
    ]


def test_every_line_ends_at_its_end() -> None:
    """A byte order mark and CRLF are fine; columns count code points after the mark."""
    bad = GOOD.replace("Amina", "名😀").replace('"service"', '"servcie"')
    found = findings("a.ndjson", f"\ufeff{GOOD}\r\n\r\n{bad}\r\n")
    column = bad.index('"servcie"') + 1
    assert places(found) == [("unknown_field", 3, column, column + 9)]


HOSTILE: dict[str, Callable[[], str | bytes]] = {
    "aliases.yaml": lambda: (
        "a0: &a0 [x,x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 60))
    ),
    "merge.yaml": lambda: "a: &a {b: c}\n" + "".join(f"k{n}: {{<<: *a}}\n" for n in range(2000)),
    "deep.json": lambda: "[" * 1_000_000,
    "objects.json": lambda: '{"a":' * 1_000_000,
    "deep.yaml": lambda: "[" * 1_000_000,
    "steps.yaml": lambda: "".join(" " * n + "a:\n" for n in range(1200)),
    "line.ndjson": lambda: '{"event_type":"' + "a" * 100_000_000 + '"}\n' + GOOD,
    "line.json": lambda: '{"event_type":"' + "a" * 100_000_000 + '"}',
    "line.yaml": lambda: 'event_type: "' + "a" * 100_000_000 + '"',
    "fields.ndjson": lambda: json.dumps(changed({f"u{n}": n for n in range(40_000)})),
    "items.json": lambda: json.dumps(
        {**STUDENT, "event_type": "student.updated", "payload": {"updated_fields": [1] * 100_000}}
    ),
    "twice.json": lambda: "{" + ",".join(['"event_type":1'] * 100_000) + "}",
    "quotes.ndjson": lambda: '"' * 1_000_000,
    "escapes.ndjson": lambda: '"' + "\\" * 1_000_001,
    "colons.yaml": lambda: "a: " * 300_000,
    "type.json": lambda: json.dumps({**STUDENT, "event_type": "student.created" * 1_000_000}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_time(name: str, tmp_path: Path) -> None:
    """Files made to exhaust a parser end in findings: in seconds, and in 300 MB."""
    content = HOSTILE[name]()
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, name],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.returncode == 1, ended.stderr
    assert "error[" in ended.stdout
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 5, f"{used:.1f} s of work, {time.monotonic() - started:.1f} s in all"
    assert int(ended.stderr.split()[-1]) < 300_000


# Run the tool and print the most memory it had, in kB.
MEASURED = """
import pathlib, sys
from medtrack_cli.dispatch import run
from medtrack_cli.world import World
code = run(World(), ["validate", *sys.argv[1:]])
# Not ru_maxrss: that begins with the size of the process that started this one.
status = pathlib.Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""

PIECES = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b'"', b"'", b":", b": ", b",", b"\n", b"\r\n", b"\\", b"- "),
        *(b"---\n", b"event_type", b"payload", b"service", b"1", b"~", b"&a ", b"*a", b"!!x "),
        *(b"|\n", b"? ", b"#", b"\t", b"\x00", b"\x1b", b"\xef\xbb\xbf", b"\xff", b"NaN"),
        *("é".encode(), "😀".encode(), "\u2028".encode(), b"\\ud800", GOOD.encode(), b"vars: "),
    ]
)
CONTENT = st.lists(PIECES, max_size=20).map(b"".join) | st.binary(max_size=50)


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml", "a.json.gz", "-"])
@given(content=CONTENT)
@example(content=GOOD.encode() + b"\n" + b"\x85")
@example(content=b"")
@example(content=b"[1 true]")
@example(content=b"\x1f\x8b")
@settings(max_examples=25, deadline=None)
def test_any_bytes_end_in_a_verdict(name: str, content: bytes) -> None:
    """Whatever bytes there are, the end is a verdict; every place lies inside the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content) if name != "-" else None
        ran = validate("-" if name == "-" else path, "-o", "json", stdin=content)
        shown = validate("-" if name == "-" else path, stdin=content)
    assert ran.code == shown.code
    assert ran.summary["invalid"] <= ran.summary["events"]
    if ran.code == 66 and not (name.endswith("gz") or content.startswith(b"\x1f\x8b")):
        assert [each["rule"] for each in ran.of_kind("finding")] == ["empty_input"]
    else:
        assert ran.code in {0, 1, 66}
    lines = content.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    for found in ran.of_kind("finding"):
        length = len(lines[found["line"] - 1].removesuffix("\r"))
        assert 1 <= found["column"] <= length + 2
        assert found["column"] <= found["end_column"] <= max(length + 1, found["column"] + 1)
    assert all(char == "\n" or char >= " " for char in shown.out)


def test_size_limit(tool: Tool) -> None:
    """An event over 16 MiB is too large, one just below isn't, and those after it are read."""
    large = GOOD.replace("Amina", "a" * (16 * 1024 * 1024 - len(GOOD) + 6))
    tool.write("a.ndjson", f"{large}\n{large[:-1].replace('aa', 'a', 1)}}}\n{GOOD}x\n")
    ran = tool.run("validate", "a.ndjson", "-o", "json")
    assert places(ran.of_kind("finding")) == [
        ("too_large", 1, 1, 2),
        ("json_syntax", 3, len(GOOD) + 1, len(GOOD) + 2),
    ]


@pytest.mark.parametrize(
    ("name", "content", "events", "invalid"),
    [
        ("a.json", "[1 true]", 2, 2),
        ("a.json", f"[{GOOD},]", 2, 1),
        ("a.json", f"{GOOD} x", 2, 1),
        ("a.json", f"[{GOOD}, {{", 2, 1),
        ("a.ndjson", f"{GOOD}\nx\n\n[\n1,\n", 3, 2),
        ("a.yaml", f"- {GOOD}\n- a:b\n  c: d\n", 2, 1),
        ("a.yaml", "vars: 1\nevents: [1]\n", 2, 2),
        ("a.json", "\ufffe".encode("utf-16").decode("latin-1"), 1, 1),
    ],
)
def test_every_place_for_an_event_is_counted(
    tmp_path: Path, name: str, content: str, events: int, invalid: int
) -> None:
    """An event that isn't there counts as one, and is invalid; publish gives each its receipt."""
    (tmp_path / name).write_text(content)
    ran = validate(tmp_path / name, "-o", "json")
    assert (ran.summary["events"], ran.summary["invalid"]) == (events, invalid)
    again = validate(tmp_path / name, "-o", "json", "--jobs", "2")
    assert (again.summary["events"], again.summary["invalid"]) == (events, invalid)
    sent = run_json("publish", "--keep-going", "--dry-run", "-f", tmp_path / name)
    assert (sent.summary["total"], sent.summary["invalid"]) == (events, invalid)
