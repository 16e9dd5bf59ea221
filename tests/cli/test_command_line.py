"""The command line as a person or a script meets it, with no broker."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from medtrack_cli import __version__
from tests.builders import encode, event, numbered
from tests.cli.pty_run import on_terminal
from tests.cli.tool import COMMAND, Tool, environment
from tests.faults.proxy import free_port

BAD = b'{"event_type": "student.deleted", "payload": {"student_id": "x"}, "service": "s"}\n'


def test_a_working_directory_that_is_gone(tool: Tool) -> None:
    """Every command ends with 66 in words where the working directory is gone; help is given."""
    folder = tool.folder / "gone"
    for command, code in (
        *(((*words,), 66) for words in (["listen"], ["config", "path"], ["validate", "/x.json"])),
        *(((*words,), 0) for words in (["--version"], ["--help"], ["listen", "--help"])),
        (("nosuch",), 2),
    ):
        folder.mkdir()
        ran = subprocess.run(
            ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *COMMAND, *command],
            capture_output=True,
            cwd=folder,
            env=tool.environ,
            check=False,
            text=True,
        )
        assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), (command, ran.stderr)
        assert ("the working directory is gone" in ran.stderr) == (code == 66)


def test_the_version_is_printed(tool: Tool) -> None:
    """`--version` and `version` print name and version and end with 0."""
    for typed in ("--version", "version"):
        assert tool.run(typed) == (0, f"medtrack {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nobody-knows",),
        ("publish", "--nobody-knows"),
        ("nobody-knows",),
        ("validate",),
        ("publish",),
        ("publish", "-f", "x.json", "--window", "0"),
        ("publish", "-f", "x.json", "--rate", "fast"),
        ("listen", "--count", "0"),
        ("replay", "x.ndjson", "--invalid", "perhaps"),
        ("schema", "show", "nobody.knows"),
        ("validate", "x.json", "-o", "nobody"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_exit_code_2(tool: Tool, arguments: tuple[str, ...]) -> None:
    """What can't be meant is 2: an error and a hint on stderr, nothing on stdout."""
    tool.write("x.json", BAD)
    ran = tool.run(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    lines = ran.err.splitlines()
    if "listen" in arguments:  # its output is JSON where it is piped
        assert json.loads(lines[0]).items() >= {"kind": "error", "code": "usage"}.items()
        assert json.loads(lines[0])["hint"]
        return
    assert lines[0].startswith("error: ")
    assert any(line.startswith("hint: ") for line in lines)


@pytest.mark.parametrize("before", [True, False])
def test_shared_options_stand_before_and_after(tool: Tool, *, before: bool) -> None:
    """-q and --config mean the same before the command and after it."""
    name = tool.write("events.ndjson", b"".join(numbered(2)))
    config = ["--config", tool.write("mine.yaml", "service: from-mine\n"), "-q"]
    order = [*config, "config", "show"] if before else ["config", "show", *config]
    assert "from-mine" in tool.run(*order).out
    validate = ["-q", "validate", name] if before else ["validate", name, "-q"]
    assert tool.run(*validate) == (0, "", "")


@pytest.mark.parametrize("option", ["host", "port", "exchange", "profile", "config", "ca-file"])
def test_an_empty_option_is_no_default(tool: Tool, option: str) -> None:
    """An option that an unset shell variable left empty is an error, never what is built in."""
    name = tool.write("good.ndjson", b"".join(numbered(1)))
    ran = tool.run("publish", "-f", name, "--dry-run", f"--{option}", "")
    assert (ran.code, ran.out) == (78, "")


def test_quiet_keeps_errors(tool: Tool) -> None:
    """With -q an error is still said, and the exit code is the same."""
    ran = tool.run("validate", "missing.json", "-q")
    assert ran.code == 66
    assert ran.err.startswith("error: ")
    name = tool.write("bad.json", BAD)
    assert "missing_field" in tool.run("validate", name, "-q").out


def test_verbose_says_what_was_filled_in(tool: Tool) -> None:
    """With -v a dry run tells which parts of the envelope were filled in."""
    event = json.loads(next(numbered(1)))
    del event["version"]
    name = tool.write("event.json", json.dumps(event))
    assert "filled in version" in tool.run("publish", "-f", name, "--dry-run", "-v").err
    assert "filled in" not in tool.run("publish", "-f", name, "--dry-run").err
    many = tool.run("publish", "student.deleted", "--count", "2000", "--dry-run", "-v").err
    assert [line for line in many.splitlines() if "filled in" in line] == [
        "<generated>:1: filled in timestamp",
        "filled in timestamp in 2,000 events",
    ]


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        (("validate", "good.ndjson"), {"validated"}),
        (("validate", "bad.json"), {"finding", "validated"}),
        (("validate", "good.ndjson", "missing.json"), {"validated"}),
        (("publish", "-f", "good.ndjson", "--dry-run"), {"message", "dry_run"}),
        (("publish", "-f", "bad.json"), {"finding", "receipt", "published"}),
        (("replay", "good.ndjson", "--dry-run"), {"message", "plan", "dry_run"}),
        (("schema", "list"), {"event_type"}),
        (("schema", "show", "user.created"), {"event_type"}),
        (("config", "show"), {"setting"}),
        (("config", "path"), {"file"}),
        (("config", "init"), {"created"}),
        (("broker", "status"), {"broker"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_json_output_is_lines_of_json(
    tool: Tool, arguments: tuple[str, ...], kinds: set[str]
) -> None:
    """With -o json each line of stdout is an object whose first member is its kind."""
    tool.write("good.ndjson", b"".join(numbered(2)))
    tool.write("bad.json", BAD)
    ran = tool.run(*arguments, "-o", "json")
    assert ran.records
    assert all(next(iter(record)) == "kind" for record in ran.records)
    assert {record["kind"] for record in ran.records} == kinds


def test_json_errors_are_json(tool: Tool) -> None:
    """With -o json an error is one object on stderr, with its code, hint and exit code."""
    ran = tool.run("publish", "-f", "missing.json", "-o", "json")
    error = json.loads(ran.err)
    assert ran.code == error["exit_code"] == 66
    assert (error["kind"], error["code"]) == ("error", "input_missing")
    assert error["hint"]
    assert ran.out == ""


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m\u200b"


def hostile_event() -> bytes:
    """Make an event in which every text steers terminals."""
    return json.dumps(
        {
            "event_type": HOSTILE,
            "payload": {HOSTILE: HOSTILE, "first_name": HOSTILE},
            "service": HOSTILE,
            "timestamp": HOSTILE,
            "version": HOSTILE,
        }
    ).encode()


@pytest.mark.parametrize("output", ["human", "json"])
@pytest.mark.parametrize(
    "command",
    [["validate"], ["publish", "-f"], ["publish", "--dry-run", "-f"], ["replay", "--dry-run"]],
    ids=" ".join,
)
def test_no_text_steers_the_terminal(tool: Tool, command: list[str], output: str) -> None:
    """Whatever stands in file names and events, a terminal gets no control of theirs."""
    name = tool.write("evil\x1b[2J\u202e\x9b.json", hostile_event())
    _, seen = on_terminal(tool, *command, name, "-o", output, "--no-color")
    assert seen
    text = seen.decode("utf-8")
    assert not set(text) & set("\x1b\x07\x9b\u202e\u200b")


def test_missing_files_with_evil_names_are_escaped(tool: Tool) -> None:
    """The name in an error about a file is shown, and obeyed by no terminal."""
    _, seen = on_terminal(tool, "validate", "evil\x1b[2J\u202e.json", "--no-color")
    assert b"\x1b" not in seen
    assert rb"evil\x1b[2J\u202e.json" in seen


def test_passwords_are_never_shown(tool: Tool) -> None:
    """`config show` shows each value with its source, and of a password nothing but stars."""
    port = free_port()
    url = f"amqp://somebody:hunter2%2F@localhost:{port}"
    for output in ("human", "json"):
        ran = tool.run("config", "show", "-o", output, "-v", MEDTRACK_URL=url)
        assert ran.code == 0
        assert "***" in ran.out
        assert "hunter2" not in ran.out + ran.err
    name = tool.write("events.ndjson", b"".join(numbered(1)))
    ran = tool.run("publish", "-f", name, "-vv", MEDTRACK_URL=url)
    assert ran.code == 69
    assert "hunter2" not in ran.out + ran.err


def test_a_closed_stdin_is_an_empty_one(tool: Tool) -> None:
    """With stdin closed, reading it finds nothing, and nothing breaks."""
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *COMMAND, "validate", "-"],
        cwd=tool.folder,
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 66


@pytest.mark.parametrize(
    "command",
    [["validate", "many.ndjson"], ["schema", "list"], ["listen", "--help"], ["--version"]],
    ids=" ".join,
)
def test_a_full_device_is_exit_code_74(tool: Tool, command: list[str]) -> None:
    """Output to a full disk is 74 with an error, and no traceback."""
    tool.write("many.ndjson", BAD * 2000)
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >/dev/full', "sh", *COMMAND, *command],
        cwd=tool.folder,
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 74, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", ["validate many.ndjson", "--help"])
def test_a_reader_that_leaves_is_exit_code_141(tool: Tool, command: str) -> None:
    """`medtrack … | head -0` ends quietly with 141."""
    tool.write("many.ndjson", BAD * 20_000)
    script = '(sleep 0.1; "$@") | head -0; exit ${PIPESTATUS[0]}'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *command.split()],
        cwd=tool.folder,
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 141
    assert done.stderr == ""


@pytest.mark.parametrize(
    "wish", ["-o json", "-ojson", "-qo json", "--output=json", "--output json"]
)
def test_a_wrong_command_line_has_the_form_that_was_asked_for(tool: Tool, wish: str) -> None:
    """However -o is written, what can't be read is told in its form."""
    (line,) = tool.run("publish", "--wrong", *wish.split()).err.splitlines()
    assert json.loads(line).items() >= {"kind": "error", "code": "usage", "exit_code": 2}.items()


@pytest.mark.parametrize(("wish", "first"), [((), b"connecting to "), (("-o", "json"), b'{"kind"')])
def test_a_person_before_stderr_reads_sentences(
    tool: Tool, wish: tuple[str, ...], first: bytes
) -> None:
    """Where stdout is a pipe and stderr a terminal, only a typed -o json makes objects there."""
    ours, theirs = pty.openpty()
    command = [*COMMAND, "listen", *wish, "--url", "amqp://127.0.0.1:1"]
    environ = {**tool.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=tool.folder, env=environ, stdout=subprocess.PIPE, stderr=theirs, check=False
    )
    os.close(theirs)
    said = os.read(ours, 65536)
    os.close(ours)
    assert (done.returncode, done.stdout) == (69, b"")
    assert said.startswith(first), said


def test_output_is_whole_where_python_is_unbuffered() -> None:
    """A run that is stopped in a write, as by Ctrl-Z, and goes on loses nothing of its output."""
    command = [*COMMAND, "spec", "-o", "json"]
    whole = subprocess.check_output(command, env=environment())
    running = subprocess.Popen(
        command,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
    )
    assert running.stdout is not None
    full = fcntl.fcntl(running.stdout, fcntl.F_GETPIPE_SZ)
    while int.from_bytes(fcntl.ioctl(running.stdout, termios.FIONREAD, b"    "), "little") < full:
        assert running.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)  # it waits for the reader
    running.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    running.send_signal(signal.SIGCONT)
    time.sleep(0.1)
    assert (running.communicate()[0], running.returncode) == (whole, 0)


# Prints a line when its own start is over, and the tool's begins.
READY = """
import sys
from medtrack_cli.__main__ import main
begins = "import", ("medtrack_cli.dispatch",)
sys.addaudithook(lambda event, said: print(flush=True) if (event, said[:1]) == begins else None)
main()
"""


def test_ctrl_c_at_any_moment_of_the_start(tmp_path: Path) -> None:
    """While libraries are loaded and validators made, it is neither lost nor a traceback."""
    (tmp_path / "a.ndjson").write_bytes((encode(event()) + b"\n") * 100_000)
    command = [sys.executable, "-c", READY, "validate", "--jobs", "1", "a.ndjson"]
    for number in range(20):
        running = subprocess.Popen(
            command,
            env=environment(),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(number * 0.01)
        running.send_signal(signal.SIGINT)
        assert (*running.communicate(), running.returncode) == (b"", b"", 130), number
