"""When and how `listen` ends: counts, expectations, times, and what is said of them."""

import json
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.broker.witness import client
from tests.builders import encode, event, spoilt
from tests.cel import needs_cel
from tests.cli.tool import Ran, Tool
from tests.conftest import Broker
from tests.faults.proxy import Proxy
from tests.listen.waiting import Waiting, waiting

CREATED = encode(event("student.created"))
BROKEN = encode(spoilt("student.created", "/payload/email", "nobody"))
USER = encode(event("user.created"))


@pytest.fixture
def held(broker: Broker) -> Iterator[Waiting]:
    """Give a queue of the test's own."""
    with waiting(broker) as made:
        yield made


def listened(ran: Ran) -> dict[str, Any]:
    """Read the last line of stderr."""
    last: dict[str, Any] = json.loads(ran.err.splitlines()[-1])
    assert last["kind"] == "listened"
    assert last["exit_code"] == ran.code
    return last


def types(told: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Read the counts of each type: valid, invalid, left out."""
    return {
        each["name"]: (each["valid"], each["invalid"], each["left_out"])
        for each in told["event_types"]
    }


def test_expectations_are_met_by_valid_events_alone(connected: Tool, held: Waiting) -> None:
    """--expect ends with 0 when as many valid events of each type came, and takes no more."""
    held.put([BROKEN, CREATED, CREATED], "student.created")
    held.put([USER, USER, USER], "user.created")
    expect = ("--expect", "student.created:2", "--expect", "user.created")
    ran = connected.run("listen", *held.options, *expect, "-o", "json", "--timeout", "20")
    told = listened(ran)
    assert (ran.code, told["ended"], told["missing"]) == (0, "expected", [])
    assert types(told) == {"student.created": (2, 1, 0), "user.created": (1, 0, 0)}
    assert len(ran.records) == 4
    assert held.depth == 2


def test_what_is_missing_is_said_with_what_came_instead(connected: Tool, held: Waiting) -> None:
    """An expectation that isn't met in time is 1, and near misses are told from what never came."""
    held.put([BROKEN, CREATED, BROKEN], "student.created")
    held.put([USER], "user.created")
    held.put([b"x"], "no.event")
    expect = ("--expect", "student.created:3", "--expect", "stage.created")
    ran = connected.run("listen", *held.options, *expect, "-o", "json", "--idle-timeout", "0.5")
    told = listened(ran)
    assert (ran.code, told["ended"]) == (1, "idle_timeout")
    assert told["missing"] == [
        {"event_type": "student.created", "expected": 3, "valid": 1},
        {"event_type": "stage.created", "expected": 1, "valid": 0},
    ]
    assert types(told) == {
        "student.created": (1, 2, 0),
        "user.created": (1, 0, 0),
        "no.event": (0, 1, 0),
    }
    held.put([BROKEN, CREATED], "student.created")
    ran = connected.run("listen", *held.options, *expect, "-o", "human", "--idle-timeout", "0.5")
    assert ran.code == 1
    why, *lines = ran.err.splitlines()[-4:]
    assert re.fullmatch(r"nothing more came: 2 received, 1 invalid, in \d+\.\d s", why)
    assert lines == [
        "missing: 2 of 3 valid student.created",
        "missing: 1 of 1 valid stage.created",
        "came: student.created: 1 valid, 1 invalid",
    ]


@needs_cel
def test_a_condition_bounds_what_is_counted_and_expected(connected: Tool, held: Waiting) -> None:
    """--count and --expect see what passes --where; the rest is counted apart, and acknowledged."""
    held.put([CREATED, BROKEN, b"no JSON", USER, CREATED], "student.created")
    where = ("--where", "event.payload.email.endsWith('@example.org')")
    ran = connected.run("listen", *held.options, *where, "--count", "3", "-o", "json")
    told = listened(ran)
    assert (ran.code, told["ended"], told["received"], told["invalid"]) == (0, "count", 3, 1)
    assert (told["left_out"], told["unevaluable"]) == (2, 1)
    assert [each["body_text"].encode() for each in ran.records] == [CREATED, USER, CREATED]
    assert held.depth == 0
    assert "leaves out is taken" in ran.err

    held.put([CREATED], "student.created")
    expect = ("--expect", "student.created", "--where", "redelivered", "--idle-timeout", "0.5")
    told = listened(ran := connected.run("listen", *held.options, *expect, "-o", "json"))
    assert (ran.code, ran.out) == (1, "")
    assert types(told) == {"student.created": (0, 0, 1)}


def test_count_and_expectation_together_want_both(connected: Tool, held: Waiting) -> None:
    """With --count and --expect it ends when both are reached, whichever comes last."""
    held.put([USER], "user.created")
    held.put([CREATED] * 4, "student.created")
    both = ("--count", "3", "--expect", "user.created", "-o", "json", "--timeout", "20")
    assert len(connected.run("listen", *held.options, *both).records) == 3
    held.put([USER], "user.created")
    ran = connected.run("listen", *held.options, *both)
    assert (ran.code, len(ran.records), held.depth) == (0, 3, 0)


def test_times_run_from_the_ready_line(connected: Tool, broker: Broker) -> None:
    """Without a wish, both times end with 0; the idle one begins again with each event."""
    with client(broker.amqp_url) as channel, waiting(broker) as held:
        running = connected.listen(*held.options, "--idle-timeout", "1")
        for _ in range(3):
            channel.basic_publish(held.name, "user.created", USER)
            time.sleep(0.6)
        ran = running.end()
    told = listened(ran)
    assert (ran.code, told["ended"], told["received"]) == (0, "idle_timeout", 3)
    assert 2.2 <= told["seconds"] < 6
    told = listened(ran := connected.run("listen", "none.*", "--timeout", "0.5", "-o", "json"))
    assert (ran.code, told["ended"], told["received"]) == (0, "timeout", 0)
    assert 0.5 <= told["seconds"] < 1.5


def test_time_runs_on_while_the_broker_is_away(connected: Tool, broker: Broker) -> None:
    """A lost connection that isn't regained ends at --timeout, and not later: 1 with a wish."""
    url = broker.amqp_url
    with Proxy(int(url.rpartition(":")[2].partition("/")[0])) as proxy:
        running = connected.listen(
            "--url", proxy.through(url), "--expect", "user.created", "--timeout", "2"
        )
        proxy.close()
        ran = running.end(12)
    told = listened(ran)
    assert (ran.code, told["ended"], told["interruptions"]) == (1, "timeout", 1)
    assert told["seconds"] < 4


def test_a_signal_before_the_wish_is_no_success(connected: Tool) -> None:
    """SIGTERM ends with 143 and says what is missing."""
    running = connected.listen("--expect", "user.created")
    running.signal(signal.SIGTERM)
    told = listened(ran := running.end())
    assert (ran.code, told["ended"], len(told["missing"])) == (143, "stopped", 1)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--expect", "studnt.created"], "did you mean student.created?"),
        (["--expect", "student.created:0"], "--expect student.created:3"),
        (["--expect", "student.created:x"], "--expect student.created:3"),
        (["--expect", "student.created:"], "--expect student.created:3"),
        (["user.*", "--expect", "student.created"], "listen student.created"),
        (["--format", "{body}", "-o", "json"], "leave out one of them"),
        (["--format", "{nobody}"], "did you mean body?"),
        (["--durable", ""], "give it the name of a queue"),
        (["--queue", "", "--yes"], "give it the name of a queue"),
        (["--durable", "é" * 128], "--durable is longer than 255 bytes"),
        (["a." * 128], "a pattern is longer than 255 bytes"),
        (["\udcff"], "a pattern is not UTF-8"),
        (["--timeout", "nan"], "--timeout: nan is no time up to 1,000,000,000 s"),
    ],
)
def test_wishes_that_can_never_come_true(tool: Tool, arguments: list[str], hint: str) -> None:
    """A wrong wish is exit code 2 before anything is connected."""
    ran = tool.run("listen", *arguments)
    assert ran.code == 2
    assert hint in ran.err
    assert "connecting" not in ran.err
