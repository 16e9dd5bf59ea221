"""A connection that takes only what a broker says, and no more of it than fits into memory.

pika takes any first words for the start of a frame, and waits for its gigabytes.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pika import exceptions, frame, spec
from pika.adapters.select_connection import SelectConnection
from pika.credentials import PlainCredentials

from medtrack_cli.broker.amqp.deliveries import WholeChannel, read_run

MAX_BODY = 128 * 1024 * 1024  # RabbitMQ's own default, until 4.0 made it 16 MiB
# Publishers' properties are within a frame of 128 KiB; dead-lettering adds to them.
MAX_PROPERTIES = 1024 * 1024
_SMALLEST_PIECE = 256  # bytes of a body, on average; RabbitMQ fills each frame but the last
_FEW_PIECES = 1000
_FRAMES = {spec.FRAME_METHOD, spec.FRAME_HEADER, spec.FRAME_BODY, spec.FRAME_HEARTBEAT}
_METHOD = slice(spec.FRAME_HEADER_SIZE, spec.FRAME_HEADER_SIZE + 4)  # its number in its frame
_DELIVER = spec.Basic.Deliver.INDEX.to_bytes(4)
_FRAME = b"\x01\x00\x00"  # how a broker's first frame begins: a method, on channel 0
_ALERT = b"\x15\x03"  # how TLS begins to say that it understood nothing
_MOST = 64  # bytes of the first words that are kept
_ENOUGH = 8  # bytes needed to judge unknown words: a protocol header's
_SHOWN = 40  # characters
_PROTOCOLS = (
    (rb"AMQP(\x03|.?\x01\x00\x00)", "AMQP 1.0, and not 0-9-1"),
    (rb"AMQP....", "another version of AMQP than 0-9-1"),
    (rb"SSH-", "SSH"),
    (rb"HTTP/", "HTTP"),
    (rb"220[ -]", "SMTP or FTP"),
    (rb"-(ERR|NOAUTH|DENIED|WRONGPASS)", "Redis"),
    (rb"\+OK", "POP3"),
    (rb"\* OK", "IMAP"),
    (rb"INFO \{", "NATS"),
    (rb"E\x00\x00..[SC]", "PostgreSQL"),
    (rb"...\x00[\x0a\xff]", "MySQL"),
)


class TooMuch(exceptions.ProtocolSyntaxError):
    """More was sent or announced than AMQP allows, or than we accept."""

    def __init__(self, what: str, size: int, most: int) -> None:
        super().__init__(f"{what}: {size:,}, and {most:,} at most are taken")


class Agreed(NamedTuple):
    """What was negotiated when the broker accepted the login."""

    heartbeat: int  # seconds
    frame_max: int  # bytes


class BoundedConnection(SelectConnection):
    """A connection that ends at once if its first words are no broker's.

    With TooMuch it ends before an oversized message is assembled. pika has no public hook for that:
    this takes its frames out of what came, in place of pika. `read_at` is when anything last came,
    by the monotonic clock. `of_itself` holds the broker's properties, also after the
    connection is lost.
    """

    _frame_buffer: bytes  # received, but not a whole frame yet
    bytes_received: int
    _channels: Mapping[int, WholeChannel]

    first_words = b""
    read_at = 0.0
    of_itself: Mapping[str, Any] = {}
    agreed: Agreed | None = None
    broken_by: exceptions.AMQPError | None = None  # pika keeps it only under a mangled name
    properties_size = 0  # bytes, of the last message's
    _announced = _pieces = 0

    def _on_connection_start(self, method_frame: Any) -> None:  # noqa: ANN401 -- pika's frame
        self.of_itself = method_frame.method.server_properties or {}
        parent: Any = super()
        parent._on_connection_start(method_frame)  # noqa: SLF001 -- no public place for it

    def _on_connection_tune(self, method_frame: Any) -> None:  # noqa: ANN401
        parent: Any = super()
        parent._on_connection_tune(method_frame)  # noqa: SLF001
        agreed: Any = self.params
        self.agreed = Agreed(agreed.heartbeat, agreed.frame_max)

    def _create_channel(self, number: int, opened: Any) -> WholeChannel:  # noqa: ANN401 -- a callback
        return WholeChannel(self, number, opened)

    def _on_data_available(self, data_in: bytes) -> None:
        self.read_at = time.monotonic()
        own: Any = self
        try:
            if len(self.first_words) < _MOST:
                self.first_words += data_in[: _MOST - len(self.first_words)]
                if is_foreign(self.first_words) and _is_enough(self.first_words):
                    raise exceptions.IncompatibleProtocolError("no AMQP")
            self._frame_buffer = bytes(self._frame_buffer) + data_in  # pika 1.5 has a bytearray
            while self._frame_buffer:
                consumed, found = self._read_frame()
                if found is None:
                    break
                self._drop(consumed)
                own._process_frame(found)  # noqa: SLF001 -- no public place for it
        except exceptions.AMQPError as error:
            self.broken_by = error
            raise

    def _drop(self, count: int) -> None:
        """Drop what was read; pika counts it to see whether the broker lives."""
        self._frame_buffer = self._frame_buffer[count:]
        self.bytes_received += count

    def _read_frame(self) -> tuple[int, Any]:
        if self._pass_on():
            return 0, None
        consumed, found = frame.decode_frame(self._frame_buffer)
        if found is None:  # no large one is complete at once
            self._check_start(self._frame_buffer[: spec.FRAME_HEADER_SIZE])
        elif isinstance(found, frame.Header):
            self.properties_size = consumed
            self._announced, self._pieces = found.body_size, 0
            _check("bytes of a message's body", found.body_size, MAX_BODY)
        elif isinstance(found, frame.Body):
            self._pieces += 1
            most = self._announced // _SMALLEST_PIECE + _FEW_PIECES
            _check("pieces of a message's body", self._pieces, most)
        return consumed, found

    def _pass_on(self) -> bool:
        """Pass on the deliveries that come first; return whether to wait for the rest of one."""
        while self._frame_buffer[_METHOD] == _DELIVER:
            channel = self._channels.get(int.from_bytes(self._frame_buffer[1:3]))
            if channel is None or not channel.is_between:
                break
            run = read_run(self._frame_buffer)
            if run.arrivals:
                self._drop(run.end)
                channel.pass_on(run.consumer, run.arrivals)
            elif not run.is_cut:
                break
            if run.is_cut:
                return True
        return False

    def _check_start(self, start: bytes) -> None:
        """Check a frame's type and size, which come first."""
        largest = self.params.frame_max
        if len(start) < spec.FRAME_HEADER_SIZE or start.startswith(b"AMQP"):
            return
        if start[0] in _FRAMES:
            most = MAX_PROPERTIES if start[0] == spec.FRAME_HEADER else largest
            _check("bytes of a frame", int.from_bytes(start[3:]), most)
        elif len(self._frame_buffer) > largest:  # it will not become a frame
            raise exceptions.InvalidFrameError("unknown type")


