"""Deliveries as lines of JSON, and back without a difference."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import data

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.record import from_record, parse, to_line, to_record
from tests.builders import NOON, delivery, encode, event, spoilt


def line_of(of: Delivery) -> str:
    """Write a delivery as listen prints it."""
    return json.dumps(to_record(examine(of)))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary(max_size=10)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-9999, max_value=9999)
    | st.datetimes(timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=0, fold=0)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(value=st.dictionaries(st.text(max_size=4), JSON), is_ascii=st.booleans(), damage=st.data())
def test_a_line_is_read_as_pythons_parser_does(
    value: dict[str, Any], *, is_ascii: bool, damage: st.DataObject
) -> None:
    """Whatever JSON a line holds, and wherever a byte of it is another, both read the same."""
    line = bytearray(json.dumps(value, ensure_ascii=is_ascii).encode(errors="surrogatepass"))
    if damage.draw(st.booleans()):
        at = damage.draw(st.integers(0, len(line) - 1))
        line[at] = damage.draw(st.sampled_from(b'"\\{}[],:0-eEn\x00\n\xff'))
    results = []
    for read in (parse, json.loads):
        try:
            results.append(repr(read(bytes(line))))
        except ValueError:
            results.append("refused")
    assert results[0] == results[1]


def test_deep_and_double_members_are_read_as_pythons_parser_does() -> None:
    """So are members that come twice, values nested deep, and numbers beyond a float's."""
    for line in (
        b'{"a": 1, "b": 2, "a": [3, 1e400, -1e400, -0, -0.0, 5e-324, NaN, -Infinity]}',
        b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"a": %d, "b": "\\ud83d\\ude00 \\ud800"}' % 10**400,
    ):
        assert repr(parse(line)) == repr(json.loads(line))


@given(
    body=st.binary(max_size=50) | TEXT.map(str.encode),
    routing_key=TEXT,
    redelivered=st.booleans(),
    received_at=st.datetimes(timezones=st.just(UTC)),
    headers=st.dictionaries(TEXT, VALUES, max_size=4),
    properties=st.dictionaries(
        st.sampled_from(["message_id", "priority", "timestamp", "type"]), VALUES, max_size=3
    ),
)
def test_a_delivery_survives_its_line(**fields: Any) -> None:
    """Written as a line of JSON and read back, any delivery is the same, types included."""
    before = delivery(**fields)
    after = from_record(json.loads(line_of(before)))
    assert after == before
    assert repr(after.headers) == repr(before.headers)


@pytest.mark.parametrize(
    "value",
    [
        b"\xff\x00",
        Decimal("1.250"),
        datetime(2025, 1, 15, 10, tzinfo=UTC),
        -(2**63),
        2**63 - 1,
        0.1,
        1e300,
        2.0,
        True,
        None,
        "é\u202e\x1b",
        [1, [b"x", {"a": Decimal(3)}]],
        {"$bytes": "no base64 of ours", "other": 1},
        {"$bytesx": 1},
    ],
    ids=repr,
)
def test_every_type_of_a_header_survives(value: object) -> None:
    """Each AMQP type of a header comes back as the same value of the same type."""
    after = from_record(json.loads(line_of(delivery(headers={"h": value})))).headers["h"]
    assert (type(after), after) == (type(value), value)


def test_pikas_long_integers_become_plain() -> None:
    """What pika makes of a 64-bit integer, which may be a class of its own, is written as one."""
    number, _ = data.decode_value(b"l" + (2**62).to_bytes(8, "big"), 0)
    assert '"h": 4611686018427387904}' in line_of(delivery(headers={"h": number}))


def test_times_of_other_zones_are_written_in_utc() -> None:
    """A delivery's time is written in UTC with a Z, to the microsecond."""
    moment = datetime(2025, 1, 15, 10, 0, 0, 123456, timezone(timedelta(hours=2)))
    record = json.loads(line_of(delivery(received_at=moment)))
    assert record["received_at"] == "2025-01-15T08:00:00.123456Z"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (encode(event()), event()),
        (b"\xef\xbb\xbf" + encode(event()), event()),
        (
            encode(spoilt("student.created", "/service", 1)),
            spoilt("student.created", "/service", 1),
        ),
        (b'{"a": 1, "a": 2}', None),
        (b'{"a": NaN}', None),
        (b"[1]", [1]),
        (b"not json", None),
        (b"", None),
    ],
)
def test_the_bodys_value_is_there_when_it_is_strict_json(body: bytes, value: object) -> None:
    """`body` holds the JSON value, null for what isn't strict JSON; `body_text` is exact."""
    record = json.loads(line_of(delivery(body)))
    assert next(iter(record)) == "kind"
    assert record["body"] == value
    assert record["body_text"].encode() == body
    assert "body_base64" not in record


@pytest.mark.parametrize("body", [b"\xff", b"\x1f\x8b\x08\x00", b"caf\xe9"])
def test_other_bytes_are_written_in_base64(body: bytes) -> None:
    """A body that isn't UTF-8 stands in base64, and nowhere else."""
    record = json.loads(line_of(delivery(body)))
    assert record["body"] is None
    assert "body_text" not in record
    assert from_record(record).body == body


@pytest.mark.parametrize("value", [{"$decimal": "0.0{"}, {"$bytes": "?"}, {"$timestamp": "noon"}])
def test_a_value_that_is_none_is_refused(value: dict[str, str]) -> None:
    """A header of a type, and no value of that type, is a ValueError, whatever the type."""
    record = {**json.loads(line_of(delivery(b"{}"))), "headers": {"a": [value]}}
    with pytest.raises(ValueError, match=r"."):
        from_record(record)


def test_the_verdict_is_in_the_record() -> None:
    """A record says whether the event is valid, and each finding with its pointer."""
    body = encode(spoilt("student.created", "/payload/email", "x"))
    record = json.loads(line_of(delivery(body)))
    assert record["valid"] is False
    (finding,) = record["findings"]
    assert (finding["rule"], finding["severity"], finding["pointer"]) == (
        *("bad_format", "error", "/payload/email"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"received_at": "yesterday"},
        {"received_at": 1},
        {"routing_key": None},
        {"body_text": None},
        {"body_text": "\ud800"},
        {"body_base64": "?"},
        {"headers": []},
        {"headers": {"h": {"$timestamp": "never"}}},
        {"properties": None},
    ],
    ids=repr,
)
def test_what_is_no_record_is_refused(changes: dict[str, object]) -> None:
    """A record with a member spoilt raises one of the errors that its reader expects."""
    record = json.loads(line_of(delivery(received_at=NOON)))
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        from_record({**record, **changes})


@given(
    exchange=TEXT,
    headers=st.dictionaries(TEXT, VALUES, max_size=3),
    properties=st.dictionaries(TEXT, VALUES, max_size=3),
)
def test_the_line_of_a_valid_event_is_its_record(**fields: Any) -> None:
    """It is put together of parts, and is byte for byte what json would write of the whole."""
    write = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    seen = examine(delivery(write(event()).encode(), **fields))
    assert seen.is_valid
    assert to_line(seen) == write(to_record(seen))


def test_a_delivery_is_written_once() -> None:
    """The recording takes the line that was printed: it isn't encoded a second time."""
    seen = examine(delivery())
    assert to_line(seen) is to_line(seen)
