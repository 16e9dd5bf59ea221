"""What the command says and how it ends: exit codes, limits, standard input, the terminal."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest

from medtrack_cli.events.findings import WARNINGS, Rule
from tests.builders import STUDENT, block_yaml, changed
from tests.cli.tool import COMMAND, Tool
from tests.validate.checking import validate

GOOD = json.dumps(STUDENT)
BAD = json.dumps(changed({"email": "nobody"}))
LATE = json.dumps(changed({"/timestamp": "2025-01-15T10:00:00"}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a file of each sort, and one that claims to be gzip."""
    for name, content in {"good": GOOD, "bad": BAD, "late": LATE}.items():
        (tmp_path / f"{name}.json").write_text(content)
    (tmp_path / "cut.ndjson.gz").write_bytes(gzip.compress(f"{BAD}\n".encode() * 9999)[:-20])
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["good.json"], 0),
        (["late.json"], 0),
        (["late.json", "--strict"], 1),
        (["bad.json"], 1),
        (["no.json"], 66),
        (["empty"], 66),
        (["no*.json"], 66),
        (["no.json", "bad.json"], 66),
        (["bad.json", "no.json"], 1),
        (["good.json", "no.json", "bad.json"], 66),
        (["cut.ndjson.gz"], 1),
        ([], 2),
        (["good.json", "--as", "student.craeted"], 2),
        (["--explain", "bad_fromat"], 2),
    ],
)
def test_exit_code(folder: Path, names: list[str], code: int) -> None:
    """The exit code is that of the first cause, in the order of the input."""
    paths = [str(folder / each) if "." in each or each == "empty" else each for each in names]
    assert validate(*paths).code == code


def test_unreadable_file_does_not_stop_the_others(folder: Path) -> None:
    """Every other file is checked, what could be read of the broken one too; the error is told."""
    names = ("no.json", "cut.ndjson.gz", "bad.json")
    ran = validate(*(folder / name for name in names), "-o", "json")

    assert ran.code == 66
    assert ran.summary["unreadable"] == 2
    assert ran.summary["errors"] > 1000
    assert ran.of_kind("finding")[-1]["file"] == str(folder / "bad.json")
    errors = [json.loads(line) for line in ran.err.splitlines()]
    assert [each["code"] for each in errors] == ["input_missing"] * 2
    assert str(folder / "cut.ndjson.gz") in errors[1]["message"]


def test_human_output(folder: Path) -> None:
    """A finding is its place, rule and sentence, the line with a caret, and a hint."""
    (folder / "typo.json").write_text(
        '{"event_type": "student.craeted",\n "payload": {},\n'
        ' "servcie": "s", "timestamp": "2025-01-15T10:00:00Z", "version": "1.0"}\n'
    )
    ran = validate(folder / "typo.json")
    shown = re.sub(r"\(.* s\)", "(TIME)", ran.out.replace(f"{folder}/", ""))
    assert shown == (
        "typo.json:1:16: error[unknown_event_type]: no such event type is known: student.craeted\n"
        '1 | {"event_type": "student.craeted",\n'
        "  |                ^^^^^^^^^^^^^^^^^\n"
        "  hint: did you mean student.created?\n"
        "typo.json:3:2: error[unknown_field]: this field is unknown\n"
        '3 |  "servcie": "x", "timestamp": "2025-01-15T10:00:00Z", "version": "1.0"}\n'
        "  |  ^^^^^^^^^\n"
        "  hint: did you mean service?\n"
        "checked 1 event in 1 file: 2 errors (TIME)\n"
    )


@pytest.mark.parametrize(
    ("options", "shown", "told"),
    [
        ((), 50, "… and 70 more findings"),
        (("--max-findings", "3"), 3, "… and 117 more findings"),
        (("--max-findings", "0"), 0, "… and 120 more findings"),
        (("--max-findings", "120"), 120, ""),
    ],
)
def test_max_findings(folder: Path, options: tuple[str, ...], shown: int, told: str) -> None:
    """Human output shows 50 findings unless told otherwise and counts the rest; JSON shows all."""
    path = folder / "many.ndjson"
    path.write_text(f"{BAD}\n" * 120)
    ran = validate(path, *options)
    assert ran.out.count("error[bad_format]") == shown
    assert told in ran.out
    assert "120 errors" in ran.out
    if not options:
        assert len(validate(path, "-o", "json").of_kind("finding")) == 120


def test_quiet_says_only_what_is_wrong(folder: Path) -> None:
    """With -q nothing is said of valid files."""
    assert validate(folder / "good.json", "-q").out == ""
    assert "error[bad_format]" in validate(folder / "bad.json", "-q").out


