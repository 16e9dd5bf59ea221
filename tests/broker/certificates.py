"""Certificate authorities that live as long as a test run, and servers that show their work."""

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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


@dataclass(frozen=True)
class Chain:
    """A certificate for localhost and its authority, with something wrong with one of them."""

    names: tuple[str, ...] = ("localhost",)
    common: str = "localhost"
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH
    bits: int = 2048
    days: tuple[int, int] = (-1, 1)
    signer_days: tuple[int, int] = (-1, 1)
    may_sign: str | None = None
    """The only domain that the authority may sign names of."""
    by_sha1: bool = False

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write the certificate with its key, and the authority's."""
        signer_key = rsa.generate_private_key(65537, 2048)
        signer = _certificate(signer_key, "an authority", self.signer_days).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        if self.may_sign:
            only = x509.NameConstraints([x509.DNSName(self.may_sign)], None)
            signer = signer.add_extension(only, critical=True)
        key = rsa.generate_private_key(65537, self.bits)
        leaf = _certificate(key, self.common, self.days, "an authority").add_extension(
            x509.ExtendedKeyUsage([self.usage]), critical=False
        )
        if self.names:
            names = x509.SubjectAlternativeName([x509.DNSName(each) for each in self.names])
            leaf = leaf.add_extension(names, critical=False)
        ca_file, pair = folder / "an-authority.pem", folder / "a-server.pem"
        ca_file.write_bytes(signer.sign(signer_key, hashes.SHA256()).public_bytes(Encoding.PEM))
        signed = leaf.sign(signer_key, hashes.SHA256())
        if self.by_sha1:
            signed = _signed_by_sha1(signed, signer_key)
        pair.write_bytes(
            signed.public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return pair, ca_file


def _signed_by_sha1(signed: x509.Certificate, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Put SHA-1 in the place of SHA-256, which is all that any library of today would sign with."""
    names = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
    content = signed.tbs_certificate_bytes.replace(*names)
    digest = bytes.fromhex("3021300906052b0e03021a05000414") + sha1(content).digest()
    padded = b"\x00\x01" + digest.rjust(key.key_size // 8 - 2, b"\xff")
    padded = padded.replace(b"\xff" + digest, b"\x00" + digest)
    private = key.private_numbers()
    number = pow(int.from_bytes(padded), private.d, private.public_numbers.n)
    whole = signed.public_bytes(Encoding.DER).replace(*names)
    signature = number.to_bytes(key.key_size // 8)
    return x509.load_der_x509_certificate(whole.replace(signed.signature, signature))


def _certificate(
    key: rsa.RSAPrivateKey, common: str, days: tuple[int, int], signer: str | None = None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    since, until = (now + timedelta(days=each) for each in days)
    return x509.CertificateBuilder(
        issuer_name=_name(signer or common),
        subject_name=_name(common),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=since.replace(tzinfo=None),
        not_valid_after=until.replace(tzinfo=None),
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])


@dataclass
class Received:
    """What a server has seen of its clients: how many came, and all they said inside TLS."""

    port: int = 0
    clients: int = 0
    said: bytes = b""


@contextmanager
def tls_server(
    pair: Path, newest: ssl.TLSVersion | None = None, ciphers: str = "ALL"
) -> Iterator[Received]:
    """Serve TLS with a certificate, and say nothing; all may be too weak for anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.load_cert_chain(pair)
    if newest is ssl.TLSVersion.TLSv1_2:
        context.maximum_version = newest
    elif newest is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
            context.minimum_version = context.maximum_version = newest

    def answer(client: socket.socket, received: Received) -> None:
        with context.wrap_socket(client, server_side=True) as peer:
            while said := peer.recv(4096):
                received.said += said

    with raw_server(answer) as received:
        yield received


@contextmanager
def raw_server(answer: Callable[[socket.socket, Received], None]) -> Iterator[Received]:
    """Serve, and count the clients."""
    received = Received()

    def count(client: socket.socket) -> None:
        received.clients += 1
        answer(client, received)

    with serving(count) as port:
        received.port = port
        yield received
