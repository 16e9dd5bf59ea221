"""Streams read by `listen` and `stats`: exactly, in order, in little memory, once."""

import io
import json
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from medtrack_cli import private_broker as private
from medtrack_cli.broker.amqp.consumer import AmqpConsumer
from medtrack_cli.broker.amqp.stream_edges import read_edges
from medtrack_cli.broker.amqp.subscription import HOLD_SECONDS, PREFETCH, WATCH_SECONDS
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.listening.sources import Source, Stream
from medtrack_cli.core.ports import Stop
from medtrack_cli.dispatch import run as run_in
from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.world import World
from tests.broker.witness import Witness, client, settings_of
from tests.cli.tool import Ran, Tool
from tests.faults.memory import peak_memory
from tests.running import run_json

NAME = "tests.stream"
START = datetime(2025, 1, 15, 10, tzinfo=UTC)


@pytest.fixture
def stream(fragile_broker: PrivateBroker) -> Iterator[BlockingChannel]:
    """Give a channel on a broker with an empty stream."""
    with suppress(AMQPError), client(fragile_broker.amqp_url) as channel:
        channel.queue_delete(NAME)
        channel.queue_declare(NAME, durable=True, arguments={"x-queue-type": "stream"})
        yield channel
    with client(fragile_broker.amqp_url) as channel:  # a test may have closed the other one
        channel.queue_delete(NAME)


def fill(channel: BlockingChannel, count: int, before: int = 0, padding: int = 0) -> None:
    """Publish so many events, one a second of their own time, each with its number as id."""
    for number in range(before, before + count):
        event = {
            "event_type": NAME,
            "payload": {"x": "x" * padding},
            "service": "s",
            "timestamp": (START + timedelta(seconds=number)).isoformat(),
        }
        named = pika.BasicProperties(message_id=str(number))
        channel.basic_publish("", NAME, json.dumps(event).encode(), named)
    channel.queue_declare(NAME, passive=True)


def read(broker: PrivateBroker, folder: Path, *arguments: str) -> Ran:
    """Run a command that reads the stream."""
    environ = {"MEDTRACK_URL": broker.amqp_url}
    return run_json(*arguments, "--from-stream", NAME, folder=folder, environ=environ)


def numbers(ran: Ran) -> list[int]:
    """List the numbers of the events that were printed, in their order."""
    return [int(each["properties"]["message_id"]) for each in ran.of_kind("event")]


def test_a_stream_is_read_by_offset_and_by_time(
    fragile_broker: PrivateBroker, stream: BlockingChannel, tmp_path: Path
) -> None:
    """An empty one ends at once; a window is exact, whatever the order of times; offsets are, too.

    An offset beyond the end is 2; what has no time of its own is in no window, and counted.
    """
    for verb in (("listen", "--until", "-0s"), ("stats",)):
        ran = read(fragile_broker, tmp_path, *verb)
        assert ran.code == 0, ran.err
    assert (ran.summary["events"], ran.summary["left_out"]) == (0, 0)
    ran = read(fragile_broker, tmp_path, "replay", "--offset", "5")
    assert (ran.code, "the stream is empty: offset 5" in ran.err) == (2, True), ran.err
    fill(stream, 20, before=10)  # many a chunk
    fill(stream, 10)  # published late
    stream.basic_publish("", NAME, b"no event")
    stream.queue_declare(NAME, passive=True)
    window = ("--since", "2025-01-15T10:00:05Z", "--until", "2025-01-15T10:00:12Z")
    ran = read(fragile_broker, tmp_path, "listen", *window)
    assert (ran.code, numbers(ran)) == (0, [10, 11, 5, 6, 7, 8, 9]), ran.err
    summed = [json.loads(line) for line in ran.err.splitlines() if '"listened"' in line]
    assert [(each["ended"], each["unevaluable"]) for each in summed] == [("end", 1)]
    ran = read(fragile_broker, tmp_path, "stats", *window)
    assert (ran.summary["events"], ran.summary["left_out"]) == (7, 24)
    assert (ran.summary["first"], ran.summary["last"]) == (
        "2025-01-15T10:00:05.000000Z",
        "2025-01-15T10:00:11.000000Z",
    )
    assert "1 event of tests.stream without a time of their own" in ran.err
    for offset, expected in (("28", [8, 9]), ("last", [])):
        ran = read(fragile_broker, tmp_path, "listen", "--offset", offset, "--until", "-0s")
        assert numbers(ran) == expected, ran.err
    ran = read(fragile_broker, tmp_path, "listen", "other.#", "--until", "-0s")
    assert (ran.code, numbers(ran)) == (0, [])
    ran = read(fragile_broker, tmp_path, "listen", "--offset", "31", "--until", "-0s")
    assert (ran.code, "ends at offset 30" in ran.err) == (2, True), ran.err
    ran = read(fragile_broker, tmp_path, "listen", "--since", "-1s", "--offset", "next")
    assert (ran.code, "exclude each other" in ran.err) == (2, True), ran.err


