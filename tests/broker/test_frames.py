"""Messages as AMQP frames: ours are pika's, byte for byte."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pika import data, frame, spec

from medtrack_cli.broker.amqp import header_values
from medtrack_cli.broker.amqp.frames import properties_of, small_frames, why_unsendable, write
from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import LongString, Single, Whole
from medtrack_cli.core.messages import Message
from medtrack_cli.core.record import from_record, to_record
from tests.builders import delivery, message
from tests.recording.any_messages import any_messages, same_types

LARGEST = 4096 - 8


@pytest.fixture(autouse=True, scope="module")
def all_types() -> None:
    """Let pika write all of AMQP's types, as a link does."""
    header_values.install()


def pikas_frames(of: Message, channel: int, exchange: str) -> bytes:
    """Marshal a message of one body frame with pika's own classes."""
    publish = spec.Basic.Publish(exchange=exchange, routing_key=of.routing_key, mandatory=True)
    parts = [
        frame.Method(channel, publish),
        frame.Header(channel, len(of.body), properties_of(of)),
        frame.Body(channel, of.body),
    ]
    return b"".join(part.marshal() for part in parts)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(
    body=st.binary(min_size=1, max_size=300),
    routing_key=TEXT,
    message_id=st.text(st.characters(codec="ascii"), min_size=1, max_size=255),
    channel=st.integers(1, 65535),
    exchange=TEXT,
)
@example(b"x" * LARGEST, "student.created", "i", 1, "medtrack.events")
@example(b"x", "é" * 127, "é" * 127, 1, "medtrack.events")
def test_small_frames_are_pikas(
    body: bytes, routing_key: str, message_id: str, channel: int, exchange: str
) -> None:
    """The buffer written for a plain message equals pika's marshalling of the same message."""
    plain = message(1, body=body, routing_key=routing_key, message_id=message_id)
    assert small_frames(plain, channel, exchange) == pikas_frames(plain, channel, exchange)


def test_small_frames_are_pikas_with_any_properties_and_headers() -> None:
    """So they are for messages with properties and headers of every type AMQP has."""
    made = [
        message(
            1,
            routing_key=each.routing_key,
            body=each.body,
            message_id=each.properties.pop("message_id", "id"),
            properties=each.properties,
            headers=each.headers,
        )
        for each in any_messages(300, 1)
        if each.body
    ]
    assert [small_frames(each, 1, "e") for each in made] == [
        pikas_frames(each, 1, "e") for each in made
    ]


NAMES = ("content_type", "content_encoding", "correlation_id", "reply_to", "type", "app_id")


@given(
    texts=st.dictionaries(st.sampled_from(NAMES), TEXT),
    numbers=st.dictionaries(st.sampled_from(["delivery_mode", "priority"]), st.integers(0, 255)),
    headers=st.dictionaries(TEXT, TEXT | st.integers(-(2**40), 2**40) | st.booleans()),
)
@example({"type": "x" * 255}, {"priority": 255}, {"n" * 255: "v" * 256, "least": -(2**31)})
@example({}, {}, {})
def test_small_frames_are_pikas_with_texts_and_numbers(
    texts: dict[str, str], numbers: dict[str, int], headers: dict[str, Any]
) -> None:
    """So they are for the properties and headers that most messages have, in any combination."""
    made = message(1, body=b"x", properties=texts | numbers, headers=headers)
    assert small_frames(made, 1, "e") == pikas_frames(made, 1, "e")


def test_a_number_is_no_truth() -> None:
    """Values that Python takes for equal keep their own AMQP types."""
    for mode in (1, True, 1.0):
        made = message(1, body=b"x", headers={"n": mode}, properties={"delivery_mode": 1})
        assert small_frames(made, 1, "e") == pikas_frames(made, 1, "e")


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b""},
        {"body": b"x" * (LARGEST + 1)},
    ],
    ids=["empty", "large"],
)
def test_other_messages_go_through_pika(changes: dict[str, Any]) -> None:
    """What isn't of one frame isn't marshalled here."""
    assert small_frames(message(1, **changes), 1, "e") is None


class Connection:
    """Takes marshalled buffers, as pika's connection does."""

    def __init__(self, written: list[str]) -> None:
        self._written = written

    def _output_marshaled_frames(self, buffers: list[bytes]) -> None:
        self._written += [f"frames:{buffer.count(b'position')}" for buffer in buffers]


class Channel:
    """Notes how each message is handed over."""

    channel_number = 1

    def __init__(self) -> None:
        self.written: list[str] = []
        self.connection = Connection(self.written)

    def basic_publish(
        self, exchange: str, key: str, body: bytes, properties: spec.BasicProperties, **more: bool
    ) -> None:
        assert (exchange, key, more) == ("e", "student.deleted", {"mandatory": True})
        self.written.append(f"pika:{len(body)}:{properties.message_id}")


