"""Messages of any kind that AMQP 0-9-1 and RabbitMQ can carry, made by hypothesis."""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from medtrack_cli.core.delivery import LongString, Several, Single, Whole
from tests.builders import encode, event

RANGES = {
    "int8": (-(2**7), 2**7 - 1),
    "uint8": (0, 2**8 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**31), 2**31 - 1),  # beyond, a plain integer is one
    "timestamp": (253402300800, 2**63 - 1),  # before, it is a datetime
}


class Published(NamedTuple):
    """A message to be published."""

    routing_key: str
    body: bytes
    properties: dict[str, Any]
    headers: dict[str, Any]


def _is_no_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


def _decimal(digits: int, scale: int) -> Decimal:
    return Decimal(digits).scaleb(-scale)


def _several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Several]:
    return st.lists(values, min_size=2, max_size=3).map(Several)


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_wholes = [st.builds(Whole, st.integers(*bounds), st.just(name)) for name, bounds in RANGES.items()]
_longs = (
    st.integers(0, 2**63 - 1) | st.integers(-(2**63), -(2**31)) | st.integers(2**64 - 5, 2**64 - 1)
)
# Erlang, and so RabbitMQ, has neither NaN nor infinity.
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        *_wholes,
        st.builds(Whole, _longs, st.just("long-long")),
        st.floats(allow_nan=False, allow_infinity=False),
        st.floats(allow_nan=False, allow_infinity=False, width=32).map(Single),
        st.builds(
            lambda raw, scale: Decimal(raw).scaleb(-scale),
            st.integers(-(2**31), 2**31 - 1),
            st.integers(0, 255),
        ),
        st.integers(0, 253402300799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        _text,
        st.binary(max_size=20),
        st.binary(min_size=1, max_size=20).filter(_is_no_text).map(LongString),
        st.just({"$bytes": "AA=="}),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_text, inner | _several(inner), max_size=3)
    ),
    max_leaves=8,
)
_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in {"CC", "BCC"} and not name.startswith("x-")
)
_headers = st.dictionaries(_names, _values | _several(_values), max_size=4)
_octets = st.integers(0, 255)
_properties = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("content_type", "content_encoding", "correlation_id", "reply_to", "type", "app_id"),
            _text,
        ),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": _octets,
        "expiration": st.integers(10**8, 10**9).map(str),
        "message_id": st.uuids().map(str) | st.just(""),
        "timestamp": st.integers(0, 2**40),
        "user_id": st.just("admin"),
        "cluster_id": _text,
    },
)
_bodies = st.one_of(
    st.just(b""), st.binary(max_size=300), _text.map(str.encode), st.just(encode(event()))
)
_keys = st.text("abc.é", max_size=30).map(lambda key: f"tests.{key}")


def any_messages(count: int, number: int) -> list[Published]:
    """Make so many messages, the same for the same number."""
    made: list[Published] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.builds(Published, _keys, _bodies, _properties, _headers))
    def make(message: Published) -> None:
        made.append(message)

    make()
    return made


def passed_on(headers: dict[str, Any], version: str) -> dict[str, Any]:
    """Give headers as a broker passes them on: RabbitMQ 4 has no L, and one header a name."""
    if version.startswith("3."):
        return headers
    first = {name: v[0] if isinstance(v, Several) else v for name, v in headers.items()}
    passed: dict[str, Any] = _without_l(first)
    return passed


def _without_l(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_l(item) for name, item in value.items()}
        case list():
            return type(value)(_without_l(item) for item in value)
        case Whole(amqp="long-long"):
            signed = value - 2**64 if value >= 2**63 else int(value)
            return Whole(signed, "int64") if -(2**31) <= signed < 2**31 else signed
    return value


def same_types(value: Any) -> Any:
    """Name the type beside each value, so that two values are equal when their types are, too."""
    match value:
        case dict():
            return {name: same_types(item) for name, item in value.items()}
        case list():
            return type(value).__name__, [same_types(item) for item in value]
        case float():
            return type(value).__name__, struct.pack(">d", value)
        case Decimal():
            return value.as_tuple()
    return type(value).__name__, getattr(value, "amqp", ""), value
