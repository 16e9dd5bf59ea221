"""A broker that sends or announces too much: an end in words at once, before it takes memory."""

import os
import struct
import time
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from pika import BasicProperties, frame, spec

from medtrack_cli.broker.amqp.bounded import MAX_BODY
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.builders import numbered
from tests.cli.tool import Tool
from tests.faults.fake_broker import Send, fake_broker
from tests.faults.memory import megabytes, peak_memory

PIECE = frame.Body(1, b"x" * 131_064).marshal()


def header(size: int) -> bytes:
    """Announce a body of so many bytes."""
    wired: bytes = frame.Header(1, size, BasicProperties()).marshal()
    return wired


def announced(kind: int, size: int) -> bytes:
    """Begin a frame of a type and a size."""
    return struct.pack(">BHI", kind, 1, size)


def endless(start: bytes, piece: bytes) -> Iterator[bytes]:
    """Begin, and send the same for a gigabyte."""
    yield start
    for _ in range(1024**3 // len(piece)):
        yield piece


def crowd(size: int) -> bytes:
    """Make properties of a header table of so many one-byte values."""
    table = b"\x01a" + b"A" + struct.pack(">I", size * 2) + b"b\x01" * size
    properties = struct.pack(">HI", BasicProperties.FLAG_HEADERS, len(table)) + table
    payload = struct.pack(">HHQ", 60, 0, 0) + properties
    return announced(spec.FRAME_HEADER, len(payload)) + payload + bytes([spec.FRAME_END])


EMPTY = frame.Body(1, b"").marshal() * 1000
ATTACKS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a body of 2^40 bytes": lambda: endless(header(2**40), PIECE),
    "a body of one byte too many": lambda: endless(header(MAX_BODY + 1), PIECE),
    "a frame of 2 GiB": lambda: endless(announced(spec.FRAME_BODY, 2**31), PIECE),
    "a method of 2 GiB": lambda: endless(announced(spec.FRAME_METHOD, 2**31), PIECE),
    "properties of 2 GiB": lambda: endless(announced(spec.FRAME_HEADER, 2**31), PIECE),
    "properties of 2 MiB": lambda: iter([crowd(1024**2)]),
    "a body in pieces of nothing": lambda: endless(header(1024), EMPTY),
    "more than announced": lambda: iter([header(10) + PIECE]),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("verb", ["listen", pytest.param("publish", marks=pytest.mark.long)])
def test_too_much_is_no_message(tool: Tool, verb: str, attack: str) -> None:
    """What is too large, delivered or returned, is a protocol error: 69, at once, on one try."""
    connections = []

    def answer(send: Send, count: int) -> None:
        if count == 0:
            connections.append(verb)
        if verb == "listen":
            send(spec.Basic.Deliver("", 1, False, EXCHANGE, "a.key"))  # noqa: FBT003 -- pika's order
        elif count == 1:
            send(spec.Basic.Return(312, "NO_ROUTE", EXCHANGE, "a.key"))
        else:
            return
        for piece in ATTACKS[attack]():
            send(piece)

    name = tool.write("events.ndjson", b"".join(numbered(2)))
    options = {"listen": [], "publish": ["-f", name, "--retry-for", "60"]}[verb]
    with fake_broker(answer) as port:
        running = tool.start(verb, "-o", "json", *options, "--url", f"amqp://a:b@127.0.0.1:{port}")
        peak = peak_memory(running)
        ran = running.end(20)
    assert (ran.code, len(connections)) == (69, 1), ran.err
    assert "broke the protocol" in ran.err
    assert "Traceback" not in ran.err
    assert peak < 120


def flood(values: int) -> Callable[[Send, int], None]:
    """Deliver two gigabytes of messages with such header tables, whatever was asked for."""
    properties = crowd(values)

    def answer(send: Send, _count: int) -> None:
        for tag in range(1, 2 * 1024**3 // len(properties)):
            send(spec.Basic.Deliver("", tag, False, EXCHANGE, "a.key"), properties)  # noqa: FBT003 -- pika's order

    return answer


def test_a_broker_that_ignores_the_prefetch_is_left(tool: Tool) -> None:
    """Deliveries beyond what was asked for are a protocol error: 69, and no memory."""
    with fake_broker(flood(10)) as port:
        url = f"amqp://a:b@127.0.0.1:{port}"
        running = tool.start("listen", "-o", "raw", "--url", url)
        peak = peak_memory(running)
        ran = running.end(20)
    assert ran.code == 69, ran.err
    assert "broke the protocol" in ran.err
    assert peak < 120


@pytest.mark.long
def test_large_header_tables_are_held_a_few_at_a_time(tool: Tool) -> None:
    """While the reader hangs, tables count as what they take in memory."""
    reading, writing = os.pipe()
    with fake_broker(flood(500_000)) as port:
        url = f"amqp://a:b@127.0.0.1:{port}"
        running = tool.start("listen", "-o", "json", "--url", url, to=writing)
        os.close(writing)
        until = time.monotonic() + 20
        peak = 0.0
        while time.monotonic() < until:
            peak = max(peak, megabytes(running))
            time.sleep(0.1)
        running.process.kill()
    os.close(reading)
    assert 60 < peak < 800


@pytest.mark.long
def test_the_largest_message_of_all_is_taken(away: Tool, fragile_broker: PrivateBroker) -> None:
    """What RabbitMQ 3 takes at most, 128 MiB, is received to the last byte."""
    running = away.start("listen", "-o", "raw", "--count", "1")
    running.await_text("listening to")
    body = b"\x00y" * (MAX_BODY // 2)
    with client(fragile_broker.amqp_url) as channel:
        channel.confirm_delivery()
        channel.basic_publish(EXCHANGE, "tests.largest", body)
    ran_out = away.folder / "1.out"
    assert running.process.wait(60) == 0
    assert sha256(ran_out.read_bytes()).digest() == sha256(body + b"\n").digest()
