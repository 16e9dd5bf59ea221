"""A server that speaks just enough AMQP to mislead a publisher: what no real broker does."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pika import amqp_object, frame, spec

from tests.faults.proxy import serving

Send = Callable[..., None]
Answer = Callable[[Send, int], None]
"""Is told each time a message has come, and the how many-th on this connection it is."""

CAPABILITIES = {"basic.nack": True, "publisher_confirms": True}
PROPERTIES: dict[str, Any] = {
    "product": "RabbitMQ",
    "version": "3.10.8",
    "capabilities": CAPABILITIES,
}


@contextmanager
def fake_broker(answer: Answer) -> Iterator[int]:
    """Take every login, put channels into confirm mode, and `answer` messages; give the port."""
    with serving(lambda peer: _serve(peer, answer)) as port:
        yield port


def _serve(peer: socket.socket, answer: Answer) -> None:
    def send(*methods: amqp_object.Method, channel: int = 1) -> None:
        peer.sendall(b"".join(frame.Method(channel, each).marshal() for each in methods))

    count = 0
    for channel, method in _methods(peer, lambda: send(_start(), channel=0)):
        match method:
            case spec.Connection.StartOk():
                send(spec.Connection.Tune(10, 131_072, 60), channel=0)
            case spec.Connection.Open():
                send(spec.Connection.OpenOk(), channel=0)
            case spec.Connection.Close():
                send(spec.Connection.CloseOk(), channel=0)
                return
            case spec.Channel.Open():
                send(spec.Channel.OpenOk(), channel=channel)
            case spec.Confirm.Select():
                send(spec.Confirm.SelectOk(), channel=channel)
                answer(send, 0)
            case spec.Basic.Publish():
                count += 1
                answer(send, count)


def _start() -> spec.Connection.Start:
    return spec.Connection.Start(0, 9, PROPERTIES, "PLAIN", "en_US")


def _methods(
    peer: socket.socket, greet: Callable[[], None]
) -> Iterator[tuple[int, amqp_object.Method]]:
    """Read the methods that a client sends, behind its protocol header."""
    peer.recv(8, socket.MSG_WAITALL)
    greet()
    data = b""
    while received := peer.recv(65_536):
        data += received
        while True:
            size, found = frame.decode_frame(data)
            if found is None:
                break
            data = data[size:]
            if isinstance(found, frame.Method):
                yield found.channel_number, found.method
