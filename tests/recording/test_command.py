"""Recording, in parts too, and what reads the parts: on a real broker."""

import gzip
import json
import signal
from base64 import b64decode
from dataclasses import replace

import pytest
from pika import BasicProperties

from medtrack_cli.core.checked import examine
from medtrack_cli.core.record import to_line
from medtrack_cli.events.findings import Problem, Rule
from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import Witness, client
from tests.builders import delivery, encode, event, numbered_deliveries
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.recording.recorded import ids, record


def test_parts_are_replayed_in_their_order(
    connected: Tool, broker: Broker, witness: Witness
) -> None:
    """Recorded in parts, events are replayed from the folder in the order they came."""
    (connected.folder / "parts").mkdir()
    running = connected.listen("--count", "50", "--record", "parts/r.ndjson", "--rotate", "5KB")
    with client(broker.amqp_url) as channel:
        for number in range(50):
            properties = BasicProperties(message_id=f"id-{number}")
            channel.basic_publish(EXCHANGE, "tests.part", b"x" * 500, properties)
            if number % 20 == 0:  # in more than one batch
                running.await_text(f"id-{number}", stream="out")
    ran = running.end()
    assert ran.code == 0
    names = sorted(path.name for path in (connected.folder / "parts").iterdir())
    assert names == [f"r.{number:06}.ndjson" for number in range(1, len(names) + 1)]
    assert len(names) > 2
    assert (
        f"recorded 50 events to parts/r.000001.ndjson … parts/{names[-1]}"
        in json.loads(ran.err.splitlines()[-2])["message"]
    )
    witness.take()
    assert connected.run("replay", "parts", "--speed", "max").code == 0
    assert [held.message_id for held in witness.take()] == [f"id-{n}" for n in range(50)]


def test_a_compressed_event_is_sent_again_as_it_came(
    connected: Tool, broker: Broker, witness: Witness
) -> None:
    """Judged by what it holds in every verb, it keeps its bytes and its content_encoding."""
    body = gzip.compress(encode(event("user.created")))
    running = connected.listen("--count", "1", "--record", "r.ndjson")
    properties = BasicProperties(content_encoding="gzip", message_id="m-1", delivery_mode=2)
    with client(broker.amqp_url) as channel:
        channel.basic_publish(EXCHANGE, "user.created", body, properties)
    ran = running.end()
    assert (ran.code, ran.records[0]["valid"]) == (0, True)
    assert ran.records[0]["body"] == event("user.created")
    witness.take()
    assert connected.run("validate", "r.ndjson").code == 0
    assert connected.run("stats", "r.ndjson", "-o", "json").summary["invalid"] == 0
    planned = connected.run("publish", "-f", "r.ndjson", "--dry-run", "-o", "json")
    assert b64decode(planned.of_kind("message")[0]["body_base64"]) == body
    for verb in (("publish", "-f"), ("replay",)):
        assert connected.run(*verb, "r.ndjson").code == 0
        (held,) = witness.take()
        assert (held.body, held.properties.content_encoding) == (body, "gzip")
        assert (held.routing_key, held.properties.delivery_mode) == ("user.created", 2)
    changed = connected.run("publish", "-f", "r.ndjson", "--set", "payload.role=student")
    assert changed.code == 0, changed.err
    (held,) = witness.take()
    assert json.loads(held.body)["payload"]["role"] == "student"
    assert held.properties.content_encoding is None


def test_a_missing_part_is_said(tool: Tool) -> None:
    """Where parts before the last are missing, each is named; the others are read."""
    record(tool.folder / "r.ndjson.gz", numbered_deliveries(100), rotate="1KB")
    parts = sorted(tool.folder.glob("r.*"))
    assert len(parts) > 4
    for path in (parts[0], parts[2]):
        path.unlink()
    ran = tool.run("validate", ".")
    assert ran.code == 0
    warnings = [line for line in ran.err.splitlines() if line.startswith("warning")]
    assert warnings == [
        f"warning: a part of the recording is missing: ./r.{number}.ndjson.gz"
        for number in ("000001", "000003")
    ]
    alone = tool.run("replay", parts[1].name, "--dry-run")
    assert (alone.code, "missing" in alone.err) == (0, False)


def test_a_second_recorder_is_refused(connected: Tool) -> None:
    """A file that is being recorded to is 73 for a second recorder, and stays whole."""
    running = connected.listen("--record", "r.ndjson")
    ran = connected.run("listen", "--record", "r.ndjson", "--timeout", "1", "-o", "json")
    assert ran.code == 73
    assert "another run records to this file" in ran.err
    running.signal(signal.SIGTERM)
    assert running.end().code == 143
    (header,) = (connected.folder / "r.ndjson").read_text().splitlines()
    assert json.loads(header)["kind"] == "recording"


