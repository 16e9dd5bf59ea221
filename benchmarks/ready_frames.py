"""What RabbitMQ can confirm on this machine: frames made before, a window of 500, nothing else.

`python -m benchmarks.ready_frames FILE COUNT` prints the seconds and the seconds of CPU that
COUNT events took, persistent, mandatory, confirmed. A publisher with that window, which has to
read and check its events as well, stays below it.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pika
from pika import frame, spec

from medtrack_cli.broker.amqp.frames import small_frames
from medtrack_cli.core.messages import Message
from medtrack_cli.private_broker import EXCHANGE

WINDOW = 500
READ = 65_536


def main(file: str, count: int) -> None:
    """Write the frames to the connection's own socket and count the answers."""
    with Path(file).open("rb") as lines:
        bodies = [line.rstrip(b"\n") for line in islice(lines, count)]
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["MEDTRACK_URL"]))
    channel = connection.channel()
    channel.confirm_delivery()
    stream = connection._impl._transport._sock  # type: ignore[attr-defined] # noqa: SLF001
    stream.setblocking(True)  # noqa: FBT003 -- its only form
    frames = [_frames(position, body, int(channel)) for position, body in enumerate(bodies)]
    started, cpu = time.perf_counter(), time.process_time()
    sent = 0
    for confirmed in _confirmed(stream):
        if (sent - confirmed) * 2 <= WINDOW and sent < count:
            until = min(confirmed + WINDOW, count)
            stream.sendall(b"".join(frames[sent:until]))
            sent = until
        if confirmed == count:
            break
    print(time.perf_counter() - started, time.process_time() - cpu)


def _frames(position: int, body: bytes, channel: int) -> bytes:
    key = "student.created"
    message = Message(position, "", 1, key, key, f"{position:036}", body)
    made = small_frames(message, channel, EXCHANGE)
    if made is None:
        raise SystemExit("an event is too large to be one frame")
    return made


def _confirmed(stream: socket.socket) -> Iterator[int]:
    """Yield how many are confirmed: first 0, then whenever an answer came. They come in order."""
    confirmed, unread = 0, b""
    yield confirmed
    while received := stream.recv(READ):
        unread += received
        while True:
            size, answer = frame.decode_frame(unread)
            if answer is None:
                break
            unread = unread[size:]
            if isinstance(answer, frame.Method) and isinstance(answer.method, spec.Basic.Ack):
                confirmed = answer.method.delivery_tag
        yield confirmed


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
