"""A stranger's broker that writes down all it is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pika import spec
from pika.frame import Method

# 127.1 leads to this machine, but isn't one of its names: so it is an address beyond it.
OUTSIDE = "127.1"
_START = Method(0, spec.Connection.Start(0, 9, {}, "PLAIN", "en_US")).marshal()


class Listener:
    """Asks everyone who connects for a login, writes it down and hangs up."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.port: int = server.getsockname()[1]
        self.received = b""
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed: the test is over
                return
            with client:
                client.settimeout(10)
                try:
                    self.received += client.recv(65536)
                    client.sendall(_START)
                    while data := client.recv(65536):
                        self.received += data
                        if b"PLAIN" in self.received:
                            break
                except OSError as error:
                    self.received += str(error).encode()


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server)
        yield listener
        server.shutdown(socket.SHUT_RDWR)
        listener.thread.join(10)
