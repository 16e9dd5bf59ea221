"""Listening into pipes, files and broken outputs: exact, and only what was written is taken."""

import json
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.test_recording import BODIES
from tests.builders import encode, event
from tests.cli.tool import COMMAND, Tool
from tests.conftest import Broker
from tests.listen.waiting import Waiting, waiting

FORMS = pytest.mark.parametrize(
    "form", [("-o", "json"), ("-o", "raw"), ("--format", "{body_text}")], ids=" ".join
)
CODECS = [
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
]
NAMED = event("student.created")
NAMED["payload"] |= {"first_name": "ياسمين", "last_name": "Bénali-Œuvré"}


@pytest.fixture
def held(broker: Broker) -> Iterator[Waiting]:
    """Give a queue of the test's own."""
    with waiting(broker) as made:
        yield made


def in_bash(tool: Tool, script: str, *arguments: str, **environ: str) -> tuple[int, bytes, str]:
    """Run a script in which "$@" is the tool with arguments; its exit code and outputs."""
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *arguments],
        cwd=tool.folder,
        env={**tool.environ, **environ},
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "Exception" not in said
    assert "BrokenPipe" not in said
    return done.returncode, done.stdout, said


@FORMS
def test_a_reader_that_leaves_takes_only_what_was_written(
    connected: Tool, held: Waiting, form: tuple[str, ...]
) -> None:
    """`| head -1` is a quiet 141, and no event that was not written is gone from its queue."""
    held.put_numbered(2000)
    script = '"$@" | head -1; exit ${PIPESTATUS[0]}'
    code, out, said = in_bash(connected, script, "listen", *held.options, *form, "--timeout", "30")
    assert code == 141
    assert b"00000001-e29b" in out
    assert "error" not in said
    left = [json.loads(body)["payload"]["student_id"] for body in held.bodies()]
    assert [int(each[:8]) for each in left] == list(range(2001 - len(left), 2001))
    assert len(left) > 1500  # a pipe holds 64 KiB


@FORMS
@pytest.mark.parametrize(("to", "says"), [("&-", "closed"), ("/dev/full", "No space left")])
def test_an_output_that_takes_nothing_loses_nothing(
    connected: Tool, held: Waiting, form: tuple[str, ...], to: str, says: str
) -> None:
    """A closed stdout and a full disk are 74, said in two lines, and all stays in the queue."""
    held.put_numbered(300)
    code, _, said = in_bash(
        connected, f'"$@" >{to}', "listen", *held.options, *form, "--timeout", "30"
    )
    assert code == 74
    assert says in said
    assert "hint" in said
    assert held.depth == 300


def test_raw_is_every_body_byte_for_byte(connected: Tool, held: Waiting) -> None:
    """-o raw writes each body and a newline, and nothing else, to stdout."""
    held.put(list(BODIES.values()))
    count = ("--count", str(len(BODIES)))
    code, out, said = in_bash(connected, '"$@"', "listen", *held.options, "-o", "raw", *count)
    assert code == 0
    assert out == b"".join(body + b"\n" for body in BODIES.values())
    assert "listening to queue" in said


def test_json_holds_every_body_byte_for_byte(connected: Tool, held: Waiting) -> None:
    """Each line is one JSON object that gives the exact body back, and its value where strict."""
    bodies = [*BODIES.values(), encode(NAMED), json.dumps(NAMED, indent=2).encode()]
    held.put(bodies, "student.created")
    count = ("--count", str(len(bodies)))
    code, out, _ = in_bash(connected, '"$@"', "listen", *held.options, "-o", "json", *count)
    assert code == 0
    records = [json.loads(line) for line in out.split(b"\n")[:-1]]
    assert [
        b64decode(each["body_base64"]) if "body_base64" in each else each["body_text"].encode()
        for each in records
    ] == bodies
    assert records[-1]["body"] == records[-2]["body"] == NAMED
    assert [each["body"] for each in records[:2]] == [None, None]


@pytest.mark.parametrize(
    "environ",
    [
        *CODECS,
        {"LC_ALL": "C"},
        {"LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1"},
        {"CLICOLOR_FORCE": "1", "FORCE_COLOR": "1"},
        {"CI": "true"},
    ],
    ids=",".join,
)
def test_pipes_are_utf_8_and_bare_whatever_the_environment(
    connected: Tool, held: Waiting, environ: dict[str, str]
) -> None:
    """Arabic and French names come through as UTF-8, and no escape sequence is ever written."""
    for form in FORMS.args[1] if environ in CODECS else [()]:
        held.put([encode(NAMED)], "student.created")
        code, out, said = in_bash(
            connected, '"$@" </dev/null', "listen", *held.options, *form, "--count", "1", **environ
        )
        assert code == 0
        assert "ياسمين" in out.decode("utf-8")
        assert "Bénali-Œuvré" in out.decode("utf-8")
        assert b"\x1b" not in out + said.encode()


def test_a_line_is_there_as_soon_as_its_message(connected: Tool, held: Waiting) -> None:
    """At a low rate each message is flushed at once: a reader has it within half a second."""
    running = connected.listen(*held.options, "--count", "5")
    for number in range(1, 6):
        sent = time.monotonic()
        held.put_numbered(1, number)
        running.await_text(f'"{number:08d}-', 5, "out")
        assert time.monotonic() - sent < 0.5
    assert running.end().code == 0


def test_a_file_is_what_the_pipe_is(connected: Tool, held: Waiting, tmp_path: Path) -> None:
    """`>> file` appends whole lines, in JSON without being asked."""
    target = tmp_path / "events.ndjson"
    for round_ in range(2):
        held.put_numbered(10, 1 + 10 * round_)
        code, _, _ = in_bash(
            connected, f'"$@" >> {target}', "listen", *held.options, "--count", "10"
        )
        assert code == 0
    lines = target.read_text("utf-8").splitlines()
    assert [int(json.loads(line)["body"]["payload"]["student_id"][:8]) for line in lines] == list(
        range(1, 21)
    )


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "json", "--body"),
        ("-o", "json", "--local-time"),
        ("-o", "raw", "--reveal"),
        ("--format", "{routing_key}", "--body"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(tool: Tool, options: tuple[str, ...]) -> None:
    """What is for people is refused beside a form that ignores it."""
    ran = tool.run("listen", *options)
    assert (ran.code, "does nothing with" in ran.err) == (2, True)