def _check(what: str, size: int, most: int) -> None:
    if size > most:
        raise TooMuch(what, size, most)


class Login(PlainCredentials):
    """Name and password; where the server doesn't accept them, the error names what it does."""

    def response_for(self, start: spec.Connection.Start) -> tuple[str | None, bytes | None]:
        mechanisms: str | bytes = start.mechanisms  # bytes where they are no UTF-8
        offered = (mechanisms.encode() if isinstance(mechanisms, str) else mechanisms).split()
        if self.TYPE.encode() not in offered:
            names = (each.decode("ascii", "backslashreplace") for each in offered)
            raise exceptions.AuthenticationError(*names)
        answer: tuple[str | None, bytes | None] = super().response_for(start)
        return answer


def is_foreign(words: bytes) -> bool:
    """Return whether first words can't be those of a broker."""
    return not _FRAME.startswith(words[: len(_FRAME)])


def is_alert(words: bytes) -> bool:
    """Return whether first words are a TLS alert that it understood nothing."""
    return words.startswith(_ALERT)


def described(words: bytes, hide: Callable[[bytes], str]) -> str:
    """Name the protocol of foreign words, or give their first line if it is complete.

    `hide` makes a line safe to show; it could not recognise half a password.
    """
    if name := _name(words):
        return f"it speaks {name}"
    line, newline, _ = words.partition(b"\n")
    shown = hide(line.rstrip(b"\r"))[:_SHOWN]
    return f"it begins with {shown!r}" if newline else ""


def _is_enough(words: bytes) -> bool:
    is_line = b"\n" in words or len(words) >= _ENOUGH
    return is_line or is_alert(words) or _name(words) is not None


def _name(words: bytes) -> str | None:
    found = (name for start, name in _PROTOCOLS if re.match(start, words, re.DOTALL))
    return next(found, None)
