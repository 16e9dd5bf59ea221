"""What is expected of a run: read from YAML, decided as early as can be, told when it isn't met."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from medtrack_cli.cel import compiled
from medtrack_cli.core.checked import examine
from medtrack_cli.core.simulating.expectations import MOST_SEEN, Expectations
from medtrack_cli.core.simulating.patterns import Seen
from medtrack_cli.errors import ExitCode, InputMissing, NotExpectations
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.expectations import read_expectations
from medtrack_cli.output.shown.expectations import failure
from tests.builders import delivery, encode, event
from tests.project.pages import ROOT, blocks

REACTIONS = ("COMM.welcome", "AUTH.account", "CORE.tracking")
STUDENT_ID = event()["payload"]["student_id"]


def read(folder: Path, text: str) -> Expectations:
    """Read expectations from a file."""
    path = folder / "expect.yaml"
    path.write_text(dedent(text), "utf-8")
    return read_expectations(path, built_in(), REACTIONS, compiled)


def seen(event_type: str, seconds: float = 1.0, reaction: str = "", **payload: object) -> Seen:
    """Make something seen: the sample of a type with some fields set."""
    made = event(event_type)
    made["payload"] |= payload
    return Seen(seconds, examine(delivery(encode(made), event_type)), reaction)


CREATED, USER, DELETED = seen("student.created"), seen("user.created"), seen("student.deleted")
OTHER = seen("student.created", email="other.person@example.org")
INVALID = seen("student.created", 2.5, email="nobody")
WELCOME = seen("student.created", reaction="COMM.welcome")
EXPECT_MAIL = "expect: [{event: student.created, where: {email: amina.example@example.org}}]"


@pytest.mark.parametrize(
    ("text", "come", "stands"),
    [
        ("expect: [{event: student.created}]", [], "open"),
        ("expect: [{event: student.created}]", [USER, CREATED], "met"),
        ("expect: [student.created, {event: user.created}]", [CREATED], "open"),
        ("expect: [student.created]", [INVALID], "open"),
        ("expect: [{event: 'student.*', times: 2+}]", [CREATED, DELETED], "met"),
        ("expect: [{event: student.created, times: 1}]", [CREATED], "so far"),
        ("expect: [{event: student.created, times: 1}]", [CREATED, CREATED], "broken"),
        ("expect: [{event: student.created, times: 0}]", [], "so far"),
        (EXPECT_MAIL, [OTHER], "open"),
        (EXPECT_MAIL, [OTHER, CREATED], "met"),
        ("expect: [{event: '#', where: {payload.email: null}}]", [CREATED], "open"),
        ("expect: [{event: evaluation.created, where: {score: 85}}]", [CREATED], "open"),
        (
            "expect: [{event: student.created, where: 'valid && event.version == \"1.0\"'}]",
            [CREATED],
            "met",
        ),
        ("expect: [{event: student.created, where: event.payload.score > 1}]", [CREATED], "open"),
        ("expect: [COMM.welcome]", [CREATED], "open"),
        (f"expect: [{{reaction: COMM.welcome, for: {STUDENT_ID}}}]", [CREATED, WELCOME], "met"),
        ("expect: [{reaction: COMM.welcome, for: somebody-else}]", [WELCOME], "open"),
        ("never: [student.deleted]", [CREATED], "so far"),
        ("never: [student.deleted]", [DELETED], "broken"),
        ("never: [{event: student.created, where: {email: nobody}}]", [INVALID], "broken"),
        ("valid: all", [CREATED], "so far"),
        ("valid: all", [INVALID], "broken"),
        ("order: [user.created, student.created]", [USER], "open"),
        ("order: [user.created, student.created]", [USER, CREATED], "met"),
        ("order: [user.created, student.created]", [CREATED, USER, CREATED], "broken"),
        ("order: [student.created, COMM.welcome]", [CREATED, USER, WELCOME], "met"),
        ("{expect: [student.created], never: [user.created]}", [CREATED], "so far"),
    ],
)
def test_it_is_decided_as_soon_as_nothing_can_change_it(
    tmp_path: Path, text: str, come: list[Seen], stands: str
) -> None:
    """What can still fail is open to the end; all else ends with what decides it."""
    expected = read(tmp_path, text)
    for each in come:
        expected.take(each)
    assert expected.decided is {"met": True, "broken": False}.get(stands)
    assert (not expected.unmet) is (stands in {"met", "so far"})


@pytest.mark.parametrize(
    ("text", "place", "what", "hint"),
    [
        ("", "1:1", "nothing is expected", "for instance"),
        ("expect:\n  - event: student.create", "2:12", "no such event type", "student.created?"),
        ("expect:\n  - reaction: COMM.wellcome", "2:15", "no such reaction", "COMM.welcome?"),
        ("expect:\n  - {event: user.created, were: {}}", "2:27", "no such key", "where?"),
        ("expects: []", "1:1", "no such key", "expect?"),
        ("expect: [{event: user.created, where: {emial: a}}]", "1:47", "no such field", "email?"),
        ("expect: [{event: user.created, where: 'evnt.a'}]", "1:39", "there is no evnt", "event?"),
        ("expect: [{event: user.created, times: few}]", "1:39", "times", "2+"),
        ("expect: [{event: user.created, times: -1}]", "1:39", "times", "2+"),
        ("never: [{event: user.created, times: 1}]", "1:31", "no such key", "known"),
        ("expect: [{event: user.created, reaction: COMM.welcome}]", "1:10", "not one", "for"),
        ("expect: {event: user.created}", "1:9", "no list", "for"),
        ("order: []", "1:8", "no list", "for"),
        ("valid: some", "1:8", "only be all", "valid: all"),
        ("valid: all\n---\nvalid: all", "3:1", "second document", "keep one"),
        ("expect: [&a {event: user.created}]", "1:10", "anchors are not allowed", "remove"),
        ("expect: [", "1:10", "", ""),
        ("valid: all\nvalid: all", "2:1", "twice", "keep one"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str, place: str, what: str, hint: str
) -> None:
    """A file that can't be used says where, and what may be meant; exit code 65."""
    with pytest.raises(NotExpectations) as told:
        read(tmp_path, text)
    assert told.value.subject == f"{tmp_path / 'expect.yaml'}:{place}"
    assert what in told.value.what
    assert hint in told.value.hint
    assert told.value.exit_code is ExitCode.DATA_ERROR


