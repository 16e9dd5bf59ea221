"""Recording while something goes wrong: nothing that was acknowledged is missing."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import pytest
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.broker.amqp import header_values
from medtrack_cli.core.delivery import Delivery, Nested
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client, drain
from tests.cli.tool import Running, Tool
from tests.recording.any_messages import any_messages, passed_on, same_types
from tests.recording.recorded import ids, items

TAP = "tests.recorded"
NAMES = {
    *("content_type", "content_encoding", "headers", "delivery_mode", "priority"),
    *("correlation_id", "reply_to", "expiration", "message_id", "timestamp", "type"),
    *("user_id", "app_id", "cluster_id"),
}
STRIPPED = {"user_id", "reply_to", "expiration"}


@pytest.fixture
def tapped(fragile_broker: PrivateBroker) -> Iterator[BlockingChannel]:
    """Give a channel to the broker, and delete the durable tap afterwards."""
    with client(fragile_broker.amqp_url) as channel:
        yield channel
        channel.queue_delete(TAP)


def say(channel: BlockingChannel, numbers: range, body: bytes) -> None:
    """Publish messages that their ids tell apart."""
    for number in numbers:
        properties = BasicProperties(message_id=f"id-{number}", delivery_mode=2)
        channel.basic_publish(EXCHANGE, "tests.recorded", body, properties)


def recorder(tool: Tool, *more: str) -> Running:
    """Record from the durable tap."""
    return tool.listen("--durable", TAP, "--record", "r.ndjson", *more)


def waiting(channel: BlockingChannel) -> int:
    """Count what waits in the tap."""
    count: int = channel.queue_declare(TAP, passive=True).method.message_count
    return count


@contextmanager
def little_room(folder: Path) -> Iterator[None]:
    """Let files in a folder hold no more than 1 MiB: all of them for root, else each by itself."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("name", ["r.ndjson", "r.ndjson.gz"])
def test_a_full_disk_loses_nothing(
    away: Tool, tapped: BlockingChannel, name: str, chance: Random
) -> None:
    """When the disk is full recording ends with 74; the file and the queue hold all, and once."""
    count = 1500
    disk = away.folder / "disk"
    disk.mkdir()
    with little_room(disk), Path(os.devnull).open("wb") as nowhere:
        running = away.listen(*("--durable", TAP, "--record", f"disk/{name}"), to=nowhere.fileno())
        for number in range(count):
            say(tapped, range(number, number + 1), chance.randbytes(1000))
        ran = running.end()
        written = ids(disk / name)
    assert ran.code == 74, ran.err
    error = json.loads(ran.err.splitlines()[-1])
    assert f"disk/{name}" in error["message"]
    assert "bytes are free" in error["hint"]
    assert 100 < len(written) < count
    left = [each.message_id for each in drain(tapped, TAP)]
    assert Counter([*written, *left]) == Counter(f"id-{number}" for number in range(count))


def kills(
    tool: Tool, channel: BlockingChannel, broker: PrivateBroker, chance: Random, times: int
) -> tuple[int, int]:
    """Kill recorders at random moments under load; how many events were published, lines torn."""
    recorder(tool).process.kill()  # the tap is there from now on
    published = 0
    stop = Event()

    def publish() -> None:
        nonlocal published
        with client(broker.amqp_url) as own:
            while not stop.is_set():
                say(own, range(published, published + 100), chance.randbytes(1500))
                published += 100
                own.connection.process_data_events(0.02)
                while waiting(own) > 5_000 and not stop.is_set():  # the tap is bounded
                    time.sleep(0.02)

    load = Thread(target=publish)
    load.start()
    torn = 0
    try:
        for _ in range(times):
            running = recorder(tool)
            time.sleep(chance.uniform(0, 0.5))
            running.process.send_signal(signal.SIGKILL)
            assert running.process.wait(10) == -signal.SIGKILL
            torn += running.err.count("torn")
    finally:
        stop.set()
        load.join()
    last = recorder(tool)
    until = time.monotonic() + 60
    while waiting(channel):
        assert time.monotonic() < until
        time.sleep(0.2)
    time.sleep(1)
    last.signal(signal.SIGTERM)
    ran = last.end()
    assert ran.code == 143
    return published, torn + ran.err.count("torn")


def check_kills(
    tool: Tool, channel: BlockingChannel, broker: PrivateBroker, chance: Random, times: int
) -> None:
    """All that was published is in the recording, which is whole."""
    published, torn = kills(tool, channel, broker, chance, times)
    found = ids(tool.folder / "r.ndjson")
    assert published > 100 * times
    assert {f"id-{number}" for number in range(published)} == set(found)
    assert torn <= times + 1
    sys.stdout.write(f"{times} kills: {published:,} published, {len(found) - published:,} twice\n")


