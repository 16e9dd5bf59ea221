"""Messages as AMQP frames.

pika builds and writes three frame objects a message. A message whose body is a single frame, which
is nearly all of the traffic, is written here into one buffer instead; tests compare every byte with
pika's own marshalling. Anything else goes through pika's `basic_publish`.
"""

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pika import BasicProperties, spec
from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import AMQPError
from pika.frame import Method

from medtrack_cli.core.messages import PLAIN_PROPERTIES, Message, beyond_limits

# With a pika that lacks this private call, every message goes through `basic_publish`.
_CAN_WRITE_FRAMES = hasattr(Connection, "_output_marshaled_frames")

# RabbitMQ's smallest frame_max is 4,096; a body within it is one frame on every connection.
_ONE_FRAME = 4096 - 8
# pika and RabbitMQ agree on frames of 128 KiB; properties are one frame, whatever their size.
_LARGEST_PROPERTIES = 131_072 - 8 - 14
_END = bytes([spec.FRAME_END])
_HEADER = struct.Struct(">BHIHHQ")
_PROPERTIES_AFTER = 12  # class, weight and size of the body
_BODY = struct.Struct(">BHI")
_SHORT = 255  # bytes of a text that every field can carry
_MANY = 32  # headers, each of less than a KiB: far from a frame
_WORD = struct.Struct(">H")
_LENGTH = struct.Struct(">I")
_TEXT = struct.Struct(">BI")  # of a header: S, and its length
_NUMBER = struct.Struct(">Bi")  # I, and 32 bits
_S, _I = b"SI"
# By their places on the wire: what is before the headers, between them and the id, and after it.
_ORDER = (
    ("content_type", "content_encoding"),
    ("delivery_mode", "priority", "correlation_id", "reply_to"),
    ("type", "app_id"),
)
_TYPES = {name: int if name in _ORDER[1][:2] else str for names in _ORDER for name in names}
_OF_PLAIN = tuple(PLAIN_PROPERTIES.items())


@lru_cache(maxsize=1024)
def _publish_frame(channel_number: int, exchange: str, routing_key: str) -> bytes:
    method = spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True)
    return Method(channel_number, method).marshal()


def small_frames(message: Message, channel_number: int, exchange: str) -> bytes | None:
    """Marshal a message of one body frame; None when it needs pika's own marshalling."""
    body = message.body
    size = len(body)
    if not (0 < size <= _ONE_FRAME and _CAN_WRITE_FRAMES):
        return None
    if message.properties is None and message.headers is None:
        message_id = message.message_id.encode()
        properties = b"".join((_PLAIN, bytes((len(message_id),)), message_id))
    else:
        properties = _simple(message) or b"".join(properties_of(message).encode())
    header_size = _PROPERTIES_AFTER + len(properties)
    return b"".join(
        (
            _publish_frame(channel_number, exchange, message.routing_key),
            _HEADER.pack(spec.FRAME_HEADER, channel_number, header_size, 60, 0, size),
            properties,
            _END,
            _BODY.pack(spec.FRAME_BODY, channel_number, size),
            body,
            _END,
        )
    )


def why_unsendable(message: Message, username: str) -> str | None:
    """Say why the broker would refuse a message, or None when it can be sent.

    To be called before it is sent: a refusal closes the channel of all that is in flight.
    """
    if (reason := beyond_limits(message)) is not None:
        return reason
    if (message.properties is None and message.headers is None) or _simple(message):
        return None
    try:
        size = sum(map(len, properties_of(message).encode()))
    except (AMQPError, ValueError, TypeError, struct.error, AssertionError, OverflowError) as error:
        return f"AMQP can't carry its properties or headers ({type(error).__name__})"
    if size > _LARGEST_PROPERTIES:
        return "its properties and headers are larger than a frame of 128 KiB"
    if (message.properties or {}).get("user_id", username) != username:
        return f"user_id is not {username}, who is logged in"
    return None


