"""Deliveries out of a buffer: what is read at once is what pika reads, frame by frame."""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import pika
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pika import frame, spec

from medtrack_cli.broker.amqp import header_values
from medtrack_cli.broker.amqp.bounded import BoundedConnection
from medtrack_cli.broker.amqp.deliveries import AWAITED, Arrival, WholeChannel, read_run
from medtrack_cli.broker.amqp.frames import properties_of
from tests.builders import message
from tests.recording.any_messages import any_messages, same_types

MESSAGES = any_messages(200, 5)
WITH_BODY = next(number for number, each in enumerate(MESSAGES) if each.body)
CONSUMERS = ("ctag1.first", "ctag1.second")


class OfPika(BoundedConnection):
    """Leaves everything to pika's decoder."""

    def _pass_on(self) -> bool:
        return False


class WithoutPika(BoundedConnection):
    """Fails where pika's decoder is needed."""

    def _process_frame(self, value: Any) -> None:
        raise AssertionError(value)


class Sent(NamedTuple):
    """A message on the wire: to whom, what, in how many pieces, and with what between."""

    number: int
    consumer: str
    pieces: int = 1
    between: bytes = b""


def frames(tag: int, sent: Sent, channel: int = 1) -> bytes:
    """Marshal a delivery with pika's own classes."""
    each = MESSAGES[sent.number]
    deliver = spec.Basic.Deliver(sent.consumer, tag, bool(tag % 2), "é", each.routing_key)
    made = properties_of(message(1, properties=each.properties, headers=each.headers))
    size = -(-len(each.body) // sent.pieces)
    body = [each.body[at : at + size] for at in range(0, len(each.body), size or 1)]
    parts = [
        frame.Method(channel, deliver),
        frame.Header(channel, len(each.body), made),
        *(frame.Body(channel, piece) for piece in body),
    ]
    return sent.between.join(part.marshal() for part in parts)


def received(kind: type[BoundedConnection], pieces: list[bytes]) -> list[object]:
    """Give what came with each piece of the bytes, and how it ended."""
    connection: Any = kind(pika.ConnectionParameters(), internal_connection_workflow=False)
    connection.first_words = b"\x01" * 64  # those of a broker
    channel: Any = WholeChannel(connection, 1, lambda _channel: None)
    connection._channels[1] = channel
    came: list[object] = []
    for each in CONSUMERS:
        channel._consumers[each] = lambda found, to=each: came.extend(
            map(partial(plain, to), found)
        )
    try:
        for piece in pieces:
            connection._on_data_available(piece)
            came.append(len(piece))
    except Exception as error:  # noqa: BLE001 -- compared with pika's
        came.append((type(error), str(error)))
    finally:
        connection.ioloop.close()
    return came


def plain(consumer: str, arrival: Arrival) -> object:
    """Give all that is in an arrival but its time, with the types of its values."""
    each = arrival.delivery
    values = (same_types(dict(each.properties)), same_types(dict(each.headers)))
    where = (each.exchange, each.routing_key, each.redelivered)
    return consumer, arrival.tag, arrival.size, where, each.body, values


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at some places."""
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends) if end > begin]


@pytest.fixture(autouse=True, scope="module")
def all_types() -> None:
    """Let pika read all of AMQP's types, as a link does."""
    header_values.install()


HEARTBEAT = frame.Heartbeat().marshal()
FLOW = frame.Method(7, spec.Channel.Flow(active=True)).marshal()
_sent = st.builds(
    Sent,
    st.integers(0, len(MESSAGES) - 1),
    st.sampled_from([CONSUMERS[0]] * 4 + [CONSUMERS[1], "gone", "é"]),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.sampled_from([b"", b"", b"", HEARTBEAT, FLOW]),
)
_places = st.lists(st.integers(0, 10_000), max_size=8)


@given(st.lists(_sent, min_size=1, max_size=6), _places)
@settings(max_examples=300)
def test_what_is_read_is_what_pika_reads(sent: list[Sent], places: list[int]) -> None:
    """Each delivery comes with the same piece, to its consumer, with equal values and types."""
    data = b"".join(frames(tag, each) for tag, each in enumerate(sent, 2**40))
    pieces = cut(data, places)
    came = received(BoundedConnection, pieces)
    assert came == received(OfPika, pieces)
    assert sum(isinstance(each, tuple) for each in came) == sum(
        each.consumer in CONSUMERS for each in sent
    )


def test_small_messages_are_read_without_pika() -> None:
    """Nothing of them is left to pika, wherever they are cut."""
    sent = [Sent(number, CONSUMERS[number % 2]) for number in range(len(MESSAGES))]
    data = b"".join(frames(tag, each) for tag, each in enumerate(sent, 1))
    pieces = cut(data, list(range(0, len(data), 97)))
    assert received(WithoutPika, pieces) == received(OfPika, pieces)


@given(
    st.lists(_sent, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3),
    _places,
)
@example([Sent(WITH_BODY, CONSUMERS[0])], [(-1, 0)], [])  # no end of the body
@example([Sent(0, CONSUMERS[0])], [(0, 2)], [])  # a header without a method
@example([Sent(0, CONSUMERS[0])], [(3, 255)], [])  # a gigantic frame
@settings(max_examples=1000)
def test_what_is_damaged_fails_as_with_pika(
    sent: list[Sent], damage: list[tuple[int, int]], places: list[int]
) -> None:
    """It ends with the same error, at the same piece, after the same deliveries."""
    data = bytearray(b"".join(frames(tag, each) for tag, each in enumerate(sent, 1)))
    for place, value in damage:
        data[place % len(data)] = value
    pieces = cut(bytes(data), places)
    assert received(BoundedConnection, pieces) == received(OfPika, pieces)


@pytest.mark.parametrize("size", [AWAITED - 1, AWAITED, AWAITED + 1, 130_000])
def test_a_large_body_is_read_whichever_way(size: int) -> None:
    """It may be complete at once, or come in pieces."""
    deliver = frame.Method(1, spec.Basic.Deliver(CONSUMERS[0], 1, False, "", "k"))  # noqa: FBT003
    header = frame.Header(1, size, spec.BasicProperties())
    data = b"".join(part.marshal() for part in (deliver, header, frame.Body(1, bytes(size))))
    for places in ([], [20], [60], [100], [200, 65_000, 70_000]):
        pieces = cut(data * 2, places)
        came = received(BoundedConnection, pieces)
        assert came == received(OfPika, pieces)
        assert len(came) == 2 + len(pieces)


@pytest.mark.parametrize(("headers", "is_awaited"), [(1, True), (4_000, False)])
def test_many_headers_are_read_once(headers: int, is_awaited: bool) -> None:  # noqa: FBT001
    """Few are read again with each piece of the body; of many, pika reads those and the rest."""
    deliver = frame.Method(1, spec.Basic.Deliver(CONSUMERS[0], 1, False, "", "k"))  # noqa: FBT003
    properties = spec.BasicProperties(headers={f"h{number}": 1 for number in range(headers)})
    body = frame.Body(1, bytes(60_000)).marshal()
    start = deliver.marshal() + frame.Header(1, 60_000, properties).marshal()
    for size in (0, 3, 100, len(body) - 1):
        run = read_run(start + body[:size])
        assert (run.arrivals, run.end, run.is_cut) == ([], 0, is_awaited)
    assert len(read_run(start + body).arrivals) == 1
    pieces = cut(start + body, list(range(0, len(start + body), 10_000)))
    assert received(BoundedConnection, pieces) == received(OfPika, pieces)
