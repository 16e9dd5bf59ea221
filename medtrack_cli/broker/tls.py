"""TLS by our own rules: what is accepted, and readable reasons why a handshake failed."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli.broker.failure import SHORTAGES
from medtrack_cli.core.certificate import Certificate
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, TlsSettings
from medtrack_cli.errors import AccessRefused, ConfigError, MedtrackError, Untrusted

MOST_NAMES = 5  # of a certificate, in one sentence

# X509_V_ERR_… of OpenSSL, which keep their numbers.
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_UNKNOWN_ISSUER = (19, 20, 21)
_WRONG_NAME = (62, 64)  # of a host, an address
_WEAK_HASH = 68

_FOREIGN_NAME = (
    "has a name that its authority may not sign",
    "the authority's name constraints leave it out: another authority, or another name",
)
_STRONG = "it needs RSA of 2048 bits or more, or an elliptic curve"
# No trusted authority would help; what is wrong, and what the broker needs.
_OF_ANOTHER_KIND = {
    24: (
        "is signed by a certificate that is no authority",
        "the broker needs one that an authority has signed",
    ),
    26: ("isn't made for servers", "it must have serverAuth among its extended key usages"),
    47: _FOREIGN_NAME,
    48: _FOREIGN_NAME,
    66: ("has a key that is too short", _STRONG),
    67: ("is signed by an authority whose key is too short", _STRONG),
    _WEAK_HASH: (
        "is signed with a hash that is too weak, such as SHA-1",
        "it needs SHA-256 or better",
    ),
}

_TRUST = "give its authority with --ca-file or tls.ca_file, in PEM"
_PORTS = "TLS is amqps:// on 5671, plain AMQP is amqp:// on 5672"

# Reasons of OpenSSL, whose names differ a little by version: what failed, and the next step.
_REASONS = (
    (
        "WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE",
        "the server speaks no TLS on this port",
        _PORTS,
    ),
    (
        "UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION",
        "the server speaks no TLS 1.2 or newer",
        "older TLS is broken: the broker's ssl_options.versions must allow 1.2 or 1.3",
    ),
    (
        "CERTIFICATE_REQUIRED",
        "the broker wants a certificate of yours",
        "give one with --cert-file and --key-file, or in the profile's tls",
    ),
    (
        "BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA",
        "the broker refused your certificate",
        "does the broker trust the authority that signed it, and is it still valid?",
    ),
)


def speaks_none(cause: ssl.SSLError) -> bool:
    """Return whether a handshake failed because the server speaks no TLS, or no version of ours."""
    return any(re.search(pattern, str(cause)) for pattern, *_ in _REASONS[:2])


def ssl_context(tls: TlsSettings) -> ssl.SSLContext:
    """Make our only TLS context: certificate and host name checked, TLS 1.2 at least.

    Raises AccessRefused, naming the file, where one can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False  # RFC 9525, section 2
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca_file:
        with _blaming("the CA certificates", tls.ca_file):
            context.load_verify_locations(tls.ca_file)
    else:
        context.load_default_certs()
    if tls.cert_file:
        _load_own(context, tls, tls.cert_file)
    elif tls.key_file:
        hint = "give the certificate with --cert-file or tls.cert_file"
        raise ConfigError("a private key without its certificate", str(tls.key_file), hint=hint)
    return context


@contextmanager
def encrypted(
    tls: TlsSettings, context: ssl.SSLContext, host: Host, seconds: float
) -> Iterator[ssl.SSLSocket]:
    """Connect to a host, and yield the socket after the handshake."""
    with (
        socket.create_connection(host, seconds) as connection,
        context.wrap_socket(connection, server_hostname=tls.server_name or host.name) as peer,
    ):
        yield peer


def _load_own(context: ssl.SSLContext, tls: TlsSettings, certificate: Path) -> None:
    key = tls.key_file or certificate
    with _blaming("your certificate", certificate):
        if b"-----BEGIN CERTIFICATE-----" not in certificate.read_bytes():
            raise ssl.SSLError("no PEM")
    with _blaming("your private key", key):
        key.read_bytes()
        # Without any password OpenSSL itself would ask the terminal for one.
        passphrase = tls.passphrase.reveal() if tls.passphrase else ""
        context.load_cert_chain(certificate, tls.key_file, passphrase)


@contextmanager
def _blaming(what: str, path: Path) -> Iterator[None]:
    """Turn a failure with a file of ours into an error that names it."""
    try:
        yield
    except ssl.SSLError as error:
        hint = "it must be PEM"
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            hint = "it belongs to another certificate: --cert-file and --key-file are a pair"
        elif b"ENCRYPTED" in path.read_bytes():
            hint = "it is encrypted: is the passphrase right?"
        raise AccessRefused(f"{what} can't be used", str(path), hint=hint) from None
    except ValueError:  # OpenSSL takes 1,023 bytes
        hint = "it is encrypted: is the passphrase right? it is too long for any"
        raise AccessRefused(f"{what} can't be used", str(path), hint=hint) from None
    except OSError as error:
        hint = SHORTAGES.get(error.errno or 0, "check the path and its permissions")
        raise AccessRefused(
            f"{what} can't be read ({error.strerror})", str(path), hint=hint
        ) from None


