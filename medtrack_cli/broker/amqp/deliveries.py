"""Deliveries out of what was received, each of its three frames read at once.

pika makes some ten objects of a delivery, and looks for callbacks with each frame. Here a delivery
that is small, whole and well-formed is read as it stands in the buffer. Anything else is left to
pika's own decoder, which also finds what is wrong with it; tests compare both.
"""

import struct
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from pika import BasicProperties, data, spec
from pika.channel import Channel

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.hiding import plain

RECEIVED = 2**16  # bytes at a time; pika takes 4,096
AWAITED = 2**16  # bytes of a frame of which the rest is waited for here
_FEW = 2**10  # bytes of properties that are read again each time when more of the body comes
_METHOD = struct.Struct(">BHIIB")  # up to the length of the consumer's tag
_START = struct.Struct(">BHI")
_HEADER = struct.Struct(">BHIHHQH")  # up to the flags of the properties
_LEAST = 14  # bytes of a header: class, weight, size of the body, flags
_TAG = _TIME = struct.Struct(">Q")
_END = spec.FRAME_END
_AROUND = spec.FRAME_HEADER_SIZE + spec.FRAME_END_SIZE
_NAMES = tuple(vars(BasicProperties()))  # in their order on the wire
_FLAGS = {1 << (15 - place): name for place, name in enumerate(_NAMES)}


class Arrival(NamedTuple):
    """A delivery, the tag that acknowledges it, and the bytes of its properties on the wire."""

    tag: int
    delivery: Delivery
    size: int


Arrived = Callable[[list[Arrival]], None]


class Run(NamedTuple):
    """Deliveries to one consumer, up to a place in the buffer; `is_cut`: the next isn't whole."""

    consumer: str
    arrivals: list[Arrival]
    end: int
    is_cut: bool


class WholeChannel(Channel):
    """A channel whose consumers get lists of arrivals, and what came when they were cancelled.

    pika rejects that: a stream closes the connection for it, and a quorum queue drops a message
    that has no delivery left.
    """

    @property
    def is_between(self) -> bool:
        """Whether pika's decoder has read no part of a message."""
        parts: Any = self._content_assembler  # type: ignore[attr-defined] # no public place for it
        return parts._method_frame is None and not parts._body_fragments  # noqa: SLF001

    def pass_on(self, consumer: str, arrivals: list[Arrival]) -> None:
        consumers: Mapping[str, Any] = self._consumers  # type: ignore[attr-defined] # as above
        if arrived := consumers.get(consumer):
            arrived(arrivals)

    def _on_deliver(self, method_frame: Any, header_frame: Any, body: bytes) -> None:  # noqa: ANN401 -- pika's frames
        connection: Any = self.connection
        method = method_frame.method
        delivery = delivery_of(method, header_frame.properties, body)
        arrival = Arrival(method.delivery_tag, delivery, connection.properties_size)
        self.pass_on(method.consumer_tag, [arrival])


def delivery_of(method: Any, properties: Any, body: bytes) -> Delivery:  # noqa: ANN401 -- pika's
    """Make a delivery from what pika received; names that aren't UTF-8 are escaped."""
    fields: dict[str, Any] = {
        name: value for name, value in vars(properties).items() if value is not None
    }
    headers = fields.pop("headers", {})
    exchange, key = plain(method.exchange), plain(method.routing_key)
    now, moment = datetime.now(UTC), time.monotonic()
    return Delivery(now, exchange, key, method.redelivered, body, fields, headers, moment)


def consume(channel: Channel, queue: str, arrived: Arrived, **wish: Any) -> str:  # noqa: ANN401 -- pika's
    """Consume on a WholeChannel, and from now on take more out of the socket at a time."""
    transport: Any = channel.connection._transport  # type: ignore[attr-defined] # noqa: SLF001 -- no public place for it
    transport._MAX_RECV_BYTES = RECEIVED  # noqa: SLF001
    takes: Any = arrived
    return channel.basic_consume(queue, takes, **wish)


def read_run(buffer: bytes) -> Run:
    """Read the deliveries to one consumer that a buffer begins with.

    What is neither read nor to be waited for, pika is to read.
    """
    now, moment = datetime.now(UTC), time.monotonic()
    to, at, arrivals = b"", 0, list[Arrival]()
    found = _read(buffer, at, now, moment)
    while not isinstance(found, bool):
        named, arrival, after = found
        if arrivals and named != to:
            return Run(_consumer(to), arrivals, at, is_cut=False)
        to, at = named, after
        arrivals.append(arrival)
        found = _read(buffer, at, now, moment)
    return Run(_consumer(to), arrivals, at, is_cut=found)