def test_the_end_is_found_while_more_is_published(
    fragile_broker: PrivateBroker, stream: BlockingChannel
) -> None:
    """However fast that is: it isn't before what was there at the start, and it is found soon."""
    fill(stream, 1)
    settings, is_over = settings_of(fragile_broker.amqp_url), threading.Event()

    def publish() -> None:
        with client(fragile_broker.amqp_url) as channel:
            while not is_over.is_set():
                channel.basic_publish("", NAME, b"{}")

    with ThreadPoolExecutor() as pool:
        publishers = [pool.submit(publish) for _ in range(2)]
        try:
            time.sleep(0.5)
            counted = stream.queue_declare(NAME, passive=True).method.message_count
            began = time.monotonic()
            last = read_edges(settings, NAME, print, Stop()).last
            seconds = time.monotonic() - began
        finally:
            is_over.set()
    assert not any(each.exception() for each in publishers)
    assert last
    assert (last.offset >= counted, seconds < 5) == (True, True), (last.offset, counted, seconds)


def test_what_comes_is_read_behind_what_is_there(
    fragile_broker: PrivateBroker, stream: BlockingChannel, tmp_path: Path
) -> None:
    """Without --until reading goes on; --offset next begins with what comes; --count ends it."""
    fill(stream, 3)
    with Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as tool:
        line = ("listen", "--from-stream", NAME, "-o", "json")
        received = [
            tool.start(*line, *more)
            for more in (("--count", "5"), ("--offset", "next", "--count", "2"))
        ]
        for each in received:
            each.await_text('"listening"')
        fill(stream, 2, before=3)
        ran, later = (each.end() for each in received)
    assert (ran.code, numbers(ran)) == (0, [0, 1, 2, 3, 4]), ran.err
    assert (later.code, numbers(later)) == (0, [3, 4]), later.err


def opened(broker: PrivateBroker, folder: Path) -> list[int | str]:
    """Replay a stream; list the offsets at which it is read."""
    offsets: list[int | str] = []

    def count(settings: ConnectionSettings, source: Source, *others: Any) -> AmqpConsumer:
        assert isinstance(source, Stream)
        offsets.append(source.offset)
        return AmqpConsumer(settings, source, *others)

    environ = {"MEDTRACK_URL": broker.amqp_url, "HOME": str(folder)}
    world = World(
        stdout=io.StringIO(), stderr=io.StringIO(), environ=environ, cwd=folder, open_consumer=count
    )
    assert run_in(world, ["replay", "--from-stream", NAME, "--speed", "max"]) == 0
    return offsets


