"""What `simulate run --assert` expects: when it ends, with what, and what it says."""

import json
import signal
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from medtrack_cli.core.checked import examine
from medtrack_cli.core.simulating.expectations import Expectations, Order, Times
from medtrack_cli.core.simulating.observing import PATIENCE_SECONDS, Observer
from medtrack_cli.core.simulating.patterns import Pattern
from medtrack_cli.core.simulating.reactions import REACTIONS, Handled, Result
from medtrack_cli.output.shown.expectations import ShownExpectations
from medtrack_cli.world import SystemClock
from tests.builders import STUDENT, changed, delivery, encode
from tests.cli.tool import Running, Tool

STUDENT_ID = STUDENT["payload"]["student_id"]
EXPECT = f"""
expect:
  - {{event: student.created, where: {{cin: ZZ123456}}}}
  - {{reaction: COMM.welcome, for: {STUDENT_ID}}}
order: [student.created, COMM.welcome]
"""
STRICT = """
expect: [{event: student.created, where: {email: other.person@example.org}}]
never: [student.deleted]
valid: all
"""
WELCOME = next(each for each in REACTIONS if each.id == "COMM.welcome")


@pytest.fixture
def services(connected: Tool) -> Iterator[Tool]:
    """Give the tool, with no queue of services on the broker before and after."""
    assert connected.run("simulate", "reset", "--yes").code == 0
    yield connected
    connected.run("simulate", "reset", "--yes")


def run(tool: Tool, text: str, within: str, *arguments: str) -> Running:
    """Let the COMM service stand in with an expectation, and wait until it does."""
    tool.write("expect.yaml", text)
    asked = ("--assert", "expect.yaml", "--within", within, "--junit", "out.xml")
    running = tool.start("simulate", "run", "comm", *asked, *arguments)
    running.await_text("COMM-SERVICE stands in" if "-o" not in arguments else '"listening"')
    return running


def junit(tool: Tool) -> list[str | None]:
    """Tell of each case of the report why it failed, None where it didn't."""
    (suite,) = ET.parse(tool.folder / "out.xml").getroot()
    failures = [each.find("failure") for each in suite]
    assert suite.get("failures") == str(len(failures) - failures.count(None))
    return [None if each is None else each.get("message") for each in failures]


def test_what_is_met_ends_at_once(services: Tool) -> None:
    """All came, and nothing could fail any more: 0, long before --within."""
    running = run(services, EXPECT, "120s", "-o", "json")
    services.write("event.json", encode(STUDENT))
    assert services.run("publish", "-f", "event.json").code == 0
    ran = running.end(30)
    assert ran.code == 0
    told = [json.loads(line) for line in ran.err.splitlines()]
    told = [each for each in told if each["kind"] == "expectation"]
    assert [each["met"] for each in told] == [True, True, True]
    assert junit(services) == [None, None, None]


def test_what_must_not_come_fails_at_once(services: Tool) -> None:
    """It says which line isn't met, what was nearly it, and what was seen, masked."""
    running = run(services, STRICT, "120s")
    deleted = changed({"/event_type": "student.deleted", "/payload": _about_nobody()})
    services.write("two.ndjson", encode(STUDENT) + b"\n" + encode(deleted))
    assert services.run("publish", "-f", "two.ndjson").code == 0
    ran = running.end(30)
    assert ran.code == 1
    assert "not met: never student.deleted (expect.yaml:3); it came once, at " in ran.err
    assert "student.created came at " in ran.err
    assert 'but email differs: wanted "xxxxx.xxxxxx@xxxxxxx.xxx", got "xxxxx.xxxxxxx@' in ran.err
    assert f"s  COMM.welcome  student_id {STUDENT_ID}" in ran.err
    assert "amina" not in ran.err + (services.folder / "out.xml").read_text()
    assert [bool(each) for each in junit(services)] == [True, True, False]


def _about_nobody() -> dict[str, str]:
    return {name: STUDENT["payload"][name] for name in ("student_id", "user_id")}


