"""What the broker refuses, and what is refused before it could: said of the right event."""

import json
import secrets
from hashlib import sha256

import pytest
from pika.exceptions import NoFreeChannels

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import Witness, client
from tests.builders import numbered
from tests.cli.tool import Tool
from tests.faults.accounts import judged
from tests.faults.breaking import durable, held_by, setting
from tests.faults.memory import peak_memory

MIB = 1024 * 1024


def test_one_refusing_queue_among_several(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A nack says that another queue may have its copies, all with one id."""
    sent = list(numbered(3))
    name = away.write("events.ndjson", b"".join(sent))
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    with client(fragile_broker.amqp_url) as channel, Witness(channel) as open_queue:
        with Witness(channel, arguments=full) as full_queue:
            channel.basic_publish("", full_queue.queue, b"fills it")
            ran = away.run("publish", "-f", name, "-o", "json", "--retry-for", "2")
            assert [held.body for held in full_queue.take()] == [b"fills it"]
        held = open_queue.take()
    refused = [each for each in ran.of_kind("receipt") if each["outcome"] == "refused"]
    assert len(refused) == 3
    assert all("other queues may have it" in each["reason"] for each in refused)
    copies = {each.message_id for each in held}
    assert copies == {each["message_id"] for each in refused}
    assert judged(ran, held, sent, losses=1, refused_elsewhere=True)["duplicates"] >= 3
    assert ran.code == 1


@pytest.mark.parametrize(
    ("has_queue", "outcome", "code"), [(True, "confirmed", 0), (False, "unroutable", 1)]
)
def test_an_alternate_exchange_decides(
    away: Tool, fragile_broker: PrivateBroker, outcome: str, code: int, *, has_queue: bool
) -> None:
    """What only an alternate exchange takes is confirmed if it has a queue, else unroutable."""
    name = away.write("events.ndjson", b"".join(numbered(3)))
    with client(fragile_broker.amqp_url) as channel:
        channel.exchange_declare("tests.other", "fanout")
        other = {"alternate-exchange": "tests.other"}
        channel.exchange_declare("tests.first", "topic", arguments=other)
        queue = channel.queue_declare("", exclusive=True).method.queue
        if has_queue:
            channel.queue_bind(queue, "tests.other")
        ran = away.run("publish", "-f", name, "-o", "json", "--exchange", "tests.first")
        waiting = channel.queue_declare(queue, passive=True).method.message_count
        for each in ("tests.first", "tests.other"):
            channel.exchange_delete(each)
    assert (ran.code, ran.summary[outcome]) == (code, 3), ran.err
    assert waiting == (3 if has_queue else 0)


def test_an_exchange_of_another_type_is_left_as_it_is(
    away: Tool, fragile_broker: PrivateBroker
) -> None:
    """Publishing declares nothing: an exchange that is a fanout works, and stays one."""
    name = away.write("events.ndjson", b"".join(numbered(3)))
    exchange = f"tests.{secrets.token_hex(4)}"
    with client(fragile_broker.amqp_url) as channel:
        channel.exchange_declare(exchange, "fanout")
        with Witness(channel, "", exchange) as held:
            ran = away.run("publish", "-f", name, "-o", "json", "--exchange", exchange)
            assert len(held.take()) == 3
        channel.exchange_declare(exchange, "fanout")  # 406 if it were another now
        channel.exchange_delete(exchange)
    assert (ran.code, ran.summary["confirmed"]) == (0, 3)


@pytest.mark.long
def test_a_limit_of_connections_is_waited_out(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A vhost that allows no connection is 69 at once; --retry-for tries until it does."""
    name = away.write("events.ndjson", b"".join(numbered(3)))
    with durable(fragile_broker, "tests.limit"):
        private.rabbitmqctl(fragile_broker, "set_vhost_limits", '{"max-connections": 0}')
        try:
            once = away.run("publish", "-f", name, "-o", "json")
            running = away.start("publish", "-f", name, "-o", "json", "--retry-for", "40")
            running.await_text("connecting to")
        finally:
            private.rabbitmqctl(fragile_broker, "clear_vhost_limits")
        ran = running.end(50)
    assert (once.code, "connection limit reached" in once.err) == (69, True), once.err
    assert (ran.code, ran.summary["confirmed"]) == (0, 3), ran.err
    assert ran.err.count("connecting to") > 1, "the limit was never met"


def test_one_channel_is_enough(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A broker that allows a connection one channel is enough to publish, and to take."""
    name = away.write("events.ndjson", b"".join(numbered(3)))
    with durable(fragile_broker, "tests.channel"), setting(fragile_broker, "channel_max", 1):
        with client(fragile_broker.amqp_url) as channel, pytest.raises(NoFreeChannels):
            channel.connection.channel()  # the limit is real
        ran = away.run("publish", "-f", name, "-o", "json")
        taken = away.run("listen", "--queue", "tests.channel", "--yes", "--count", "3")
    assert (ran.code, ran.summary["confirmed"]) == (0, 3), ran.err
    assert (taken.code, taken.out.count("\n")) == (0, 3), taken.err


def padded(size: int) -> bytes:
    """Make an event of so many bytes: spaces within its text belong to it."""
    (line,) = numbered(1)
    return line.strip()[:-1] + b" " * (size - len(line.strip())) + b"}"


@pytest.mark.parametrize("size", [16 * MIB - 1, 16 * MIB])
def test_the_largest_bodies_are_exact(away: Tool, fragile_broker: PrivateBroker, size: int) -> None:
    """A body of 16 MiB goes through whole, in less than 200 MiB of memory."""
    body = padded(size)
    assert len(body) == size
    name = away.write("event.json", body)
    with durable(fragile_broker, "tests.large"):
        running = away.start("publish", "-f", name, "-o", "json")
        peak = peak_memory(running)
        ran = running.end(30)
        (held,) = held_by(fragile_broker, "tests.large")
    assert (ran.code, ran.summary["confirmed"]) == (0, 1), ran.err
    assert sha256(held.body).digest() == sha256(body).digest()
    assert 20 < peak < 200


def test_what_amqp_cannot_carry_never_leaves(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A key of 256 bytes and a body over 16 MiB never leave; what stands around them does."""
    first, last = numbered(2)
    long_key = json.dumps({"event_type": "k" * 256, "payload": {}}).encode() + b"\n"
    name = away.write("events.ndjson", first + long_key + last)
    too_large = away.write("large.json", padded(16 * MIB + 1))
    with durable(fragile_broker, "tests.limits"):
        ran = away.run("publish", "-f", name, "-o", "json", "--no-validate", "--keep-going")
        large = away.run("publish", "-f", too_large, "-o", "json")
        held = held_by(fragile_broker, "tests.limits")
    assert [
        each["outcome"] for each in sorted(ran.of_kind("receipt"), key=lambda r: r["index"])
    ] == [
        "confirmed",
        "refused",
        "confirmed",
    ]
    assert (ran.code, large.code, large.summary["invalid"]) == (1, 1, 1)
    assert [each.body for each in held] == [first.strip(), last.strip()]


def test_odd_headers_go_or_are_refused_before(away: Tool, fragile_broker: PrivateBroker) -> None:
    """300 headers arrive; a name of 256 bytes, and more than a frame holds, never leave."""
    (line,) = numbered(1)
    name = away.write("event.ndjson", line)
    many = [f"--header=h{number}={'v' * 20}" for number in range(300)]
    huge = [f"--header=h{number}={'v' * 70_000}" for number in range(2)]
    with durable(fragile_broker, "tests.headers"):
        codes = [
            away.run("publish", "-f", name, "-o", "json", *headers).code
            for headers in (many, huge, [f"--header={'n' * 256}=v"])
        ]
        (held,) = held_by(fragile_broker, "tests.headers")
    assert codes == [0, 1, 1]
    assert len(held.properties.headers or {}) == 300


BAD = {
    "duplicate key": b'{"event_type":"student.deleted","event_type":"student.deleted"}',
    "NaN": b'{"event_type":"evaluation.created","payload":{"score":NaN}}',
    "too large a number": b'{"event_type":"evaluation.created","payload":{"score":1e999}}',
    "5,000 digits": b'{"event_type":"evaluation.created","payload":{"score":' + b"9" * 5000 + b"}}",
    "100,000 deep": b"[" * 100_000,
    "trailing garbage": b'{"event_type":"student.deleted"} x',
    "no UTF-8": b'{"event_type":"\xff"}',
    "a string": b'"student.deleted"',
}


def test_bad_lines_among_good_ones(away: Tool, fragile_broker: PrivateBroker) -> None:
    """With BOM, CRLF and no last newline, good ones arrive exact; each bad one has a place."""
    good = list(numbered(len(BAD) + 1))
    lines = [line for pair in zip(good, BAD.values(), strict=False) for line in pair] + [good[-1]]
    text = b"\xef\xbb\xbf" + b"\r\n".join(line.strip() for line in lines)
    with durable(fragile_broker, "tests.bad"):
        running = away.start("publish", "-f", "-", "-o", "json", "--keep-going", piped=True)
        running.stdin.write(text)
        ran = running.end()
        held = held_by(fragile_broker, "tests.bad")
    numbers = judged(ran, held, lines)
    assert (ran.code, numbers["invalid"]) == (1, len(BAD))
    assert [each.body for each in held] == bodies(good)
    invalid = [each for each in ran.of_kind("receipt") if each["outcome"] == "invalid"]
    assert [each["line"] for each in invalid] == list(range(2, 2 * len(BAD) + 1, 2))
    assert {each["line"] for each in ran.of_kind("finding")} == {each["line"] for each in invalid}


@pytest.mark.long
def test_an_endless_line_costs_no_memory(away: Tool, fragile_broker: PrivateBroker) -> None:
    """A line of 100 MB is invalid, in less than 200 MiB; the events around it are confirmed."""
    first, last = numbered(2)
    name = away.write("events.ndjson", first + b'{"a":"' + b"x" * 100_000_000 + b'"}\n' + last)
    with durable(fragile_broker, "tests.endless"):
        running = away.start("publish", "-f", name, "-o", "json", "--keep-going")
        peak = peak_memory(running)
        ran = running.end(60)
        held = held_by(fragile_broker, "tests.endless")
    assert (ran.code, ran.summary["confirmed"], ran.summary["invalid"]) == (1, 2, 1)
    assert [each.body for each in held] == [first.strip(), last.strip()]
    assert peak < 200


def bodies(lines: list[bytes]) -> list[bytes]:
    """Give the lines' text without their ends."""
    return [line.strip() for line in lines]