def test_a_stream_is_replayed(
    fragile_broker: PrivateBroker, stream: BlockingChannel, tmp_path: Path
) -> None:
    """What is there is sent, by offset or by the events' times, with their times and no offset.

    What fits into memory is read once. Options of a stream go with one; a part that isn't there is
    an error.
    """
    fill(stream, 10)
    with Witness(stream, NAME) as witness:

        def replayed(*options: str) -> tuple[int, list[int]]:
            ran = read(fragile_broker, tmp_path, "replay", "--speed", "max", *options)
            held = witness.take()
            for each in held:
                headers = each.properties.headers or {}
                assert "x-stream-offset" not in headers
                expected = START + timedelta(seconds=int(each.message_id))
                assert datetime.fromisoformat(str(headers["x-medtrack-original-time"])) == expected
            return ran.code, [int(each.message_id) for each in held]

        assert replayed() == (0, list(range(10)))
        assert opened(fragile_broker, tmp_path) == [0]
        assert len(witness.take()) == 10
        assert replayed("--offset", "2:4") == (0, [2, 3, 4])
        assert replayed("--offset", "7:") == (0, [7, 8, 9])
        assert replayed("--offset", "last") == (0, [9])
        assert replayed("--offset", "next") == (0, [])
        since = ("--since", "2025-01-15T10:00:05Z", "--until", "2025-01-15T10:00:07Z")
        assert replayed(*since) == (0, [5, 6])
        assert replayed("--dry-run") == (0, [])
        for nowhere in ("10", "5:10", "5:4"):
            assert replayed("--offset", nowhere) == (2, [])
        assert replayed("--offset", "first:3")[0] == 2
        assert replayed("--from-queue", "q")[0] == 2
    ran = run_json("replay", "r.ndjson", "--offset", "1", folder=tmp_path)
    assert (ran.code, "--offset goes with --from-stream" in ran.err) == (2, True)


@pytest.mark.long
def test_a_replay_of_a_stream_goes_on_after_kill_9(
    fragile_broker: PrivateBroker, stream: BlockingChannel, tmp_path: Path
) -> None:
    """By the offset in its journal, to the end as it was: none lost, a window twice at most."""
    fill(stream, 20_000)
    with (
        Witness(stream, NAME) as witness,
        Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as tool,
    ):
        line = ("replay", "--from-stream", NAME, "--speed", "max", "-o", "json")
        running = tool.start(*line, "--name", "killed")
        running.await_text('"message_id":"9000"', 60, stream="out")
        running.process.kill()
        running.process.wait()
        fill(stream, 10, before=20_000)
        ran = tool.run("replay", "--resume", "killed", "-o", "json", seconds=100)
        assert ran.code == 0, ran.err
        assert ran.summary["done_before"] >= 8_000
        sent = [int(each.message_id) for each in witness.take()]
    assert set(sent) == set(range(20_000))
    assert len(sent) <= 20_000 + 1_500


class Rolling:
    """A stream that keeps ten segments of a megabyte, a thousand events each."""

    def __init__(self, broker: PrivateBroker, channel: BlockingChannel) -> None:
        self.broker, self.channel, self.published = broker, channel, 0
        channel.queue_delete(NAME)
        bounds = {"x-max-length-bytes": 10**7, "x-stream-max-segment-size-bytes": 10**6}
        channel.queue_declare(NAME, durable=True, arguments={"x-queue-type": "stream", **bounds})

    def publish(self, count: int) -> None:
        """Publish so many thousand events, each thousand in chunks of its own."""
        for _ in range(count):
            fill(self.channel, 1_000, self.published, padding=900)
            self.published += 1_000
            time.sleep(0.1)

    @property
    def first(self) -> int:
        """The first offset that is left."""
        settings = settings_of(self.broker.amqp_url)
        first = read_edges(settings, NAME, print, Stop()).first
        assert first
        return first.offset


@pytest.fixture
def rolling(fragile_broker: PrivateBroker, stream: BlockingChannel) -> Rolling:
    """Give a stream that keeps little."""
    return Rolling(fragile_broker, stream)


def errors(ran: Ran) -> list[tuple[str, str]]:
    """List the errors on stderr: their codes and hints."""
    told = map(json.loads, ran.err.splitlines())
    return [(each["code"], each["hint"]) for each in told if each["kind"] == "error"]


def read_late(broker: PrivateBroker, folder: Path, *line: str) -> Ran:
    """Run a command that reads the stream `late`."""
    out, err = io.StringIO(), io.StringIO()
    environ = {"MEDTRACK_URL": broker.amqp_url, "HOME": str(folder)}
    world = World(stdout=out, stderr=err, environ=environ, cwd=folder, open_consumer=late)
    code = run_in(world, [*line, "--from-stream", NAME, "-o", "json"])
    return Ran(code, out.getvalue(), err.getvalue())


