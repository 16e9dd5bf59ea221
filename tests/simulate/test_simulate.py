"""The simulated services on a real broker: each event once, whatever is killed."""

import json
import sqlite3
import stat
import time
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
from medtrack_cli.events.check import check
from tests.broker.witness import Witness, client
from tests.builders import event
from tests.cli.tool import Running, Tool

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

    from tests.conftest import Broker

REPEATED = {"COMM": 6, "AUTH": 1, "CORE": 3, "PROFILE": 1, "EVAL": 1}
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
    """Each happens for its event; a second event of the same id, or an equal one, is a repeat."""
    running = services(connected, "--idle-timeout", "1")
    types = list(dict.fromkeys(each.event_type for each in REACTIONS))
    for name in types:
        for _ in range(2):
            publish(channel, event(name), f"id of {name}")
    for _ in range(2):
        publish(channel, event("evaluation.created"), None)
    ran = running.end()
    done = Counter({(each.id, "done"): 1 for each in REACTIONS})
    done.update([("COMM.evaluation", "done"), ("CORE.score", "done")])
    repeated = {(service, "repeated"): n for service, n in REPEATED.items()}
    assert (ran.code, told(running)) == (0, done + Counter(repeated))
    assert stat.S_IMODE(kept(connected).stat().st_mode) == 0o600


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
    headers = properties.headers or {}
    assert headers["x-medtrack-findings"] == ["bad_format"]
    assert headers["x-first-death-queue"] == f"{PREFIX}comm"
    channel.basic_nack(method.delivery_tag or 0)
    mend = ("--set", "payload.email=a@example.org", "--yes", "--spend-deliveries")
    assert connected.run("replay", "--from-queue", DEAD_LETTERS, *mend).code == 0
    running.await_text('"COMM.welcome"', stream="out")
    running.signal(SIGTERM)
    assert running.end().code == 143
    assert told(running) == {("COMM", "refused"): 1, ("COMM.welcome", "done"): 1}
    ran = connected.run("simulate", "list", "notifications", "-o", "json")
    assert [each["email"] for each in ran.records] == ["a@example.org"]
    ran = connected.run("simulate", "show", "student", STUDENT[:8])
    assert (ran.code, f"did you mean {STUDENT}?" in ran.err) == (1, True)


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
    assert second.pop(("COMM", "repeated")) in range(1, 11)  # what no earlier batch has settled
    assert second == {("COMM.log", "done"): 20}
    assert rows(connected, "log") == 30


@pytest.mark.long
@pytest.mark.timeout(300)
def test_many_kills_lose_nothing_and_do_nothing_by_half(
    connected: Tool, channel: "BlockingChannel", chance: Random
) -> None:
    """Killed at any moment, again and again, all services end with each effect once."""
    begun = services(connected)
    begun.process.kill()
    begun.process.wait(10)
    count = 400
    for number in range(count):
        made = event("student.created")
        made["payload"] |= dict.fromkeys(("student_id", "user_id"), f"{number:08}{STUDENT[8:]}")
        publish(channel, made, f"{number}")
    for _ in range(15):
        running = services(connected, "--fail-rate", "0.1")
        time.sleep(chance.random() / 3)
        running.process.kill()
        running.process.wait(10)
        counts = {table: rows(connected, table) for table in ("notifications", "tracking")}
        assert rows(connected, "handled") == sum(counts.values()) + rows(connected, "accounts")
    assert services(connected, "--idle-timeout", "2").end(60).code == 0
    for table in ("notifications", "accounts", "tracking"):
        assert rows(connected, table) == count


def test_what_always_fails_is_tried_again_without_haste(
    connected: Tool, channel: "BlockingChannel"
) -> None:
    """A service that never succeeds keeps no broker busy: about ten tries in a second."""
    running = services(connected, "comm", "--fail-rate", "1", "--timeout", "2")
    publish(channel, event("user.created"), "always")
    assert running.end().code == 0
    assert told(running)["COMM", "failed"] in range(3, 31)
    assert connected.run("simulate", "run", "comm", "--idle-timeout", "0.5").code == 0


def rows(tool: Tool, table: str) -> int:
    """Count a table's rows, past the tool."""
    connection = sqlite3.connect(kept(tool))
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_a_stage_ends_once(connected: Tool, channel: "BlockingChannel") -> None:
    """What no queue wants stays; what one wants is sent with the same id, and never again."""
    made = event("stage.created")
    stage = made["payload"]["stage_id"]
    running = services(connected, "eval", "--idle-timeout", "0.5")
    publish(channel, made, "of the stage")
    assert running.end().code == 0
    unreceived = connected.run("simulate", "complete", stage, "-o", "json")
    with Witness(channel, "stage.completed") as witness:
        sent = connected.run("simulate", "complete", stage, "-o", "json")
        again = services(connected, "eval", "--emit", "--stage-ends-after", "0", "--timeout", "2")
        last = connected.run("simulate", "complete", stage, "-o", "json")
        assert again.end().out == ""
        held = witness.take()
    runs = (unreceived, sent, last)
    assert [each.code for each in runs] == [1, 0, 0]
    (message_id,) = {each.summary["message_id"] for each in runs}
    assert [each.message_id for each in held] == [message_id]
    assert check(held[0].body).is_valid


def test_what_is_not_ours_stays(connected: Tool, channel: "BlockingChannel") -> None:
    """A queue of one of our names that was declared otherwise is left: 76; the others go."""
    name = f"{PREFIX}auth"
    assert services(connected, "comm", "--timeout", "0.1").end().code == 0
    channel.queue_declare(name, durable=True)
    channel.basic_publish("", name, b"theirs")
    try:
        ran = connected.run("simulate", "reset", "-o", "json")
        assert (ran.code, ran.summary["queues"]) == (76, [f"{PREFIX}comm", DEAD_LETTERS])
        assert channel.queue_declare(name, passive=True).method.message_count == 1
    finally:
        channel.queue_delete(name)


def test_one_run_at_a_time_has_a_service(connected: Tool, channel: "BlockingChannel") -> None:  # noqa: ARG001 -- it cleans up
    """A second one is refused, and a reset meanwhile; another service may stand in."""
    first = services(connected, "comm")
    assert connected.run("simulate", "run", "comm").code == 76
    assert connected.run("simulate", "reset").code == 76
    assert services(connected, "auth", "--timeout", "0.1").end().code == 0
    first.signal(SIGTERM)
    assert first.end().code == 143


def test_a_damaged_state_says_how_to_begin_anew(
    connected: Tool,
    channel: "BlockingChannel",  # noqa: ARG001 -- it cleans up
) -> None:
    """It is 65 with the next step, which works; what was never there is 66, an unknown id 1."""
    assert connected.run("simulate", "list", "log").code == 66
    assert services(connected, "comm", "--timeout", "0.1").end().code == 0
    assert connected.run("simulate", "show", "user", "nobody").code == 1
    kept(connected).write_bytes(b"no database at all" * 100)
    ran = connected.run("simulate", "list", "log")
    assert (ran.code, "`medtrack simulate reset`" in ran.err) == (65, True)
    assert connected.run("simulate", "reset").code == 0
    assert services(connected, "comm", "--timeout", "0.1").end().code == 0
