"""Header tables: what came on the wire is what a record has, and what is sent again."""

import json
import struct
from typing import Any

import pytest
from pika import BasicProperties, spec

from medtrack_cli.broker.amqp import header_values
from medtrack_cli.broker.amqp.deliveries import delivery_of
from medtrack_cli.core.checked import examine
from medtrack_cli.core.record import from_record, to_record


def through_a_record(fields: bytes) -> tuple[Any, bytes]:
    """Receive a table, write it into a record, read that, and give both: JSON, and the wire's."""
    header_values.install()
    headers, _ = header_values.decode_table(struct.pack(">I", len(fields)) + fields, 0)
    method = spec.Basic.Deliver("", 1, False, "", "key")  # noqa: FBT003 -- pika's order
    came = delivery_of(method, BasicProperties(headers=headers), b"{}")
    record = json.loads(json.dumps(to_record(examine(came))))
    pieces: list[bytes] = []
    header_values.encode_table(pieces, from_record(record).headers)
    return record["headers"], b"".join(pieces)[4:]


@pytest.mark.parametrize(
    ("wired", "value"),
    [
        (struct.pack(">q", 7), 7),
        (struct.pack(">q", 2**40), 2**40),
        (struct.pack(">q", -(2**40)), -(2**40)),  # as kombu has it
        (struct.pack(">q", -(2**31)), -(2**31)),
        (struct.pack(">Q", 2**64 - 2**31 + 1), 2**64 - 2**31 + 1),  # kombu has it in 32 bits
        (struct.pack(">Q", 2**64 - 1), 2**64 - 1),
    ],
)
def test_an_integer_of_type_l(wired: bytes, value: int) -> None:
    """It keeps its letter and its bits; only what kombu sends otherwise is read unsigned."""
    field = b"\x01nL" + wired
    assert through_a_record(field) == ({"n": value}, field)


def test_equal_names_keep_all_their_values() -> None:
    """A name that is there several times has all its values, at every depth."""
    first, other, second, third = b"\x01ab\x01", b"\x01ns\x00\x07", b"\x01aV", b"\x01ab\x02"
    table = b"\x01tF" + struct.pack(">I", 8) + first + third
    headers, again = through_a_record(first + other + second + third + table)
    assert headers == {"a": [1, None, 2], "n": 7, "t": {"a": [1, 2]}}
    assert again == first + second + third + other + table


def test_names_that_are_escaped_alike_keep_both_values() -> None:
    """A name that isn't UTF-8 takes the place of none that is written as it is shown."""
    headers, _ = through_a_record(b"\x01\xffb\x01" + b"\x04\\xffb\x02")
    assert headers == {r"\xff": [1, 2]}