def late(settings: ConnectionSettings, source: Source, *others: Any) -> AmqpConsumer:
    """Open a consumer as when the bounds took events between the look at a stream and this."""
    assert isinstance(source, Stream)
    return AmqpConsumer(settings, replace(source, offset=7), *others)


@pytest.mark.long
def test_what_retention_took_is_said(
    fragile_broker: PrivateBroker, rolling: Rolling, tmp_path: Path
) -> None:
    """An offset that is gone is 1 in every verb, with an error; --from-first takes what is left."""
    rolling.publish(20)
    first, last = rolling.first, rolling.published - 1
    assert 5_000 < first < last
    ran = read(fragile_broker, tmp_path, "listen", "--offset", "7", "--count", "1")
    assert (ran.code, f"{first - 7:,} offsets from 7 on are gone" in ran.err) == (1, True), ran.err
    assert errors(ran) == [("events_gone", "--offset first reads what is left")]
    ran = read(fragile_broker, tmp_path, "listen", "--offset", "first", "--count", "1")
    assert ran.of_kind("event")[0]["headers"]["x-stream-offset"] == first
    urls = {
        "MEDTRACK_URL": fragile_broker.amqp_url,
        "MEDTRACK_MANAGEMENT_URL": fragile_broker.web_address,
    }
    peeked = run_json("queue", "peek", NAME, "--offset", "7", folder=tmp_path, environ=urls)
    assert (peeked.code, errors(peeked)[0][0]) == (1, "events_gone"), peeked.err
    line = ("replay", "--speed", "max", "--offset")
    ran = read(fragile_broker, tmp_path, *line, f"7:{first + 9}")
    assert errors(ran) == [("events_gone", "--from-first sends what is left")]
    assert (ran.code, ran.out) == (1, "")
    with Witness(rolling.channel, NAME) as witness:
        ran = read(fragile_broker, tmp_path, *line, f"7:{first + 9}", "--from-first")
        held = witness.take()
    assert (ran.code, ran.summary["total"], ran.summary["gone"]) == (0, 10, first - 7), ran.err
    begins = int(held[0].message_id)  # RabbitMQ's own records have offsets, too
    assert [int(each.message_id) for each in held] == list(range(begins, begins + 10))
    assert first - 30 < begins <= first
    ran = read(fragile_broker, tmp_path, *line, "7:90", "--from-first")
    assert (ran.code, ran.summary["total"], ran.summary["gone"]) == (0, 0, 84), ran.err


@pytest.mark.long
def test_what_goes_before_it_is_read_is_said(
    fragile_broker: PrivateBroker, rolling: Rolling, tmp_path: Path
) -> None:
    """Between the look and the reading: stats counts what is left, replay sends it if it may."""
    rolling.publish(20)
    gone = rolling.first - 7
    ran = read_late(fragile_broker, tmp_path, "stats")
    assert (ran.code, ran.summary["exit_code"], ran.summary["events"] > 5_000) == (1, 1, True)
    assert f"{gone:,} offsets from 7 on went" in ran.err
    assert [each for each, _ in errors(ran)] == ["events_gone"]
    with Witness(rolling.channel, NAME) as witness:
        ran = read_late(fragile_broker, tmp_path, "replay", "--speed", "max")
        ((code, hint),) = errors(ran)
        assert (code, hint.endswith(" --from-first")) == ("events_gone", True), ran.err
        assert (ran.code, ran.out, witness.take()) == (1, "", [])
        ran = read_late(fragile_broker, tmp_path, "replay", "--speed", "max", "--from-first")
        assert (ran.code, ran.summary["gone"]) == (0, gone), ran.err
        assert len(witness.take()) == ran.summary["total"] > 5_000


@pytest.mark.long
def test_what_goes_while_it_is_read_is_said(
    fragile_broker: PrivateBroker, rolling: Rolling, tmp_path: Path
) -> None:
    """A reader that stands still while the bounds take what it was to read ends with 1."""
    rolling.publish(8)
    with Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as tool:
        line = ("listen", "--until", "-0s", "--from-stream", NAME, "-o", "json")
        running = tool.start(*line)
        running.await_text('"event"', stream="out")
        running.signal(signal.SIGSTOP)
        rolling.publish(20)
        running.signal(signal.SIGCONT)
        ran = running.end(60)
    assert ran.code == 1, ran.err
    assert {code for code, _ in errors(ran)} == {"events_gone"}
    assert "were dropped while the stream was read" in ran.err