@pytest.mark.parametrize(
    "content",
    [
        f"{GOOD}\n{BAD}\n",
        f"[{GOOD},\n{BAD}]\n",
        f"---\n{block_yaml(STUDENT)}\n---\n{block_yaml(json.loads(BAD))}\n",
        f"\ufeff{GOOD}\r\n{BAD}\r\n",
        f"{GOOD}\n" * 20_000 + f"{BAD}\n",
    ],
)
def test_standard_input_shows_its_lines(tool: Tool, content: str) -> None:
    """From a pipe the lines are shown as from a file, in every syntax."""
    ran = tool.run("validate", "-", stdin=content.encode())
    lines = ran.out.splitlines()

    assert ran.code == 1
    assert lines[0].startswith("<stdin>:")
    number, _, shown = lines[1].partition(" | ")
    assert int(number) == int(lines[0].split(":")[1])
    assert '"xxxxxx"' in shown
    assert lines[2].count("^") == len('"nobody"')


def test_named_pipe(tool: Tool) -> None:
    """A named pipe is read once, and its lines are shown."""
    os.mkfifo(tool.folder / "pipe.yaml")
    running = tool.start("validate", "pipe.yaml")
    (tool.folder / "pipe.yaml").write_text(block_yaml(json.loads(BAD)))
    ran = running.end()

    assert ran.code == 1
    assert '"xxxxxx"' in ran.out


def test_bare_payloads(tool: Tool) -> None:
    """With --as a payload alone is checked, and placed as it stands in its file."""
    payload = {**STUDENT["payload"], "emial": "x"}
    tool.write("a.json", json.dumps(payload, indent=1))
    tool.write("a.yaml", block_yaml(payload))
    ran = tool.run("validate", "a.json", "a.yaml", "--as", "student.created", "-o", "json")

    assert [(each["rule"], each["line"]) for each in ran.of_kind("finding")] == [
        ("unknown_field", 9),
        ("unknown_field", 8),
    ]


def test_rules_are_listed_and_explained() -> None:
    """--list-rules lists every rule with its severity, --explain tells about each of them."""
    listed = validate("--list-rules", "-o", "json").records
    assert [each["code"] for each in listed] == list(Rule)
    assert {each["code"] for each in listed if each["severity"] == "warning"} == WARNINGS
    for rule in Rule:
        assert validate("--explain", rule).out.startswith(f"{rule} (rule, ")


def terminal(tool: Tool, *arguments: str, awaited: str | None = None, columns: int = 80) -> str:
    """Run with stdout and stderr on one terminal, fed in two pieces; all that was written there.

    Between the two it waits for a text or, without one, for as long as progress would take.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    written = b""
    with subprocess.Popen(
        [*COMMAND, "validate", "-", *arguments],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
        cwd=tool.folder,
        env=tool.environ,
    ) as process:
        os.close(theirs)
        assert process.stdin
        process.stdin.write(f"{GOOD}\n{GOOD}\n".encode())
        process.stdin.flush()
        while awaited and awaited.encode() not in written:
            written += os.read(ours, 65536)
        time.sleep(0 if awaited else 2)
        process.stdin.write(f"{BAD}\n".encode())
        process.stdin.close()
        with suppress(OSError):  # Linux says so when the last writer has gone
            while piece := os.read(ours, 65536):
                written += piece
        os.close(ours)
    return written.decode().replace("\r\n", "\n")


def test_progress_on_a_terminal(tool: Tool) -> None:
    """After a second a line tells how far it is; it is cleared before anything else is written."""
    line = "\r\x1b[Kchecked 2 events in 1 file"
    before, _, after = terminal(tool, "--no-color", awaited=line).partition("<stdin>:3:")

    assert before.replace(line, "") == "\r\x1b[K"
    assert "\x1b" not in after
    assert after.endswith(" s)\n")


def test_progress_is_cut_to_the_terminal(tool: Tool) -> None:
    """A line that would wrap could not be cleared: it ends before the last column."""
    written = terminal(tool, "--no-color", awaited="\r\x1b[Kchecked 2 ev", columns=14)
    before, _, _ = written.partition("<stdin>:3:")
    assert before.replace("\r\x1b[Kchecked 2 eve", "") == "\r\x1b[K"


def test_no_progress_when_quiet(tool: Tool) -> None:
    """With -q there is no such line."""
    written = terminal(tool, "-q", "--no-color")
    assert "error[bad_format]" in written
    assert "\x1b" not in written


def test_ctrl_c(tool: Tool) -> None:
    """What a pipe brought is told before more comes; Ctrl-C ends the wait, without a word."""
    running = tool.start("validate", "-", piped=True)
    running.stdin.write(f"{BAD}\n".encode())
    running.stdin.flush()
    running.await_text("error[bad_format]", stream="out")
    running.signal(signal.SIGINT)
    ran = running.end()

    assert (ran.code, ran.err) == (130, "")


def test_full_disk(tool: Tool) -> None:
    """Output that can't be written is exit 74."""
    tool.write("a.ndjson", f"{BAD}\n" * 500)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, "validate", "a.ndjson", "-o", "json"],
            cwd=tool.folder,
            env=tool.environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 74
    assert json.loads(ended.stderr)["code"] == "cannot_write"
