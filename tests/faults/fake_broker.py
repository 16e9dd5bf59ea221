"""A server that speaks just enough AMQP to mislead a client: what no real broker does."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pika import amqp_object, frame, spec

from medtrack_cli.core.connection_settings import Host
from tests.broker.publishing import Published, publish
from tests.broker.witness import settings_of
from tests.builders import message
from tests.faults.proxy import LOOPBACK, serving

Send = Callable[..., None]
Answer = Callable[[Send, int], None]
"""Is told each time a message has come, and the how many-th on this connection it is.

0: the channel has just been put into confirm mode, or a consumer has begun.
"""

CAPABILITIES = {"basic.nack": True, "publisher_confirms": True}
PROPERTIES: dict[str, Any] = {
    "product": "RabbitMQ",
    "version": "3.10.8",
    "capabilities": CAPABILITIES,
}

_PLAIN = {
    spec.Connection.Open: spec.Connection.OpenOk,
    spec.Connection.Close: spec.Connection.CloseOk,
    spec.Channel.Open: spec.Channel.OpenOk,
    spec.Channel.Close: spec.Channel.CloseOk,
    spec.Confirm.Select: spec.Confirm.SelectOk,
    spec.Queue.Bind: spec.Queue.BindOk,
    spec.Basic.Qos: spec.Basic.QosOk,
}


@contextmanager
def fake_broker(answer: Answer, mechanisms: str = "PLAIN", **said: object) -> Iterator[int]:
    """Take every login, put channels into confirm mode, and `answer` messages; give the port.

    `said` is what it says of itself that is not as PROPERTIES have it.
    """
    start = spec.Connection.Start(0, 9, PROPERTIES | said, mechanisms, "en_US")
    with serving(lambda peer: _serve(peer, start, answer)) as port:
        yield port


def published_to(answer: Answer, count: int = 20, retry_for: float = 2) -> Published:
    """Publish to a server that answers so."""
    with fake_broker(answer) as port:
        settings = settings_of("amqp://a:b@h", hosts=(Host(LOOPBACK, port),))
        sent = [message(each) for each in range(1, count + 1)]
        return publish(settings, sent, retry_for=retry_for)


def _serve(peer: socket.socket, start: spec.Connection.Start, answer: Answer) -> None:
    def send(*given: amqp_object.Method | bytes, channel: int = 1) -> None:
        for each in given:
            if isinstance(each, spec.Basic.Deliver):
                each.consumer_tag = consumer_tag
        peer.sendall(b"".join(_wired(each, channel) for each in given))

    count, consumer_tag = 0, ""
    for channel, method in _methods(peer, lambda: send(start, channel=0)):
        if agreed := _agreed(method):
            send(agreed, channel=channel)
        match method:
            case spec.Connection.Close():
                return
            case spec.Confirm.Select():
                answer(send, 0)
            case spec.Basic.Publish():
                count += 1
                answer(send, count)
            case spec.Basic.Consume():
                consumer_tag = method.consumer_tag
                answer(send, 0)


def _agreed(method: Any) -> amqp_object.Method | None:
    """Give the broker's yes to a request; None where there is nothing to say."""
    match method:
        case spec.Connection.StartOk():
            return spec.Connection.Tune(10, 131_072, 60)
        case spec.Queue.Declare():
            return spec.Queue.DeclareOk(method.queue, 0, 0)
        case spec.Basic.Consume():
            return spec.Basic.ConsumeOk(method.consumer_tag)
    return _PLAIN[type(method)]() if type(method) in _PLAIN else None


def _wired(given: amqp_object.Method | bytes, channel: int) -> bytes:
    if isinstance(given, bytes):
        return given
    wired: bytes = frame.Method(channel, given).marshal()
    return wired


def _methods(
    peer: socket.socket, greet: Callable[[], None]
) -> Iterator[tuple[int, amqp_object.Method]]:
    """Read the methods that a client sends, after its protocol header."""
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
