"""A TCP proxy that breaks connections as networks do, and servers that are no broker."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Self

LOOPBACK = "127.0.0.1"
CERTIFICATE = Path(__file__).with_name("localhost.pem")  # self-signed, for localhost, with its key
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, send nothing more

Late = SimpleQueue[tuple[float, bytes] | None]
"""What travels, each piece with the time it is due; None: the sender has closed."""


class Way(Enum):
    """The two ways that bytes go."""

    UP = "to the broker"
    DOWN = "to the client"


@dataclass(frozen=True, slots=True)
class Shape:
    """How bytes travel: seconds late, plus up to `jitter`; bytes a second; bytes at a time."""

    delay: float = 0.0
    jitter: float = 0.0
    rate: int | None = None
    slice: int = 65536


PLAIN = Shape()


@dataclass
class _Pair:
    """One client's connection and the one made for it."""

    client: socket.socket
    server: socket.socket
    swallows: set[Way] = field(default_factory=set)
    moves: threading.Event = field(default_factory=threading.Event)

    def ends(self, way: Way) -> tuple[socket.socket, socket.socket]:
        """Give where the bytes of one way come from, and where they go."""
        return (self.client, self.server) if way is Way.UP else (self.server, self.client)

    def reset(self) -> None:
        self.moves.set()
        for each in (self.client, self.server):
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Proxy:
    """Forwards to a port of this machine until told otherwise.

    `faults` counts the connections that were broken and the pieces that travelled in another
    shape than plain: a test of a fault asserts that it is not 0. `connections` counts all.
    """

    def __init__(self, target: int, shape: Shape = PLAIN, chance: Random | None = None) -> None:
        self._target = target
        self._listener = socket.create_server((LOOPBACK, 0))
        self._pairs: list[_Pair] = []
        self._threads: list[threading.Thread] = []
        self._triggers: dict[Way, tuple[int, Callable[[], None]]] = {}
        self._lock = threading.Lock()
        self._chance = chance or Random()
        self.shape = shape
        self.port: int = self._listener.getsockname()[1]
        self.faults = 0
        self.connections = 0

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        for thread in self._threads:
            thread.join(5)

    def through(self, url: str) -> str:
        """Lead a broker's URL through here."""
        return url.replace(f"{LOOPBACK}:{self._target}", f"{LOOPBACK}:{self.port}")

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

    def freeze(self, *ways: Way) -> None:
        """Swallow what is sent on the connections of now, both ways or one; leave them open."""
        for pair in self._pairs:
            self.faults += 1
            pair.swallows.update(ways or Way)

    def leave(self) -> None:
        """Reset the clients' side of the connections of now; the broker sees nothing of it."""
        self.freeze()
        for pair in self._pairs:
            pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            pair.client.shutdown(socket.SHUT_RDWR)
            pair.client.close()

    def stall(self) -> None:
        """Read no more from the connections of now, so that their windows fill."""
        for pair in self._pairs:
            self.faults += 1
            pair.moves.clear()

    def after(self, count: int, fault: Callable[[], None], way: Way = Way.UP) -> None:
        """Let a fault happen once, when exactly so many bytes more have gone one way."""
        self._triggers[way] = (count, fault)

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
            self.connections += 1
            try:
                server = socket.create_connection((LOOPBACK, self._target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, server)
            pair.moves.set()
            self._pairs.append(pair)
            for way in Way:
                travelling: Late = SimpleQueue()
                self._spawn(self._read, pair, way, travelling)
                self._spawn(self._write, pair, way, travelling)

    def _read(self, pair: _Pair, way: Way, travelling: Late) -> None:
        source, _ = pair.ends(way)
        with suppress(OSError):
            while data := source.recv(65536):
                late = self.shape.delay + self._chance.uniform(0, self.shape.jitter)
                travelling.put((time.monotonic() + late, data))
                pair.moves.wait()
                while self.shape.rate and travelling.qsize() > 4:
                    time.sleep(0.01)  # a slow line holds little: its sender has to wait
        travelling.put(None)

    def _write(self, pair: _Pair, way: Way, travelling: Late) -> None:
        _, target = pair.ends(way)
        with suppress(OSError):
            while (piece := travelling.get()) is not None:
                due, data = piece
                time.sleep(max(0.0, due - time.monotonic()))
                pair.moves.wait()
                self._forward(pair, way, data)
            if way not in pair.swallows:
                target.shutdown(socket.SHUT_WR)

    def _forward(self, pair: _Pair, way: Way, data: bytes) -> None:
        """Send on what has arrived, up to the byte at which a fault is due, then the rest."""
        with self._lock:
            left, fault = self._triggers.pop(way, (0, None))
            if fault and left > len(data):
                self._triggers[way] = (left - len(data), fault)
                fault = None
        if fault:
            self._send(pair, way, data[:left])
            fault()
            data = data[left:]
        self._send(pair, way, data)

    def _send(self, pair: _Pair, way: Way, data: bytes) -> None:
        _, target = pair.ends(way)
        shape = self.shape
        for start in range(0, len(data), shape.slice):
            if way in pair.swallows:
                return
            self.faults += shape != PLAIN
            target.sendall(data[start : start + shape.slice])
            if shape.rate:
                time.sleep(min(shape.slice, len(data) - start) / shape.rate)


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


def garbage(client: socket.socket) -> None:
    """Send a gigabyte that looks like the beginning of one huge frame."""
    for _ in range(1024):
        client.sendall(b"A" * 1024 * 1024)


def hang_up(client: socket.socket) -> None:
    """Close the connection at once, as a proxy does whose server is down."""
    client.close()


def free_port() -> int:
    """Find a port on which nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
