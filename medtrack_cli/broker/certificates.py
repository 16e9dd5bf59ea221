"""A host's certificates, read where one was refused or is to be checked."""

import ssl
from datetime import UTC, datetime
from typing import Any

from medtrack_cli.broker.tls import encrypted
from medtrack_cli.core.certificate import Certificate
from medtrack_cli.core.connection_settings import Host, TlsSettings

# The names of signatures with MD5 and SHA-1 in a certificate: by RSA, ECDSA, DSA.
_WEAK_SIGNATURES = tuple(
    map(
        bytes.fromhex,
        ("2a864886f70d010104", "2a864886f70d010105", "2a8648ce3d0401", "2a8648ce380403"),
    )
)


def presented(tls: TlsSettings, host: Host, seconds: float) -> Certificate | None:
    """Fetch the host's own certificate; None without one."""
    return next(iter(chain(tls, host, seconds)), None)


def chain(tls: TlsSettings, host: Host, seconds: float) -> tuple[Certificate, ...]:
    """Fetch all certificates of a host, its own first, on a connection of its own.

    Nothing is checked, and weak ciphers are accepted; nothing of ours is sent but the host's name.
    """
    try:
        with encrypted(tls, unchecked(), host, seconds) as peer:
            return shown_by(peer)
    except OSError:
        return ()


def unchecked() -> ssl.SSLContext:
    """Make a context that accepts any certificate: to look at it, never to send anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def shown_by(peer: ssl.SSLSocket, *, is_checked: bool = False) -> tuple[Certificate, ...]:
    """Read a peer's certificates; of a checked chain, up to the authority trusted here.

    Before Python 3.13 there is no public way to it.
    """
    import _ssl

    try:
        inner = peer._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 -- see above
        found = inner.get_verified_chain() if is_checked else inner.get_unverified_chain()
        der = _ssl.ENCODING_DER
        return tuple(_read(each.get_info(), each.public_bytes(der)) for each in found or ())
    except (ValueError, KeyError, AttributeError):
        return ()


def _read(fields: dict[str, Any], encoded: bytes) -> Certificate:
    subject, issuer = (
        {name: value for part in fields.get(whose, ()) for name, value in part}
        for whose in ("subject", "issuer")
    )
    names = tuple(value for _, value in fields.get("subjectAltName", ()))
    since, until = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(fields[when]), UTC)
        for when in ("notBefore", "notAfter")
    )
    return Certificate(
        names,
        subject.get("commonName", ""),
        issuer.get("commonName") or issuer.get("organizationName") or "",
        since,
        until,
        is_weak=any(each in encoded for each in _WEAK_SIGNATURES),
        subject=", ".join(subject.values()) or ", ".join(names),
        signer=", ".join(issuer.values()),
    )
