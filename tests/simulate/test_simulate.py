"""The simulated services on a real broker: each event once, whatever is killed."""

import json
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING, Any

import pika
import pytest

from medtrack_cli.core.simulating.reactions import REACTIONS
from medtrack_cli.core.simulating.services import DEAD_LETTERS, PREFIX
from tests.broker.witness import client
from tests.builders import event
from tests.cli.tool import Running, Tool

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

    from tests.conftest import Broker

EXCHANGE = "medtrack.events"
STUDENT = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def channel(connected: Tool, broker: "Broker") -> Iterator["BlockingChannel"]:
    """Give a channel to the broker; what the services leave there is removed at the end."""
    with client(broker.amqp_url) as opened:
        yield opened
    assert connected.run("simulate", "reset", "--yes").code == 0


def services(tool: Tool, *more: str) -> Running:
    """Let services stand in, and wait for the last of them."""
    running = tool.start("simulate", "run", *more, "-o", "json")
    running.await_text('"listening"')
    return running


def about(event_type: str, **ids: str) -> dict[str, Any]:
    """Give a valid event with these values in its payload."""
    made = event(event_type)
    made["payload"] |= ids
    return made


def publish(channel: "BlockingChannel", made: dict[str, Any], message_id: str | None) -> None:
    """Publish an event as the guide does."""
    properties = pika.BasicProperties(delivery_mode=2, message_id=message_id)
    key = made["event_type"]
    channel.basic_publish(EXCHANGE, key, json.dumps(made).encode(), properties)


def told(running: Running) -> Counter[tuple[str, str]]:
    """Count what services have said: the reaction or the service, and the result."""
    lines = [json.loads(line) for line in running.out.splitlines()]
    return Counter((each["reaction"] or each["service"], each["result"]) for each in lines)


def kept(tool: Tool) -> Path:
    """Find the state's file."""
    (path,) = (tool.folder / "state/medtrack/simulated").glob("*.sqlite")
    return path


def test_every_reaction_of_the_guide_comes_once(
    connected: Tool, channel: "BlockingChannel"
) -> None:
    """Each happens for its event; a second one of the same id, or without any, is a repeat."""
    running = services(connected, "--idle-timeout", "1")
    types = list(dict.fromkeys(each.event_type for each in REACTIONS))
    for name in types:
        for _ in range(2):
            publish(channel, event(name), f"id of {name}")
    for _ in range(2):
        publish(channel, about("evaluation.created", evaluation_id=STUDENT), None)
    ran = running.end()
    done = Counter({(each.id, "done"): 1 for each in REACTIONS})
    done.update([("COMM.evaluation", "done"), ("CORE.score", "done")])
    repeated = {(service, "repeated"): n for service, n in COUNTS.items()}
    assert (ran.code, told(running)) == (0, done + Counter(repeated))
    assert stat.S_IMODE(kept(connected).stat().st_mode) == 0o600


COUNTS = {"COMM": 6, "AUTH": 1, "CORE": 3, "PROFILE": 1, "EVAL": 1}


def test_an_invalid_event_goes_home_when_it_is_mended(
    connected: Tool, channel: "BlockingChannel"
) -> None:
    """It is a dead letter with what is wrong, and its service reacts to the mended copy."""
    running = services(connected, "comm")
    wrong = event("student.created")
    wrong["payload"]["email"] = "nobody"
    publish(channel, wrong, "to be mended")
    running.await_text('"refused"', stream="out")
    method, properties, _ = channel.basic_get(DEAD_LETTERS)
    assert method
    assert properties
    assert properties.headers
    assert properties.headers["x-medtrack-findings"] == ["bad_format"]
    assert properties.headers["x-first-death-queue"] == f"{PREFIX}comm"
    channel.basic_nack(method.delivery_tag or 0)
    mend = ("--set", "payload.email=a@example.org", "--yes", "--spend-deliveries")
    assert connected.run("replay", "--from-queue", DEAD_LETTERS, *mend).code == 0
    running.await_text('"COMM.welcome"', stream="out")
    running.signal(SIGTERM)
    assert running.end().code == 143
    assert told(running) == {("COMM", "refused"): 1, ("COMM.welcome", "done"): 1}
    ran = connected.run("simulate", "list", "notifications", "-o", "json")
    assert [each["email"] for each in ran.records] == ["a@example.org"]


def test_a_crash_between_effect_and_acknowledgement_is_a_repeat(
    connected: Tool, channel: "BlockingChannel"
) -> None:
    """SIGKILL after ten events: they come again, nothing is done twice, none is lost."""
    crashing = connected.start("simulate", "run", "comm", "--crash-after", "10", "-o", "json")
    crashing.await_text('"listening"')
    for number in range(30):
        publish(channel, event("user.created"), f"{number}")
    assert crashing.end().code == -SIGKILL
    running = services(connected, "comm", "--idle-timeout", "1")
    assert running.end().code == 0
    first, second = told(crashing), told(running)
    assert first == {("COMM.log", "done"): 10}
    assert 1 <= second.pop(("COMM", "repeated")) <= 10  # a batch is acknowledged together
    assert second == {("COMM.log", "done"): 20}
    assert rows(connected, "log") == 30


@pytest.mark.long
@pytest.mark.timeout(300)
def test_many_kills_lose_nothing_and_do_nothing_by_half(
    connected: Tool, channel: "BlockingChannel", chance: Random
) -> None:
    """Killed at any moment, again and again, all services end with each effect once."""
    services(connected).process.kill()
    count = 400
    for number in range(count):
        id_ = f"{number:08}{STUDENT[8:]}"
        made = about("student.created", student_id=id_, user_id=id_)
        publish(channel, made, f"{number}")
    for _ in range(15):
        running = services(connected, "--fail-rate", "0.1")
        with pytest.raises(Exception, match=r"timed out|Timeout|still"):
            running.process.wait(chance.random() / 3)
        running.process.kill()
        running.process.wait(10)
        counts = {table: rows(connected, table) for table in ("notifications", "tracking")}
        assert rows(connected, "handled") == sum(counts.values()) + rows(connected, "accounts")
    assert services(connected, "--idle-timeout", "2").end(60).code == 0
    for table in ("notifications", "accounts", "tracking"):
        assert rows(connected, table) == count


def rows(tool: Tool, table: str) -> int:
    """Count a table's rows, past the tool."""
    connection = sqlite3.connect(kept(tool))
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()