@pytest.mark.long
def test_a_run_whose_part_is_gone_goes_on_with_what_is_left(
    fragile_broker: PrivateBroker, rolling: Rolling, tmp_path: Path
) -> None:
    """Killed and resumed, it is refused (1) without --from-first; with it all numbers add up."""
    rolling.publish(8)
    with (
        Witness(rolling.channel, NAME) as witness,
        Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as tool,
    ):
        line = ("replay", "--from-stream", NAME, "--speed", "500", "-o", "json")
        running = tool.start(*line, "--name", "killed")
        running.await_text('"message_id":"900"', 60, stream="out")
        running.process.kill()
        running.process.wait()
        while (first := rolling.first) < 2_000:
            rolling.publish(1)
        go_on = ("replay", "--resume", "killed", "-o", "json")
        refused = tool.run(*go_on, seconds=60)
        assert refused.code == 1, refused.err
        assert errors(refused) == [("events_gone", "--from-first sends what is left")]
        running = tool.start(*go_on, "--from-first")
        running.await_text(f'"message_id":"{first + 500}"', 60, stream="out")
        running.process.kill()
        running.process.wait()
        ran = tool.run("replay", "--resume", "killed", "-o", "json", seconds=60)
        sent = [int(each.message_id) for each in witness.take()]
    assert ran.code == 0, ran.err
    numbers = ran.summary
    assert numbers["done_before"] + numbers["total"] + numbers["gone"] == 8_000
    assert first - 1_600 < numbers["gone"] < first
    assert set(range(first, 8_000)) <= set(sent)
    assert len(sent) - len(set(sent)) <= 2 * 600


@pytest.mark.long
@pytest.mark.timeout(600)
def test_200_000_events_are_read_exactly_in_little_memory(
    fragile_broker: PrivateBroker, stream: BlockingChannel, tmp_path: Path
) -> None:
    """All, and a window, in order, each once, under 120 MB; a cut connection changes nothing."""
    fill(stream, 200_000)
    window = ("--since", "2025-01-16T00:00:00Z", "--until", "2025-01-17T00:00:00Z")
    with Tool(tmp_path, MEDTRACK_URL=fragile_broker.amqp_url) as tool:
        running = tool.start("stats", "--from-stream", NAME, *window, "-o", "json")
        assert peak_memory(running) < 120
        counted = running.end()
        assert (counted.code, counted.summary["events"]) == (0, 86_400), counted.err
        running = tool.start("listen", "--from-stream", NAME, "--until", "-0s", "-o", "json")
        running.await_text('"message_id":"2000"', 120, stream="out")
        private.rabbitmqctl(fragile_broker, "close_all_connections", "a test")
        assert peak_memory(running) < 120
        received = running.end()
    assert received.code == 0
    assert '"interrupted"' in received.err
    assert numbers(received) == list(range(200_000))


@pytest.mark.long
@pytest.mark.timeout(200)
def test_a_reader_that_stands_still_goes_on_where_it_was(
    fragile_broker: PrivateBroker, stream: BlockingChannel
) -> None:
    """What was held too long is read again, not nacked (540); nothing comes twice or is lost."""
    count = 5 * PREFETCH
    fill(stream, count)
    came: list[int] = []
    settings = settings_of(fragile_broker.amqp_url)
    with AmqpConsumer(settings, Stream(NAME), print, Stop()) as consumer:
        for batch in consumer.deliveries():
            if not isinstance(batch, list):
                assert not came, batch
                continue
            came += [each.offset for each in batch]
            if len(batch) and len(came) == len(batch):
                time.sleep(HOLD_SECONDS + 2 * WATCH_SECONDS)
            consumer.acknowledge([each.token for each in batch])
            if len(came) >= count:
                break
    assert came == list(range(count))
