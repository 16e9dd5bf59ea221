"""Servers that do what a firewall does, or what a broker with strict TLS does."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.proxy import LOOPBACK, serving, silence


@contextmanager
def dropping() -> Iterator[int]:
    """Give a port at which no connection is refused and none comes: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        while True:
            filling = stack.enter_context(socket.socket())
            filling.settimeout(0.2)
            try:
                filling.connect((LOOPBACK, port))
            except TimeoutError:
                break
        yield port


@contextmanager
def wanting_certificate(pair: Path, ca_file: Path) -> Iterator[int]:
    """Serve TLS to those alone that show a certificate; give the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    context.load_verify_locations(ca_file)
    context.verify_mode = ssl.CERT_REQUIRED

    def answer(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as secured:
            silence(secured)

    with serving(answer) as port:
        yield port