def _read(
    buffer: bytes, at: int, now: datetime, moment: float
) -> tuple[bytes, Arrival, int] | bool:
    """Read a delivery, with its channel and consumer, and where the next one begins.

    A bool: whether this is one, the rest of which is to be waited for.
    """
    if len(buffer) - at < _METHOD.size:
        return False
    kind, channel, size, method, length = _METHOD.unpack_from(buffer, at)
    header, tag = at + size + _AROUND, at + _METHOD.size + length
    if kind != spec.FRAME_METHOD or method != spec.Basic.Deliver.INDEX or header > len(buffer):
        return False
    route = _route(buffer[tag + _TAG.size : header])
    if route is None:
        return False
    content = _content(buffer, header, channel)
    if isinstance(content, bool):
        return content
    fields, headers, weight, body, end = content
    exchange, key, is_again = route
    delivery = Delivery(now, exchange, key, is_again, body, fields, headers, moment)
    to = buffer[at + 1 : at + 3] + buffer[at + _METHOD.size : tag]
    return to, Arrival(_TAG.unpack_from(buffer, tag)[0], delivery, weight), end


def _content(
    buffer: bytes, at: int, channel: int
) -> tuple[dict[str, Any], Mapping[str, Any], int, bytes, int] | bool:
    """Read the properties, the headers, the size of both, the body, and where that ends."""
    if len(buffer) - at < _HEADER.size:
        return _may_begin(buffer[at:], spec.FRAME_HEADER, channel, _LEAST)
    kind, number, size, of, _, length, flags = _HEADER.unpack_from(buffer, at)
    is_ours = (kind, number, of) == (spec.FRAME_HEADER, channel, BasicProperties.INDEX)
    if not is_ours or not _LEAST <= size <= AWAITED:
        return False
    start = at + size + _AROUND
    if start > len(buffer):
        return bool(length <= AWAITED)
    if size > _FEW and length and start + length + _AROUND > len(buffer):
        return False
    read = _properties(flags, buffer[at + _HEADER.size : start])
    if read is None:
        return False
    body = _body(buffer, start, channel, length) if length else (b"", start)
    return body if isinstance(body, bool) else (*read, start - at, *body)


def _body(buffer: bytes, at: int, channel: int, length: int) -> tuple[bytes, int] | bool:
    """Read a body that is one frame, and where that ends."""
    if len(buffer) - at < _START.size:
        return length <= AWAITED and _may_begin(buffer[at:], spec.FRAME_BODY, channel, length)
    if _START.unpack_from(buffer, at) != (spec.FRAME_BODY, channel, length):
        return False
    end = at + length + _AROUND
    if end > len(buffer):
        return length <= AWAITED
    return (buffer[at + _START.size : end - 1], end) if buffer[end - 1] == _END else False


def _consumer(to: bytes) -> str:
    return to[2:].decode(errors="surrogateescape")


def _may_begin(start: bytes, kind: int, channel: int, least: int) -> bool:
    """Return whether a frame that isn't whole may be of this kind, and not too large."""
    if len(start) < _START.size:
        return start[:1] in (b"", bytes([kind]))
    found, number, size = _START.unpack_from(start)
    return (found, number) == (kind, channel) and least <= size <= AWAITED


@lru_cache(maxsize=1024)
def _route(found: bytes) -> tuple[str, str, bool] | None:
    """Read what a delivery's method ends with: the exchange, the key, whether it came before."""
    try:
        exchange, at = data.decode_short_string(found, 1)
        key, at = data.decode_short_string(found, at)
    except (struct.error, IndexError):  # IndexError: pika 1.5
        return None
    is_whole = at == len(found) - 1 and found[at] == _END
    return (plain(exchange), plain(key), bool(found[0] & 1)) if is_whole else None


@lru_cache(maxsize=1024)
def _flagged(flags: int) -> tuple[str, ...] | None:
    """Name the properties that are there; None where more flags follow."""
    return None if flags & 1 else tuple(name for flag, name in _FLAGS.items() if flags & flag)


def _properties(flags: int, encoded: bytes) -> tuple[dict[str, Any], Mapping[str, Any]] | None:
    """Read properties, up to the end of their frame, and the headers; None: not well-formed."""
    fields: dict[str, Any] = {}
    headers: Mapping[Any, Any] = {}
    names, at = _flagged(flags), 0
    if names is None or encoded[-1] != _END:
        return None
    try:
        for name in names:
            if name == "headers":
                headers, at = data.decode_table(encoded, at)
            elif name in {"delivery_mode", "priority"}:
                fields[name] = encoded[at]
                at += 1
            elif name == "timestamp":
                fields[name] = _TIME.unpack_from(encoded, at)[0]
                at += 8
            else:
                start = at + 1
                at = start + encoded[at]
                text = encoded[start:at]
                try:
                    fields[name] = text.decode()
                except UnicodeDecodeError:
                    fields[name] = text
    except Exception:  # noqa: BLE001 -- whatever it is, pika meets it again
        return None
    return (fields, headers) if at == len(encoded) - 1 else None