def test_killed_recorders_lose_nothing(
    away: Tool, tapped: BlockingChannel, fragile_broker: PrivateBroker, chance: Random
) -> None:
    """Killed at five moments, recorders of a durable tap have recorded everything in the end."""
    check_kills(away, tapped, fragile_broker, chance, 5)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_fifty_killed_recorders_lose_nothing(
    away: Tool, tapped: BlockingChannel, fragile_broker: PrivateBroker, chance: Random
) -> None:
    """Killed at fifty moments, recorders of a durable tap have recorded everything in the end."""
    check_kills(away, tapped, fragile_broker, chance, 50)


def content(delivery: Delivery, *, sent_again: bool) -> Any:
    """What must be the same after a replay; what it strips and adds is taken off."""
    properties = {
        name: value
        for name, value in delivery.properties.items()
        if not (sent_again and name in STRIPPED)
    }
    headers = {
        name: same_types(value)
        for name, value in delivery.headers.items()
        if not name.startswith("x-medtrack-")
    }
    return delivery.routing_key, delivery.body, properties, headers


def _without_id(delivery: Delivery) -> Delivery:
    """Take off the message id: replay gives one to what has none."""
    kept = {name: value for name, value in delivery.properties.items() if name != "message_id"}
    return replace(delivery, properties=kept)


def deliveries(path: Path) -> list[Delivery]:
    """Read a recording."""
    return [each.recorded for each in items(path) if isinstance(each.recorded, Delivery)]


def test_any_message_comes_back_as_it_was(
    away: Tool, fragile_broker: PrivateBroker, chance: Random
) -> None:
    """A thousand messages of all AMQP types are recorded, replayed and recorded the same.

    Body, properties, types of headers and their order; what the first recording holds is what
    was published.
    """
    header_values.install()  # pika itself can't write all types
    sent, version = any_messages(1000, chance.randrange(2**32)), fragile_broker.version
    count = str(len(sent))
    first = away.listen("--count", count, "--record", "first.ndjson", "tests.#")
    with client(fragile_broker.amqp_url) as channel:
        for each in sent:
            properties = BasicProperties(**each.properties, headers=each.headers or None)
            channel.basic_publish(EXCHANGE, each.routing_key, each.body, properties)
    assert first.end(60).code == 0
    recorded = deliveries(away.folder / "first.ndjson")
    as_sent = [
        (each.routing_key, each.body, each.properties, same_types(passed_on(each.headers, version)))
        for each in sent
    ]
    assert [content(each, sent_again=False) for each in recorded] == as_sent
    assert {name for each in recorded for name in each.properties} | {"headers"} == NAMES

    second = away.listen("--count", count, "--record", "second.ndjson.gz", "--include-replays")
    replayed = away.run("replay", "first.ndjson", "--speed", "max", "-o", "json")
    assert replayed.summary["confirmed"] == len(sent), replayed.err
    assert second.end(60).code == 0
    again = deliveries(away.folder / "second.ndjson.gz")
    with_ids = [each.message_id for each in recorded]
    assert [each.message_id for each in again if each.message_id in set(with_ids)] == [
        each for each in with_ids if each is not None
    ]
    assert [content(_without_id(each), sent_again=True) for each in again] == [
        content(_without_id(each), sent_again=True) for each in recorded
    ]


def test_a_header_thousands_deep_harms_nobody(
    away: Tool, tapped: BlockingChannel, chance: Random
) -> None:
    """Arrays that stand in each other thousands deep are recorded and replayed, bytes and all."""
    header_values.install()
    field = b"V"
    for _ in range(chance.randrange(1000, 20_000)):
        field = b"A" + len(field).to_bytes(4) + field
    running = recorder(away, "--count", "2")
    deep = BasicProperties(message_id="id-1", headers={"h": Nested(field)})
    tapped.basic_publish(EXCHANGE, "tests.recorded", b"", deep)
    say(tapped, range(2, 3), b"")
    ran = running.end()
    assert (ran.code, '"interrupted"' in ran.err) == (0, False)
    first, _ = deliveries(away.folder / "r.ndjson")
    assert away.run("replay", "r.ndjson", "--speed", "max").code == 0
    (replayed, _) = drain(tapped, TAP)
    for headers in (first.headers, replayed.properties.headers or {}):
        pieces: list[bytes] = []
        header_values.encode_value(pieces, headers["h"])
        assert b"".join(pieces) == field
