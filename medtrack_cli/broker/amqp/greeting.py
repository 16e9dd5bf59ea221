"""A server's first words: a broker's first frame, or those of another protocol.

pika takes any words for the start of a frame, and waits for its gigabytes.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pika import exceptions, spec
from pika.adapters.select_connection import SelectConnection
from pika.credentials import PlainCredentials

from medtrack_cli.broker.amqp.channel import WholeChannel

_FRAME = b"\x01\x00\x00"  # how a broker's first frame begins: a method, on channel 0
_ALERT = b"\x15\x03"  # how TLS begins to say that it understood nothing
_MOST = 64  # bytes of it that are kept
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


class Agreed(NamedTuple):
    """What was negotiated when the broker accepted the login."""

    heartbeat: int  # seconds
    frame_max: int  # bytes


class GreetedConnection(SelectConnection):
    """A connection that ends at once if the first words are no broker's.

    `heard_at` is when anything last came, by the monotonic clock. `of_itself` holds the broker's
    properties, also after the connection is lost.
    """

    first_words = b""
    heard_at = 0.0
    of_itself: Mapping[str, Any] = {}
    agreed: Agreed | None = None

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
        self.heard_at = time.monotonic()
        if len(self.first_words) < _MOST:
            self.first_words += data_in[: _MOST - len(self.first_words)]
            if is_foreign(self.first_words) and _is_enough(self.first_words):
                raise exceptions.IncompatibleProtocolError("no AMQP")
        parent: Any = super()
        parent._on_data_available(data_in)  # noqa: SLF001 -- pika has no public place for it


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