def test_what_can_still_fail_is_decided_at_the_end(services: Tool) -> None:
    """`never` is met when --within is over; a run that is stopped before has not seen that."""
    assert run(services, "never: [student.deleted]", "0.5s").end(30).code == 0
    running = run(services, "never: [student.deleted]", "120s")
    running.signal(signal.SIGINT)
    ran = running.end(30)
    assert ran.code == 130
    assert "the run was stopped before it was decided\nnot met: never student.deleted" in ran.err
    assert junit(services) == ["it came 0 times"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--within", "3s"), 2, "--within goes with --assert"),
        (("--junit", "out.xml"), 2, "--junit goes with --assert"),
        (("--assert", "good.yaml"), 2, "--assert needs --within"),
        (("--assert", "none.yaml", "--within", "3s"), 66, "can't be read"),
        (("--assert", "bad.yaml", "--within", "3s"), 65, "bad.yaml:1:9"),
        (("--assert", "good.yaml", "--within", "3s", "--junit", "no/out.xml"), 73, "no/out.xml"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(
    tool: Tool, arguments: tuple[str, ...], code: int, told: str
) -> None:
    """No broker is asked: there is none."""
    tool.write("good.yaml", EXPECT)
    tool.write("bad.yaml", "never: [student.delete]")
    ran = tool.run("simulate", "run", *arguments, MEDTRACK_URL="amqp://a:b@localhost:1")
    assert ran.code == code
    assert told in ran.err


class Clock(SystemClock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_a_reaction_is_seen_after_its_event() -> None:
    """A service may have an event before the tap; one that the tap never gets is seen with it."""
    clock = Clock()
    expected = Expectations([Order([Pattern("student.created"), Pattern("COMM.welcome", True)])])  # noqa: FBT003 -- a field
    observer = Observer(expected, clock)
    event = examine(delivery(encode(STUDENT), properties={"message_id": "one"}))
    old = examine(delivery(encode(STUDENT), properties={"message_id": "old"}))
    observer.handled(Handled("COMM", event, Result.DONE, "one", WELCOME))
    observer.handled(Handled("COMM", event, Result.REPEATED, "one"))
    observer.release()
    assert not expected.seen
    observer.published(event)
    assert [each.name for each in expected.seen] == ["student.created", "COMM.welcome"]
    assert expected.decided is True
    observer.handled(Handled("COMM", old, Result.DONE, "old", WELCOME))
    clock.seconds = PATIENCE_SECONDS + 1
    observer.release()
    observer.published(old)
    assert expected.count == 4


def test_what_nobody_has_seen_is_not_met() -> None:
    """Where events may be missing, nothing says that there was none."""
    expected = Expectations([Times(Pattern("student.deleted"), 0, 0)])
    assert not expected.unmet
    expected.doubt = "events may be missing: the connection was lost"
    assert expected.unmet == expected.wanted
    (record,) = ShownExpectations(expected, 1.0).records()
    assert (record["met"], record["doubt"]) == (False, expected.doubt)


def test_what_waited_in_a_queue_counts_once(services: Tool) -> None:
    """An event from before the run is seen by its reaction, so that a never isn't called met."""
    first = services.start("simulate", "run", "comm", "-o", "json")
    first.await_text('"listening"')
    first.signal(signal.SIGINT)
    assert first.end().code == 130
    services.write("event.json", encode(STUDENT))
    assert services.run("publish", "-f", "event.json").code == 0
    text = "expect: [{event: student.created, times: 1}, COMM.welcome]\nnever: [student.updated]\n"
    assert run(services, text, "3s").end(30).code == 0
    assert services.run("publish", "-f", "event.json").code == 0
    assert run(services, "never: [student.created]", "60s").end(30).code == 1


@pytest.mark.parametrize("junit_name", ["expect.yaml", "event.json"])
def test_a_report_replaces_nothing_that_would_be_missed(connected: Tool, junit_name: str) -> None:
    """Neither the file of expectations nor an event becomes a report."""
    connected.write("expect.yaml", STRICT)
    connected.write("event.json", encode(STUDENT))
    before = (connected.folder / junit_name).read_bytes()
    asked = ("--assert", "expect.yaml", "--within", "1", "--junit", junit_name)
    assert connected.run("simulate", "run", *asked).code == 73
    assert (connected.folder / junit_name).read_bytes() == before
