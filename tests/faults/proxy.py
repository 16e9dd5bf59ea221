"""A TCP proxy that breaks connections as networks do, and servers that are no broker."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
CERTIFICATE = Path(__file__).with_name("localhost.pem")  # self-signed, for localhost, with its key
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, send nothing more


@dataclass
class _Pair:
    """One client's connection and the one made for it."""

    client: socket.socket
    server: socket.socket
    frozen: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        for each in (self.client, self.server):
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Proxy:
    """Forwards to a port of this machine until told otherwise.

    `faults` counts the connections that were broken: a test of a fault asserts that it is not 0.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server((LOOPBACK, 0))
        self._pairs: list[_Pair] = []
        self._threads: list[threading.Thread] = []
        self._trigger: tuple[int, Callable[[], None]] | None = None
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.faults = 0

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        for thread in self._threads:
            thread.join(5)

    def close(self) -> None:
        """Take no more connections, and reset those that stand."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            pair.reset()

    def cut(self) -> None:
        """Reset every connection that stands now; new ones are welcome."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            self.faults += 1
            pair.reset()

    def freeze(self) -> None:
        """Swallow all that is sent on the connections of now, and leave them open."""
        for pair in self._pairs:
            self.faults += 1
            pair.frozen.set()

    def after(self, count: int, fault: Callable[[], None]) -> None:
        """Let a fault happen once, when clients have sent so many bytes more."""
        self._trigger = (count, fault)

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((LOOPBACK, self._target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            pair = _Pair(client, server)
            self._pairs.append(pair)
            self._spawn(self._pump, pair, client, server)
            self._spawn(self._pump, pair, server, client)

    def _pump(self, pair: _Pair, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source is pair.client:
                    self._count(len(data))
                if not pair.frozen.is_set():
                    target.sendall(data)
            if not pair.frozen.is_set():
                target.shutdown(socket.SHUT_WR)

    def _count(self, size: int) -> None:
        with self._lock:
            if self._trigger is None:
                return
            left, fault = self._trigger[0] - size, self._trigger[1]
            self._trigger = (left, fault) if left > 0 else None
        if left <= 0:
            fault()


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve every client with `answer` in a thread of its own; give the port."""
    listener = socket.create_server((LOOPBACK, 0))
    clients: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                threading.Thread(target=_quietly, args=(answer, client), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for client in clients:
            client.close()


def _quietly(answer: Callable[[socket.socket], None], client: socket.socket) -> None:
    with suppress(OSError):
        answer(client)


def silence(client: socket.socket) -> None:
    """Read everything and never answer."""
    while client.recv(65536):
        pass


def http(client: socket.socket) -> None:
    """Answer as a web server does to what is no HTTP."""
    client.recv(65536)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    client.shutdown(socket.SHUT_WR)
    silence(client)


def tls(client: socket.socket) -> None:
    """Speak TLS and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with context.wrap_socket(client, server_side=True) as wrapped:
        silence(wrapped)


def free_port() -> int:
    """Find a port on which nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
