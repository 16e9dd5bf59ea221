"""What a broker's certificate says of itself, looked at where one was refused."""

import socket
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from medtrack_cli.core.connection import Host, TlsSettings

# How signatures with MD5 and SHA-1 are named in a certificate: by RSA, ECDSA, DSA.
_WEAK_SIGNATURES = tuple(
    map(
        bytes.fromhex,
        ("2a864886f70d010104", "2a864886f70d010105", "2a8648ce3d0401", "2a8648ce380403"),
    )
)


class Certificate(NamedTuple):
    """What a certificate says of itself; nothing of it is proved. Dates are UTC.

    `names` are those it is valid for, its subjectAltName; the `common` name doesn't count.
    `is_weak`: it is signed with a hash that nobody trusts any more.
    """

    names: tuple[str, ...]
    common: str
    issuer: str
    since: datetime
    until: datetime
    is_weak: bool = False

    @property
    def validity(self) -> str:
        return f"valid {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"

    def shown(self, hide: Callable[[str], str]) -> "Certificate":
        """Give it with its texts as they may be shown."""
        names = tuple(map(hide, self.names))
        return self._replace(names=names, common=hide(self.common), issuer=hide(self.issuer))

    @property
    def is_valid_now(self) -> bool:
        return self.since <= datetime.now(UTC) <= self.until


def presented(tls: TlsSettings, host: Host, seconds: float) -> Certificate | None:
    """Look at the certificate that a host shows, on a connection of its own; None: none is shown.

    The certificate is not checked, nor is any cipher too weak; nothing of ours is sent but the
    host's name.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with (
            socket.create_connection(host, seconds) as connection,
            context.wrap_socket(connection, server_hostname=tls.server_name or host.name) as peer,
        ):
            encoded = peer.getpeercert(binary_form=True)
        return _decode(encoded) if encoded else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _decode(encoded: bytes) -> Certificate:
    """Read an unverified certificate. Python's only reader of one is private, and wants a file."""
    import _ssl

    with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
        file.write(ssl.DER_cert_to_PEM_cert(encoded))
        file.flush()
        fields: dict[str, Any] = _ssl._test_decode_cert(file.name)  # type: ignore[attr-defined]  # noqa: SLF001 -- see above
    subject, issuer = (
        {name: value for part in fields.get(whose, ()) for name, value in part}
        for whose in ("subject", "issuer")
    )
    names = tuple(value for _, value in fields.get("subjectAltName", ()))
    since, until = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(fields[when]), UTC)
        for when in ("notBefore", "notAfter")
    )
    signer = issuer.get("commonName") or issuer.get("organizationName") or ""
    is_weak = any(each in encoded for each in _WEAK_SIGNATURES)
    return Certificate(names, subject.get("commonName", ""), signer, since, until, is_weak)
