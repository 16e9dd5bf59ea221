"""Certificate authorities that live as long as a test run, and servers that show their work."""

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.faults.proxy import serving


@dataclass(frozen=True)
class Authority:
    """An authority and the folder that its files are written to."""

    folder: Path
    signer: trustme.CA = field(default_factory=trustme.CA)

    @property
    def ca_file(self) -> Path:
        return self._written("ca.pem", self.signer.cert_pem.bytes())

    def pair(self, name: str, *identities: str, **more: Any) -> Path:
        """Issue a certificate and write it into one file with its key."""
        issued = self.signer.issue_cert(*identities, **more)
        return self._written(f"{name}.pem", issued.private_key_and_cert_chain_pem.bytes())

    def encrypted(self, name: str, identity: str, passphrase: str) -> tuple[Path, Path]:
        """Issue a certificate, and write it and its encrypted key."""
        issued = self.signer.issue_cert(identity)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())
        )
        certificate = self._written(f"{name}.crt", issued.cert_chain_pems[0].bytes())
        return certificate, self._written(f"{name}.key", key)

    def _written(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@dataclass
class Heard:
    """What a server has seen of its clients: how many came, and all they said inside TLS."""

    port: int = 0
    clients: int = 0
    said: bytes = b""


@contextmanager
def tls_server(pair: Path, newest: ssl.TLSVersion | None = None) -> Iterator[Heard]:
    """Serve TLS with a certificate, and say nothing; `newest` may be too old for anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    if newest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
            context.minimum_version = context.maximum_version = newest

    def answer(client: socket.socket, heard: Heard) -> None:
        with context.wrap_socket(client, server_side=True) as peer:
            while said := peer.recv(4096):
                heard.said += said

    with hearing(answer) as heard:
        yield heard


@contextmanager
def hearing(answer: Callable[[socket.socket, Heard], None]) -> Iterator[Heard]:
    """Serve, and count the clients."""
    heard = Heard()

    def count(client: socket.socket) -> None:
        heard.clients += 1
        answer(client, heard)

    with serving(count) as port:
        heard.port = port
        yield heard
