"""Whatever bytes and headers arrive: shown without harm, exact in JSON, never the end."""

import json
import os
import re
import struct
import time
from base64 import b64decode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.core.record import from_record
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.cli.tool import Running, Tool
from tests.faults.breaking import await_lines

BODIES = {
    "empty": b"",
    "binary": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*I-.Q\xb2R2T\xaa\x05\x00",
    "utf-16": '{"event_type": "x"}'.encode("utf-16"),
    "invalid utf-8": b'{"a": "\xff\xfe"}',
    "lone surrogate": b'{"a": "\xed\xa0\x80"}',
    "escaped surrogate": b'{"a": "\\ud800"}',
    "bom": b'\xef\xbb\xbf{"a": 1}',
    "escapes": b'{"a": "\x1b]0;title\x07 \x9b2J \xe2\x80\xae"}',
    "newlines": b'{\r\n"a":\n1}\x00',
    "not json": b"hello",
}
# As AMQP writes a value: its type, its bytes. As JSON shows it.
HEADERS: dict[str, tuple[bytes, Any]] = {
    "float": (b"f" + struct.pack(">f", 1.5), {"$double": "1.5"}),
    "double": (b"d" + struct.pack(">d", 0.1), {"$double": "0.1"}),
    "decimal": (b"D" + struct.pack(">BI", 2, 31415), {"$decimal": "314.15"}),
    "bytes": (b"x" + struct.pack(">I", 3) + b"\x00\xff\x1b", {"$bytes": "AP8b"}),
    "not utf-8": (b"S" + struct.pack(">I", 2) + b"\xff\xfe", {"$bytes": "//4="}),
    "text": (b"S" + struct.pack(">I", 6) + "الع".encode(), "الع"),
    "most": (b"l" + struct.pack(">q", 2**63 - 1), 2**63 - 1),
    "least": (b"l" + struct.pack(">q", -(2**63)), -(2**63)),
    "L": (b"L" + struct.pack(">q", 7), 7),
    "L of kombu": (b"L" + struct.pack(">q", -(2**40)), -(2**40)),
    "void": (b"V", None),
    "true": (b"t\x01", True),
    "epoch": (b"T" + struct.pack(">Q", 0), {"$timestamp": "1970-01-01T00:00:00.000000Z"}),
    "year 9999": (
        b"T" + struct.pack(">Q", 253402300799),
        {"$timestamp": "9999-12-31T23:59:59.000000Z"},
    ),
    "later": (b"T" + struct.pack(">Q", 253402300800), 253402300800),
    "tables": (
        b"A" + struct.pack(">I", 18) + (b"F" + struct.pack(">I", 4) + b"\x01at\x01") * 2,
        [{"a": True}, {"a": True}],
    ),
}


class Wired(BasicProperties):
    """Properties with a header table that is bytes already: pika can't write all types."""

    def __init__(self, table: bytes) -> None:
        super().__init__()
        self._table = table

    def encode(self) -> list[bytes]:
        return [
            struct.pack(">HI", BasicProperties.FLAG_HEADERS, len(self._table)),
            self._table,
        ]


def wired(headers: dict[str, tuple[bytes, Any]]) -> Wired:
    """Make properties of headers as they are on the wire."""
    pairs = ((name.encode(), value) for name, (value, _) in headers.items())
    return Wired(b"".join(bytes([len(name)]) + name + value for name, value in pairs))


def end_of(running: Running, channel: BlockingChannel, count: int) -> list[dict[str, Any]]:
    """Wait for so many lines and one more, which proves that listening goes on."""
    channel.basic_publish(EXCHANGE, "tests.last", b"{}")
    await_lines(running, count + 1)
    running.process.terminate()
    ran = running.end()
    assert ran.code == 143
    assert '"interrupted"' not in ran.err
    return ran.records[:-1]