@pytest.mark.parametrize(
    "options", [["--rotate", "1h"], ["--include-replays"], ["--record", "r", "--rotate", "1x"]]
)
def test_options_that_make_no_sense(tool: Tool, options: list[str]) -> None:
    """Options of recording without --record, and an odd --rotate, are 2, and nothing is made."""
    ran = tool.run("listen", *options, "--url", "amqp://u:p@127.0.0.1:1")
    assert ran.code == 2
    assert options[-2 if len(options) > 1 else 0] in ran.err
    assert not list(tool.folder.glob("r*"))


def test_statistics_say_what_is_damaged(tool: Tool) -> None:
    """Statistics count what is whole, and end with 65 at the first record that isn't."""
    path = tool.folder / "r.ndjson"
    record(path, numbered_deliveries(3))
    path.write_bytes(path.read_bytes().replace(b"id-2", b"id-9"))
    assert ids(path) == ["id-1", None, "id-3"]
    ran = tool.run("stats", "r.ndjson", "-o", "json")
    assert ran.code == 65
    assert "r.ndjson:3" in ran.err
    assert ran.summary["events"] == 2


def test_an_unsendable_header_is_known_before_anything_is_sent(
    connected: Tool, witness: Witness
) -> None:
    """A header that AMQP can't carry, written by hand, is 65 with its line; nothing is sent."""
    line = {
        "kind": "event",
        "received_at": "2025-01-15T10:00:00Z",
        "exchange": "",
        "routing_key": "tests.odd",
        "body_text": "{}",
    }
    odd = {**line, "headers": {"h": 2**70}}
    connected.write("odd.ndjson", f"{json.dumps(line)}\n{json.dumps(odd)}\n")
    ran = connected.run("replay", "odd.ndjson", "--speed", "max")
    assert ran.code == 65
    assert "odd.ndjson:2" in ran.err
    assert witness.take() == []


def test_an_event_without_a_timestamp_is_not_waited_for(connected: Tool, witness: Witness) -> None:
    """At the recorded pace, an event without a timestamp goes right after the one before it."""
    first = event()
    second = {name: value for name, value in first.items() if name != "timestamp"}
    connected.write("plain.ndjson", encode(first) + b"\n" + encode(second))
    ran = connected.run("replay", "plain.ndjson", "-o", "json", seconds=20)
    assert (ran.code, ran.summary["confirmed"]) == (0, 2)
    headers = [held.properties.headers or {} for held in witness.take()]
    assert {each["x-medtrack-original-time"] for each in headers} == {"2025-01-15T10:00:00.000000Z"}


def test_a_recorder_and_a_replayer_on_one_exchange_do_not_feed_each_other(
    connected: Tool, witness: Witness
) -> None:
    """Replayed from the file that is being recorded, events come, and are not recorded again."""
    running = connected.listen("--record", "r.ndjson")
    assert connected.run("publish", "user.created", "--count", "3").code == 0
    replay = ("replay", "r.ndjson", "--speed", "max", "-o", "json")
    assert [connected.run(*replay).summary["total"] for _ in range(2)] == [3, 3]
    assert len(witness.take()) == 9
    running.await_text('"x-medtrack-replay-seq":3', stream="out")
    running.signal(signal.SIGTERM)
    assert "recorded 3 events to r.ndjson; left out 6 replayed" in running.end().err
    assert connected.run("stats", "r.ndjson", "-o", "json").summary["events"] == 3


def test_two_replays_of_one_name_at_once(connected: Tool, witness: Witness) -> None:
    """While a replay runs, another under its name is 73 and sends nothing; a killed one goes on."""
    record(connected.folder / "slow.ndjson", numbered_deliveries(2))  # a second apart
    replay = ("replay", "slow.ndjson", "--name", "morning", "--speed", "0.01")
    running = connected.start(*replay, "-o", "json")
    running.await_text("id-1", stream="out")
    ran = connected.run(*replay)
    assert ran.code == 73
    assert "another replay has this name now: morning" in ran.err
    running.process.kill()
    running.process.wait()
    assert "interrupted (killed)" in connected.run("replay", "--show", "morning").out
    assert connected.run("replay", "--resume", "morning").code == 0
    held = witness.take()
    assert [each.message_id for each in held] == ["id-1", "id-2"]
    assert {(each.properties.headers or {})["x-medtrack-replay"] for each in held} == {"morning"}