def test_the_pages_example_can_be_read(tmp_path: Path) -> None:
    """docs/test-an-integration.md shows a file that holds each kind of expectation."""
    page = (ROOT / "docs/test-an-integration.md").read_text("utf-8")
    ((_, text),) = blocks(page, "yaml expect.yaml")
    kinds = [each.text.partition(" ")[0] for each in read(tmp_path, text).wanted]
    assert kinds == ["expect", "expect", "expect", "never", "order", "valid:"]


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """It is an input like any other: exit code 66."""
    with pytest.raises(InputMissing):
        read_expectations(tmp_path / "none.yaml", built_in(), REACTIONS, compiled)


def test_a_failure_tells_the_near_misses_and_the_time_line(tmp_path: Path) -> None:
    """It says which field differs and what came, and shows no person's value unless revealed."""
    expected = read(tmp_path, f"{EXPECT_MAIL}\nvalid: all\norder: [user.created, student.deleted]")
    for each in (seen("student.created", 0.25, email="other.person@example.org"), INVALID, DELETED):
        expected.take(each)
    told = "\n".join(failure(expected, reveal=False))
    assert "not met: expect student.created where email" in told
    assert f"({tmp_path / 'expect.yaml'}:1); it came 0 times" in told
    near = "student.created came at 0.250 s, but email differs: wanted"
    assert f'{near} "xxxxx.xxxxxxx@xxxxxxx.xxx", got "xxxxx.xxxxxx@xxxxxxx.xxx"' in told
    assert (
        "student.created came at 2.500 s, but it is invalid: bad_format at /payload/email" in told
    )
    assert "student.deleted came at 1.000 s, before user.created" in told
    assert f"0.250 s  student.created  student_id {STUDENT_ID}" in told
    assert "other.person" not in told
    assert 'got "other.person@example.org"' in "\n".join(failure(expected, reveal=True))


def test_the_time_line_is_bounded_and_says_so(tmp_path: Path) -> None:
    """A long run keeps what came last, and counts all."""
    expected = read(tmp_path, "expect: [user.created]")
    for number in range(MOST_SEEN + 50):
        expected.take(seen("student.deleted", float(number)))
    lines = list(failure(expected, reveal=False))
    assert lines[1] == f"seen (the last of {MOST_SEEN + 50}):"
    assert len(lines) == MOST_SEEN + 2


def test_foreign_text_reaches_no_terminal(tmp_path: Path) -> None:
    """A value or a routing key may hold what a terminal obeys."""
    expected = read(tmp_path, "expect: [{event: student.created, where: {email: a@example.org}}]")
    expected.take(seen("student.created", email="\x1b[2J\x1b]0;x\x07"))
    body = json.dumps({"event_type": "\x1b[2J"}).encode()
    expected.take(Seen(2.0, examine(delivery(body, "\x1b[2J"))))
    assert "\x1b" not in "\n".join(failure(expected, reveal=True))