def handshake_error(
    cause: ssl.SSLError | str,
    settings: ConnectionSettings,
    host: Host,
    seen: Certificate | None = None,
) -> MedtrackError | None:
    """Say which check failed in a handshake; None when nobody refused: the line was lost.

    `cause` may be the text of an error that came after the handshake: in TLS 1.3 the broker checks
    our certificate when we count as connected. `seen` is the refused certificate, if it was
    fetched.
    """
    broker = settings.describe(host)
    if isinstance(cause, ssl.SSLCertVerificationError):
        what, hint = refused(cause, (settings.tls or TlsSettings()).server_name or host.name, seen)
        is_cut = cause.verify_code in {_SELF_SIGNED, *_UNKNOWN_ISSUER}
        return (Untrusted if is_cut else AccessRefused)(what, broker, hint=hint)
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):  # by the version of OpenSSL
        return None
    for pattern, what, hint in _REASONS:
        if re.search(pattern, str(cause)):
            return AccessRefused(what, broker, hint=hint)
    if isinstance(cause, str):
        return None
    what, hint = _alerted(cause, seen, has_own=bool(settings.tls and settings.tls.cert_file))
    return AccessRefused(what, broker, hint=hint)


def _alerted(cause: ssl.SSLError, seen: Certificate | None, *, has_own: bool) -> tuple[str, str]:
    """Say why a broker refuses a handshake; `seen` is its certificate, if it was fetched."""
    if seen and seen.is_weak:
        what, hint = _OF_ANOTHER_KIND[_WEAK_HASH]
        return f"the broker's certificate {what}", hint
    if seen and not has_own:
        hint = "its ssl_options.ciphers must allow one of ECDHE with AES-GCM or ChaCha20"
        return "the broker's ciphers are all too weak", hint
    what = f"the broker refused the TLS handshake ({cause.reason})"
    if has_own:
        return what, "its log says why"
    hint = "its log says why; does it want a certificate of yours? --cert-file and --key-file"
    return what, f"{hint} give one"


def shows_in_certificate(cause: ssl.SSLError) -> bool:
    """Return whether the broker's certificate may explain why a handshake failed.

    Erlang refuses a client that doesn't accept its certificate's hash, and says no more than that.
    """
    alerts = "HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY"
    is_refusal = isinstance(cause, ssl.SSLCertVerificationError)
    return is_refusal or bool(re.search(alerts, str(cause)))


def refused(
    cause: ssl.SSLCertVerificationError,
    name: str,
    seen: Certificate | None,
    whose: str = "the broker's certificate",
) -> tuple[str, str]:
    """Say what is wrong with a certificate, and the next step."""
    code = cause.verify_code
    if code in {_EXPIRED, _NOT_YET_VALID}:
        return _out_of_date(code, seen, whose)
    if code in _WRONG_NAME:
        return _of_another(name, seen, whose)
    if code == _SELF_SIGNED:
        return f"{whose} is signed by itself, and not trusted", _TRUST
    if code in _UNKNOWN_ISSUER:
        issuer = f" ({seen.issuer})" if seen and seen.issuer else ""
        return f"{whose} is signed by an authority unknown here{issuer}", _TRUST
    if known := _OF_ANOTHER_KIND.get(code):
        return f"{whose} {known[0]}", known[1]
    hint = "`openssl s_client -showcerts -connect HOST:PORT` shows it"
    return f"{whose} is refused ({cause.verify_message})", hint


def _out_of_date(code: int, seen: Certificate | None, whose: str) -> tuple[str, str]:
    """Say what is expired or not yet valid: the certificate, or an authority's above it."""
    how = "has expired" if code == _EXPIRED else "is not valid yet"
    if seen and seen.is_valid_now:
        signer = f" ({seen.issuer})" if seen.issuer else ""
        hint = "renew the authority's own, at the broker and in --ca-file or tls.ca_file"
        return f"the certificate of the authority that signed {whose}{signer} {how}", hint
    dates = f" ({seen.validity})" if seen else ", or that of its authority"
    if code == _EXPIRED:
        return f"{whose} {how}{dates}", "the broker needs a new one; is this machine's clock right?"
    return f"{whose} {how}{dates}", "are both clocks right?"


def _of_another(name: str, seen: Certificate | None, whose: str) -> tuple[str, str]:
    if seen and not seen.names:
        common = f" ({seen.common})" if seen.common else ""
        hint = f"it needs {name} there: a common name{common} names no host (RFC 9525)"
        return f"{whose} names no host in its subjectAltName", hint
    names = ", ".join(seen.names[:MOST_NAMES]) if seen else ""
    of = f"for {names}, not for" if names else "not for"
    hint = "connect by one of its names, or put one into the profile's tls.server_name"
    return f"{whose} is {of} {name}", hint


def late_alert(tls: TlsSettings, host: Host, seconds: float) -> str:
    """Find out on a new connection what a broker says after the handshake: "" if nothing.

    In TLS 1.3 a certificate's refusal comes only then, and a client that writes first never reads
    it.
    """
    try:
        with encrypted(tls, ssl_context(tls), host, seconds) as peer:
            peer.recv(1)
    except ssl.SSLError as error:
        return error.reason or ""
    except OSError:
        pass
    return ""