def _simple(message: Message) -> bytes | None:
    """Marshal properties that AMQP can surely carry, those of most messages; None for others.

    They are short texts and small numbers, each with a name that is known or short.
    """
    own = _OF_PLAIN if message.properties is None else tuple(message.properties.items())
    for name, value in own:
        if type(value) is not _TYPES.get(name):
            return None
    if (around := _around(own)) is None or (message_id := _short(message.message_id)) is None:
        return None
    flags, before, between, after = around
    table = b""
    if message.headers:
        if (fields := _fields(message.headers)) is None:
            return None
        table, flags = _LENGTH.pack(len(fields)) + fields, flags | BasicProperties.FLAG_HEADERS
    return b"".join((_WORD.pack(flags), before, table, between, message_id, after))


@lru_cache(maxsize=1024)
def _around(own: tuple[tuple[str, Any], ...]) -> tuple[int, bytes, bytes, bytes] | None:
    """Marshal properties but for headers and id: their flags, and three parts; None for long ones.

    Only for texts and whole numbers: to the cache, others would be equal to them.
    """
    fields, flags = dict(own), BasicProperties.FLAG_MESSAGE_ID
    parts: list[bytes] = []
    for names in _ORDER:
        part = b""
        for name in names:
            if (value := fields.get(name)) is None:
                continue
            is_text = isinstance(value, str)
            piece = _short(value) if is_text else bytes([value]) if 0 <= value <= 255 else None
            if piece is None:
                return None
            flags |= getattr(BasicProperties, f"FLAG_{name.upper()}")
            part += piece
        parts.append(part)
    return flags, parts[0], parts[1], parts[2]


def _fields(headers: Mapping[str, Any]) -> bytes | None:
    """Marshal headers that are short texts and numbers of 32 bits; None for others."""
    if len(headers) > _MANY:
        return None
    pieces: list[bytes] = []
    for name, value in headers.items():
        if type(name) is not str or (named := _short_name(name)) is None:
            return None
        if type(value) is str and len(value) <= _SHORT and value.isascii():
            pieces += named, _TEXT.pack(_S, len(value)), value.encode()
        elif type(value) is int and -(2**31) <= value < 2**31:
            pieces += named, _NUMBER.pack(_I, value)
        else:
            return None
    return b"".join(pieces)


def _short(text: str) -> bytes | None:
    """Marshal a short text; None for one that may not be one."""
    if len(text) <= _SHORT and text.isascii():
        return bytes((len(text),)) + text.encode()
    return None


_short_name = lru_cache(maxsize=1024)(_short)
_PLAIN = (_simple(Message(1, "", 1, None, "", "", b"")) or b"")[:-1]  # without the id's length


def properties_of(message: Message) -> BasicProperties:
    """Give the AMQP properties a message is sent with: its own, or persistent JSON."""
    own = PLAIN_PROPERTIES if message.properties is None else message.properties
    fields = {**own, "message_id": message.message_id}
    return BasicProperties(headers=dict(message.headers) if message.headers else None, **fields)


def write(channel: Channel, messages: list[Message], exchange: str) -> None:
    """Write messages to an open channel, mandatory, in order. On the I/O thread only."""
    buffers: list[bytes] = []
    for message in messages:
        via = exchange if message.exchange is None else message.exchange
        frames = small_frames(message, channel.channel_number, via)
        if frames is None:
            _emit(channel, buffers)
            buffers = []
            channel.basic_publish(
                via, message.routing_key, message.body, properties_of(message), mandatory=True
            )
        else:
            buffers.append(frames)
    _emit(channel, buffers)


def _emit(channel: Channel, buffers: list[bytes]) -> None:
    # A private call of pika: it writes marshalled frames to the socket.
    if buffers:
        channel.connection._output_marshaled_frames([b"".join(buffers)])  # type: ignore[attr-defined] # noqa: SLF001