@pytest.mark.parametrize("name", ["", "../x", ".x", "a b", "x" * 65, "é"])
def test_odd_names_of_runs_are_refused(tool: Tool, name: str) -> None:
    """A run's name that is no plain file's name is 2."""
    record(tool.folder / "r.ndjson", numbered_deliveries(1))
    assert tool.run("replay", "r.ndjson", "--dry-run", "--name", name).code == 2


MISMATCH = "the routing key differs from event_type"


def test_a_recorded_key_is_judged_in_every_verb(
    connected: Tool, broker: Broker, witness: Witness
) -> None:
    """A key that isn't the event's type is a finding wherever the delivery is read from."""
    body = encode(event())
    running = connected.listen("--count", "2", "--record", "r.ndjson")
    with client(broker.amqp_url) as channel:
        for key in ("student.created", "student.updated"):
            channel.basic_publish(EXCHANGE, key, body, BasicProperties())
    listened = running.end()
    connected.write("printed.ndjson", listened.out.encode())
    witness.take()
    for name, line in (("r.ndjson", 3), ("printed.ndjson", 2)):
        for source, more in (((name,), b""), (("-",), (connected.folder / name).read_bytes())):
            ran = connected.run("validate", *source, "-o", "json", stdin=more)
            assert (ran.code, ran.summary["events"], ran.summary["invalid"]) == (1, 2, 1)
            (found,) = ran.of_kind("finding")
            assert (found["line"], found["rule"]) == (line, "routing_key_mismatch")
        assert connected.run("validate", name, "--as", "student.created").code == 1
        replayed = connected.run("replay", name, "--invalid", "fail", "-o", "json")
        published = connected.run("publish", "-f", name, "--keep-going", "-o", "json")
        assert (replayed.code, replayed.summary["invalid"]) == (1, 1)
        assert [each["outcome"] for each in published.of_kind("receipt")] == [
            "confirmed",
            "invalid",
        ]
        assert [(held.routing_key, held.body) for held in witness.take()] == [
            ("student.created", body)
        ]
        assert connected.run("stats", name, "-o", "json").summary["invalid"] == 1


def test_a_dead_letter_is_judged_under_its_first_key(connected: Tool, broker: Broker) -> None:
    """A dead letter's own key is that of its first death, in every verb; a wrong one is told."""
    body = encode(event())
    with client(broker.amqp_url) as channel:
        channel.queue_declare("dead", exclusive=False, auto_delete=False)
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        channel.queue_declare("work", arguments=arguments)
        try:
            for key in ("student.created", "student.updated"):
                channel.queue_bind("work", EXCHANGE, key)
                channel.basic_publish(EXCHANGE, key, body, BasicProperties())
            for _ in range(2):
                method, _, _ = channel.basic_get("work")
                assert method
                channel.basic_reject(method.delivery_tag or 0, requeue=False)
            listened = connected.run(
                *("listen", "--queue", "dead", "--yes", "--count", "2", "--record", "d.ndjson"),
                *("-o", "json"),
            )
        finally:
            channel.queue_delete("work")
            channel.queue_delete("dead")
    assert [each["valid"] for each in listened.of_kind("event")] == [True, False]
    for verb in ("validate", "stats"):
        assert connected.run(verb, "d.ndjson", "-o", "json").summary["invalid"] == 1
    finding = connected.run("validate", "d.ndjson", "-o", "json").of_kind("finding")[0]
    assert (finding["line"], finding["message"]) == (3, MISMATCH)


def test_an_older_verdict_on_a_dead_letter_is_given_anew(tool: Tool) -> None:
    """What was recorded when dead letters were judged by the dead-letter key counts as valid."""
    headers = {
        "x-death": [{"queue": "q", "reason": "rejected", "routing-keys": ["student.created"]}],
        "x-first-death-queue": "q",
        "x-first-death-reason": "rejected",
    }
    dead = delivery(encode(event()), routing_key="q.dead", headers=headers)
    problem = Problem(Rule.ROUTING_KEY_MISMATCH, (), MISMATCH)
    seen = replace(examine(dead), problems=(problem,), is_valid=False)
    line = to_line(seen)
    tool.write("old.ndjson", line.encode() + b"\n")
    for verb in ("validate", "stats"):
        assert tool.run(verb, "old.ndjson", "-o", "json").summary["invalid"] == 0