def test_every_body_is_exact_in_json(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Bodies of any bytes come out of JSON lines as they were, and are judged, not choked on."""
    running = away.listen()
    with client(fragile_broker.amqp_url) as channel:
        for name, body in BODIES.items():
            encoding = "gzip" if name == "gzip" else None
            channel.basic_publish(
                EXCHANGE, "tests.body", body, BasicProperties(content_encoding=encoding)
            )
        records = end_of(running, channel, len(BODIES))
    assert [from_record(each).body for each in records] == list(BODIES.values())
    for record in records:
        assert record["valid"] is False
        assert record["findings"]
        if "body_base64" in record:
            with pytest.raises(UnicodeDecodeError):
                b64decode(record["body_base64"]).decode()


def test_every_body_is_shown_without_harm(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Shown to people, no byte of a body steers the terminal, with --reveal neither."""
    running = away.start("listen", "-o", "human", "--reveal", "--body")
    running.await_text("listening to")
    with client(fragile_broker.amqp_url) as channel:
        for body in BODIES.values():
            channel.basic_publish(EXCHANGE, "tests.body", body)
        channel.basic_publish(EXCHANGE, "tests.last", b"{}")
        running.await_text("tests.last", stream="out")
    running.process.terminate()
    ran = running.end()
    assert ran.code == 143
    assert ran.out.count("tests.body") >= len(BODIES)
    forbidden = {*map(chr, range(32)), *map(chr, range(127, 160)), "\u202e", "\ufeff"} - {"\n"}
    assert not forbidden & set(ran.out)


def test_every_header_is_exact_in_json(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Header values of all AMQP types are exact, and read back as they were."""
    running = away.listen()
    with client(fragile_broker.amqp_url) as channel:
        channel.basic_publish(EXCHANGE, "tests.headers", b"{}", wired(HEADERS))
        (record,) = end_of(running, channel, 1)
    assert record["headers"] == {name: shown for name, (_, shown) in HEADERS.items()}
    headers = from_record(record).headers
    assert (headers["double"], headers["decimal"]) == (0.1, Decimal("314.15"))


def test_names_that_are_no_text_are_escaped(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Routing keys and header names of any bytes are shown escaped, and listening goes on."""
    running = away.listen()
    with client(fragile_broker.amqp_url) as channel:
        properties = Wired(b"\x01\xff" + b"t\x01")
        channel.basic_publish(EXCHANGE, b"tests.\xff", b"{}", properties)  # type: ignore[arg-type]
        (record,) = end_of(running, channel, 1)
    assert record["routing_key"] == r"tests.\xff"
    assert record["headers"] == {r"\xff": True}


@pytest.mark.long
def test_large_bodies_are_held_a_few_at_a_time(away: Tool, fragile_broker: PrivateBroker) -> None:
    """However many large bodies wait while the reader hangs, few are held: under 200 MiB."""
    reading, writing = os.pipe()
    running = away.listen(to=writing)
    os.close(writing)
    size, count = 8 * 1024 * 1024, 40
    with client(fragile_broker.amqp_url) as channel:
        for _ in range(count):
            channel.basic_publish(EXCHANGE, "tests.large", b"\xff" * size)
    time.sleep(1)
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    with os.fdopen(reading, "rb") as pipe:
        bodies = [len(b64decode(json.loads(pipe.readline())["body_base64"])) for _ in range(count)]
    assert bodies == [size] * count
    assert '"interrupted"' not in running.err
    peak = re.search(r"VmHWM:\s+([0-9]+) kB", status)
    assert peak
    assert int(peak[1]) < 200 * 1024
    running.process.kill()


def test_properties_at_their_limits(away: Tool, fragile_broker: PrivateBroker) -> None:
    """Timestamps of 0 and beyond the year 9999 and odd texts in properties are exact."""
    running = away.listen()
    given = {"timestamp": 2**63, "priority": 255, "expiration": "60000", "type": "\x1b[2J"}
    with client(fragile_broker.amqp_url) as channel:
        for timestamp in (0, 253402300800, given["timestamp"]):
            properties = BasicProperties(**{**given, "timestamp": timestamp})  # type: ignore[arg-type]
            channel.basic_publish(EXCHANGE, "tests.properties", b"{}", properties)
        records = end_of(running, channel, 3)
    assert [each["properties"]["timestamp"] for each in records] == [0, 253402300800, 2**63]
    assert records[2]["properties"] == given
