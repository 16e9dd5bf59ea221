"""Recording from a real broker, and replaying what was recorded."""

import json
import secrets
from datetime import UTC, datetime
from decimal import Decimal
from gzip import compress
from hashlib import sha256
from typing import Any

import pika

from medtrack_cli.files.samples import sample_folder
from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import Held, Witness, client
from tests.cli.tool import Tool
from tests.conftest import Broker


def sample(event_type: str) -> bytes:
    """Read a type's sample file."""
    return (sample_folder() / f"{event_type}.json").read_bytes()


def test_recordings_are_private_and_added_to(connected: Tool, broker: Broker) -> None:
    """A recording is created for its owner alone, and what it holds stays when it is added to."""
    path, before = connected.folder / "r.ndjson", b""
    for number in (b"1", b"2"):
        running = connected.listen("--count", "1", "--record", "r.ndjson")
        with client(broker.amqp_url) as channel:
            channel.basic_publish(EXCHANGE, "tests.record", number)
        assert running.end().code == 0
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes().startswith(before)
        before = path.read_bytes()
    kinds = [json.loads(line)["kind"] for line in before.splitlines()]
    assert kinds == ["recording", "event"] * 2


BODIES: dict[str, bytes] = {
    "binary": bytes(range(256)),
    "gzip": compress(b"x" * 1000, mtime=0),
    "latin": b"caf\xe9",
    "empty": b"",
    "bom": b"\xef\xbb\xbf{}",
    "lines": b'{"a":\r\n1}\n\n',
    "escapes": b'"\\ud800\x1b[31m"',
    "large": secrets.token_bytes(300_000),
    "event": sample("student.created"),
}
HEADERS: dict[str, Any] = {
    "text": "é",
    "bytes": b"\xff\x00",
    "yes": True,
    "small": 7,
    "negative": -7,
    "large": 2**62,
    "decimal": Decimal("12.50"),
    "time": datetime(2025, 1, 15, 10, tzinfo=UTC),
    "nothing": None,
    "list": [1, "a", [b"x"]],
    "table": {"deep": {"er": Decimal(1)}},
}


def published_by_hand(url: str) -> None:
    """Publish every body, with properties and headers of every type."""
    with client(url) as channel:
        for number, (key, body) in enumerate(BODIES.items()):
            properties = pika.BasicProperties(
                content_type="application/x-test",
                content_encoding="utf-8",
                delivery_mode=2 if number % 2 else 1,
                priority=number,
                correlation_id=f"c-{number}",
                message_id=f"m-{number}",
                timestamp=1736935200 + number,
                type=key,
                app_id="tests",
                headers=HEADERS,
            )
            channel.basic_publish(EXCHANGE, f"tests.{key}", body, properties)


def content(held: Held) -> tuple[object, ...]:
    """What must be the same after a replay; its own headers are taken off."""
    fields = {
        name: value
        for name, value in vars(held.properties).items()
        if name != "headers" and not name.startswith("_")
    }
    headers = {
        name: (type(value).__name__, value)
        for name, value in (held.properties.headers or {}).items()
        if not name.startswith("x-medtrack-")
    }
    return held.routing_key, sha256(held.body).hexdigest(), fields, headers


def test_a_replay_is_what_was_recorded(connected: Tool, broker: Broker, witness: Witness) -> None:
    """Recorded and replayed, any body has its SHA-256, its properties and its headers' types.

    A replay is marked, and isn't recorded again.
    """
    recording = connected.listen("--count", str(len(BODIES)), "--record", "r.ndjson")
    published_by_hand(broker.amqp_url)
    assert recording.end().code == 0
    before = [content(held) for held in witness.take()]
    assert len(before) == len(BODIES)
    again = connected.listen("--count", str(len(BODIES)), "--record", "again.ndjson")
    ran = connected.run("replay", "r.ndjson", "--speed", "max", "-o", "json")
    assert (ran.code, ran.summary["confirmed"]) == (0, len(BODIES)), ran.err
    replayed = witness.take()
    assert [content(held) for held in replayed] == before
    marks = [dict(held.properties.headers or {}) for held in replayed]
    assert [mark["x-medtrack-replay-seq"] for mark in marks] == list(range(1, len(BODIES) + 1))
    assert len({mark["x-medtrack-replay"] for mark in marks}) == 1
    assert again.end().code == 0
    lines = (connected.folder / "again.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["recording"]


def test_what_listen_prints_can_be_published(
    connected: Tool, broker: Broker, witness: Witness
) -> None:
    """A line of `listen -o json` is an input of publish: its exact body is the event."""
    listening = connected.listen("--count", "1")
    body = sample("student.created")
    with client(broker.amqp_url) as channel:
        channel.basic_publish(EXCHANGE, "student.created", body)
    name = connected.write("received.ndjson", listening.end().out)
    witness.take()
    assert connected.run("publish", "-f", name).code == 0
    assert [held.body for held in witness.take()] == [body]