def test_both_ways_of_writing_keep_the_order() -> None:
    """Plain messages go in one buffer, others in between go through pika, in their order."""
    channel = Channel()
    messages = [message(1), message(2), message(3, body=b""), message(4)]
    write(channel, messages, "e")  # type: ignore[arg-type] # as much of a channel as it needs
    assert channel.written == ["frames:2", "pika:0:id-3", "frames:1"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"routing_key": "x" * 256}, "routing key"),
        ({"routing_key": "é" * 128}, "routing key"),
        ({"headers": {"h": 2**63}}, "headers"),
        ({"headers": {"h": {1, 2}}}, "headers"),
        ({"headers": {"h": Decimal("1e99")}}, "headers"),
        ({"headers": {"h": Decimal("NaN")}}, "headers"),
        ({"headers": {"h": Whole(256, "uint8")}}, "headers"),
        ({"headers": {"x" * 256: 1}}, "headers"),
        ({"properties": {"priority": 256}}, "properties"),
        ({"properties": {"type": "x" * 256}}, "properties"),
        ({"properties": {"correlation_id": 5}}, "properties"),
        ({"properties": {"nobody_knows": 1}}, "properties"),
        ({"headers": {"a": "x" * 70_000, "b": "x" * 70_000}}, "128 KiB"),
        ({"properties": {"user_id": "another"}}, "user_id"),
        ({"body": b"x" * (16 * 1024 * 1024 + 1)}, "16 MiB"),
    ],
    ids=repr,
)
def test_what_amqp_cant_carry_is_known_before_it_is_sent(
    changes: dict[str, Any], word: str
) -> None:
    """A message that would break the channel or the marshalling has a reason not to be sent."""
    reason = why_unsendable(message(1, **changes), "me")
    assert reason is not None
    assert word in reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"routing_key": "x" * 255},
        {"routing_key": ""},
        {"body": b"x" * 10_000_000},
        {"properties": {"priority": 255, "timestamp": 1736935200, "type": "x" * 255}},
        {
            "headers": {
                "a": [1, -1, 2**62, True, None, "é", b"\xff", Decimal("-1.5"), 0.5],
                "b": {"c": datetime(2025, 1, 1, tzinfo=UTC)},
            }
        },
    ],
    ids=["plain", "long key", "no key", "large", "properties", "headers"],
)
def test_what_amqp_can_carry_is_sent(changes: dict[str, Any]) -> None:
    """There is no reason against a message that AMQP can carry."""
    assert why_unsendable(message(1, **changes), "me") is None


# As RabbitMQ reads and writes them: https://www.rabbitmq.com/amqp-0-9-1-errata, section 3.
FIELDS: list[tuple[bytes, Any]] = [
    (b"b\xff", Whole(-1, "int8")),
    (b"B\xff", Whole(255, "uint8")),
    (b"s\xff\xfe", Whole(-2, "int16")),
    (b"u\xff\xfe", Whole(65534, "uint16")),
    (b"I\xff\xff\xff\xfe", -2),
    (b"i\xff\xff\xff\xfe", Whole(4294967294, "uint32")),
    (b"l\0\0\0\0\0\0\0\7", Whole(7, "int64")),
    (b"l\0\0\0\1\0\0\0\0", 2**32),
    (b"f\x3f\xc0\0\0", Single(1.5)),
    (b"d\x3f\xf8\0\0\0\0\0\0", 1.5),
    (b"D\2\0\0\4\xe2", Decimal("12.50")),
    (b"D\xff\x80\0\0\0", Decimal(-(2**31)).scaleb(-255)),
    (b"S\0\0\0\2\xc3\xa9", "é"),
    (b"S\0\0\0\1\xe9", LongString(b"\xe9")),
    (b"x\0\0\0\1e", b"e"),
    (b"T\0\0\0\0\0\0\0\0", datetime(1970, 1, 1, tzinfo=UTC)),
    (b"T\0\0\0\x3a\xff\xf4\x41\x80", Whole(253402300800, "timestamp")),
    (b"t\1", True),
    (b"V", None),
    (b"A\0\0\0\3b\7V", [Whole(7, "int8"), None]),
    (b"F\0\0\0\4\1ab\7", {"a": Whole(7, "int8")}),
]


@pytest.mark.parametrize(("encoded", "value"), FIELDS, ids=repr)
def test_every_field_is_read_and_written_with_its_type(encoded: bytes, value: object) -> None:
    """A header's bytes give a value that knows its AMQP type, and that value gives these bytes."""
    decoded, end = data.decode_value(b"before" + encoded + b"after", 6)
    assert (same_types(decoded), end) == (same_types(value), 6 + len(encoded))
    pieces: list[bytes] = []
    assert data.encode_value(pieces, decoded) == len(encoded)
    assert b"".join(pieces) == encoded


def test_what_is_too_deep_is_kept_as_it_is() -> None:
    """Arrays in each other, thousands deep, are decoded to a limit and written back unchanged."""
    encoded = b"V"
    for _ in range(20_000):
        encoded = b"A" + len(encoded).to_bytes(4) + encoded
    value, end = data.decode_value(encoded, 0)
    assert end == len(encoded)
    (record,) = (to_record(examine(delivery(headers={"h": value}))),)
    again = from_record(json.loads(json.dumps(record))).headers["h"]
    pieces: list[bytes] = []
    data.encode_value(pieces, again)
    assert b"".join(pieces) == encoded
    assert data.decode_value(b"b\7", 0) == (7, 2)  # the depth is that of one value


def test_a_plain_message_is_persistent_json() -> None:
    """A message without properties of its own is sent as persistent JSON with its id."""
    properties = properties_of(message(3))
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    assert properties.message_id == "id-3"
    assert properties.headers is None


def test_a_key_that_is_no_text_is_refused_before() -> None:
    """Half of a surrogate pair, which a recording can hold, is no routing key."""
    assert "surrogate" in (why_unsendable(message(routing_key="a.\ud800"), "a") or "")
    assert why_unsendable(message(routing_key="étudiant"), "a") is None
