"""Two hundred students pass through every command; nothing about them is seen by people."""

import json
import os
import re
from collections.abc import Callable, Iterable
from random import Random
from signal import SIGINT
from threading import Thread

import pytest

from tests.broker.witness import client
from tests.cli.pty_run import on_terminal
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.security.students import WRONG, Student, students, whole
from tests.security.test_hostile_text import show_all

SEED = int(os.environ.get("MEDTRACK_TEST_SEED") or 1)
STUDENTS = students(200, Random(SEED))
WRAPPED = "student.created"
LOUDNESS = {"quiet": ["-q"], "usual": [], "verbose": ["-v"], "loud": ["-vv"]}
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def seen_of(text: str, known: Iterable[Student] = STUDENTS) -> set[str]:
    """Find what may not be seen, escaped or not."""
    shown = "\n".join(set(text.splitlines()))
    shown = ID.sub("", shown)  # among a million digits any seven are found by chance
    secrets = {secret for student in known for secret in student.secrets}
    forms = {form: each for each in secrets for form in (each, json.dumps(each)[1:-1])}
    return {each for form, each in forms.items() if form in shown}


@pytest.fixture
def files(tool: Tool) -> Tool:
    """Write each student into a file of each kind of wrong, and all valid ones into one file."""
    _write_all(tool)
    return tool


def _write_all(tool: Tool) -> None:
    kinds = list(WRONG.items())
    for number, student in enumerate(STUDENTS):
        name, text = kinds[number % len(kinds)]
        tool.write(f"{number:03}_{name}", text(student))
    valid = (json.dumps(whole(each), ensure_ascii=False) for each in STUDENTS)
    tool.write("valid.ndjson", "\n".join(valid))
    broken = (text(STUDENTS[0]).replace("\n", " ") for _, text in kinds)
    tool.write("broken.ndjson", "\n".join(broken))


def test_the_texts_hold_what_is_looked_for() -> None:
    """Every way to go wrong carries something that would be found."""
    for name, text in WRONG.items():
        assert seen_of(text(STUDENTS[0]), STUDENTS[:1]), name


def test_validate(files: Tool) -> None:
    """No report of a validation shows a value, however loud; with --reveal the lines do."""
    line = ["validate", "*.*", "--max-findings", "99999"]
    loud = [[*line, *each, "-o", "human"] for each in LOUDNESS.values()]
    reports = [[*line, "-o", each] for each in ("json", "github", "junit", "sarif")]
    codes, text = show_all(files, [*loud, *reports])
    assert codes == [1] * len(codes)
    assert text.count("unknown_field") > 1000
    assert seen_of(text) == set()
    _, text = show_all(files, [[*line, "--reveal"]])
    assert len(seen_of(text)) > 200


def test_dry_runs_and_errors(files: Tool) -> None:
    """No dry run, finding or error of publish and replay shows a value, however loud."""
    kinds = sorted(each.name for each in files.folder.glob("0[0-2]*_*"))
    send, replay = ["publish", "--dry-run"], ["replay", "--dry-run", "-vv"]
    lines = [[*send, "-vv", "-f", name] for name in kinds]
    lines += [[*send, "-vv", WRAPPED, "-f", name] for name in kinds[::3]]
    lines += [[*replay, name] for name in kinds[::3]]
    for loud in LOUDNESS.values():
        lines += [
            [*send, *loud, "-f", ".", "--keep-going"],
            [*send, *loud, "-f", ".", "--keep-going", "--no-validate"],
            [*send, *loud, "-f", "valid.ndjson"],
            [*replay, *loud, "valid.ndjson"],
        ]
    codes, text = show_all(files, lines)
    assert 70 not in codes
    assert text.count("would send") > 200
    assert text.count("[unknown_field]") > 200
    assert seen_of(text) == set()


def test_what_is_sent_and_received(connected: Tool, broker: Broker) -> None:
    """No receipt, live view, line or replay shows a value, however loud; only --reveal does."""
    _write_all(connected)
    exchange = f"tests.students.{os.urandom(4).hex()}"
    to = ["--exchange", exchange]
    with client(broker.amqp_url) as channel:
        channel.exchange_declare(exchange, "topic")
        listeners = [
            _listening(connected, [*to, "-vv"], "xterm-256color"),
            _listening(connected, [*to, "-q", "--body"], "dumb"),
            _listening(connected, [*to, "--reveal", "--body"], "dumb"),
        ]
        recording = connected.listen(*to, "--record", "r.ndjson", "--timeout", "60")
        send = ["publish", *to, "-f", "[0-9v]*", "--keep-going", "--no-validate"]
        _, text = show_all(connected, [[*send, *loud] for loud in LOUDNESS.values()])
        recording.signal(SIGINT)
        recording.end()
        again = ["replay", "r.ndjson", *to, "--speed", "max"]
        _, more = show_all(connected, [[*again, *loud] for loud in LOUDNESS.values()])
        _, counted = show_all(connected, [["stats", "r.ndjson", "-vv"]])
        live, lines, revealed = (listener() for listener in listeners)
        channel.exchange_delete(exchange)
    assert seen_of(text + more + counted + live + lines) == set()
    assert all("student.created" in each for each in (text, more, counted, live))
    assert lines.count("student.created") > 200
    assert len(seen_of(revealed)) > 200


def _listening(tool: Tool, options: list[str], term: str) -> Callable[[], str]:
    """Listen on a terminal of its own; the result waits for the end and gives what was seen."""
    seen: list[bytes] = []
    line = ("listen", "-o", "human", "--timeout", "5", *options)
    thread = Thread(target=lambda: seen.append(on_terminal(tool, *line, TERM=term)[1]))
    thread.start()

    def end() -> str:
        thread.join(30)
        return seen[0].decode()

    return end
