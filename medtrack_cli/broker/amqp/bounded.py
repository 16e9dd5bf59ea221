"""The most that the other side may send: pika would load whatever is announced into memory."""

from typing import Any

from pika import exceptions, frame, spec

from medtrack_cli.broker.amqp.greeting import GreetedConnection

MAX_BODY = 128 * 1024 * 1024  # RabbitMQ's own default, until 4.0 made it 16 MiB
# Publishers' properties are within a frame of 128 KiB; dead-lettering adds to them.
MAX_PROPERTIES = 1024 * 1024
_SMALLEST_PIECE = 256  # bytes of a body, on average; RabbitMQ fills each frame but the last
_FEW_PIECES = 1000
_FRAMES = {spec.FRAME_METHOD, spec.FRAME_HEADER, spec.FRAME_BODY, spec.FRAME_HEARTBEAT}


class TooMuch(exceptions.ProtocolSyntaxError):
    """More was sent or announced than AMQP allows, or than we accept."""

    def __init__(self, what: str, size: int, most: int) -> None:
        super().__init__(f"{what}: {size:,}, and {most:,} at most are taken")


class BoundedConnection(GreetedConnection):
    """A connection that ends with TooMuch before an oversized message is assembled.

    pika has no public hook for that: this reads its buffer, and a test checks that it is called.
    """

    _frame_buffer: bytes  # received, but not a whole frame yet

    broken_by: exceptions.AMQPError | None = None  # pika keeps it only under a mangled name
    properties_size = 0  # bytes, of the last message's
    _announced = _pieces = 0

    def _on_data_available(self, data_in: bytes) -> None:
        try:
            super()._on_data_available(data_in)
        except exceptions.AMQPError as error:
            self.broken_by = error
            raise

    def _read_frame(self) -> tuple[int, Any]:
        consumed, found = super()._read_frame()  # type: ignore[misc] # not in the stubs
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
