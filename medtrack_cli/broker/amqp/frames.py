"""Messages as AMQP frames.

pika builds and writes three frame objects a message. A message whose body is a single frame, which
is nearly all of the traffic, is written here into one buffer instead; tests compare every byte with
pika's own marshalling. Anything else goes through pika's `basic_publish`.
"""

import struct
from functools import lru_cache
from typing import Any

from pika import BasicProperties, spec
from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import AMQPError
from pika.frame import Method

from medtrack_cli.core.messages import Message, beyond_limits

CONTENT_TYPE = "application/json"
PERSISTENT = 2

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
_FLAGS = (
    BasicProperties.FLAG_CONTENT_TYPE
    | BasicProperties.FLAG_DELIVERY_MODE
    | BasicProperties.FLAG_MESSAGE_ID
)
_BEFORE_ID = (
    struct.pack(">H", _FLAGS)
    + bytes([len(CONTENT_TYPE)])
    + CONTENT_TYPE.encode()
    + bytes([PERSISTENT])
)
_SHORT = 255  # bytes of a text that every field can carry
_MODES = ("delivery_mode", "priority")
_TEXTS = frozenset(
    ("content_type", "content_encoding", "correlation_id", "reply_to", "type", "app_id")
)
_MANY = 32  # headers, each of less than a KiB: far from a frame


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
        properties = b"".join((_BEFORE_ID, bytes([len(message_id)]), message_id))
    else:
        properties = b"".join(properties_of(message).encode())
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
    if (message.properties is None and message.headers is None) or _is_simple(message):
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


def _is_simple(message: Message) -> bool:
    """Return whether AMQP can surely carry a message, without marshalling it; True for most."""
    headers = message.headers or {}
    if len(headers) > _MANY or not _is_short(message.message_id):
        return False
    for name, value in (message.properties or {}).items():
        is_text = name in _TEXTS
        if not (_is_short(value) if is_text else name in _MODES and _is_whole(value, 0, 255)):
            return False
    for name, value in headers.items():
        if not (_is_short(name) and (_is_short(value) or _is_whole(value, -(2**31), 2**31 - 1))):
            return False
    return True


def _is_short(value: object) -> bool:
    return type(value) is str and value.isascii() and len(value) <= _SHORT


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def properties_of(message: Message) -> BasicProperties:
    """Give the AMQP properties a message is sent with: its own, or persistent JSON."""
    if message.properties is None:
        fields: dict[str, Any] = {"content_type": CONTENT_TYPE, "delivery_mode": PERSISTENT}
    else:
        fields = {**message.properties}
    fields["message_id"] = message.message_id
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
