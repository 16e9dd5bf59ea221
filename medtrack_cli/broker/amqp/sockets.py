"""What comes before AMQP: names, addresses, the host's protocol, certificates."""

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from medtrack_cli.broker import certificates
from medtrack_cli.broker.amqp.errors import connection_failure
from medtrack_cli.broker.amqp.greeting import described, is_foreign
from medtrack_cli.broker.amqp.losses import lost
from medtrack_cli.broker.asking import within
from medtrack_cli.broker.tls import handshake_error, speaks_none, ssl_context
from medtrack_cli.core.certificate import Certificate
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, TlsSettings
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import BrokerUnreachable, MedtrackError

T = TypeVar("T")
_WANTED = b"AMQP\x00\x00\x09\x01"
_WEB = b"GET / HTTP/1.0\r\n\r\n"
_ENOUGH = 64  # bytes that identify a protocol
_LATE_SECONDS = 0.3  # the broker's answer to our certificate comes after the handshake
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL
_SAYS_NOTHING = "the host takes connections, and says nothing"


class Sockets:
    """A host seen from outside."""

    def __init__(self, settings: ConnectionSettings, stop: Stop) -> None:
        self._settings = settings
        self._tls = settings.tls or TlsSettings()
        self._stop = stop

    def addresses(self, host: Host, seconds: float) -> Sequence[str]:
        def look_up() -> Sequence[str]:
            found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(each[4][0]) for each in found))

        return self._within(host, seconds, look_up, "the host name isn't looked up in time")

    def reach(self, host: Host, address: str, seconds: float) -> None:
        def connect() -> None:
            socket.create_connection((address, host.port), seconds).close()

        self._within(host, seconds, connect, "no answer in time")

    def greet(self, host: Host, seconds: float) -> str:
        greet = self._greet_by_tls if self._settings.tls else self._greet
        return self._within(host, seconds, lambda: greet(host, seconds), _SAYS_NOTHING)

    def _greet(self, host: Host, seconds: float) -> str:
        try:
            words = _first_words(host, seconds / 2)
        except TimeoutError:  # a web server may wait for the end of a line
            words = _first_words(host, seconds / 2, _WEB)
            if not is_foreign(words):
                raise TimeoutError from None
        if not words or is_foreign(words):
            failure = connection_failure(_hung_up(), self._settings, host, words)
            raise failure.looked_at(self._stop, seconds).error
        return "AMQP 0-9-1"

    def _greet_by_tls(self, host: Host, seconds: float) -> str:
        context = certificates.unchecked()
        name = self._tls.server_name or host.name
        try:
            with (
                socket.create_connection(host, seconds) as connection,
                context.wrap_socket(connection, server_hostname=name) as peer,
            ):
                cipher = peer.cipher()
                return f"{peer.version()}, {cipher[0] if cipher else 'no cipher'}"
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise  # it disconnects
        except ssl.SSLError as error:
            if not speaks_none(error):
                return f"TLS, which refuses our handshake ({error.reason})"
            raise self._no_tls(error, host, seconds) from None

    def _no_tls(self, error: ssl.SSLError, host: Host, seconds: float) -> MedtrackError:
        """Name what is spoken instead of TLS."""
        broker = self._settings.describe(host)
        failed = handshake_error(error, self._settings, host) or BrokerUnreachable("no TLS", broker)
        try:
            words = _first_words(host, seconds)
        except OSError:
            return failed
        spoken = "it speaks AMQP without TLS"
        if not words or is_foreign(words):
            spoken = described(words, lambda line: without_secrets(line, self._settings))
        what = f"{failed.what}: {spoken}" if spoken else failed.what
        return type(failed)(what, failed.subject, hint=failed.hint)

    def chain(self, host: Host, seconds: float) -> Sequence[Certificate]:
        look = partial(certificates.chain, self._tls, host, seconds)
        try:
            return within(seconds, look, self._stop)
        except TimeoutError:
            return ()

    def trust(
        self, host: Host, seconds: float, *, name: bool, dates: bool
    ) -> Sequence[Certificate]:
        def check() -> Sequence[Certificate]:
            context = ssl_context(self._tls)
            context.check_hostname = name
            if not dates:
                context.verify_flags |= _NO_CHECK_TIME
            try:
                with (
                    socket.create_connection(host, seconds) as connection,
                    context.wrap_socket(
                        connection, server_hostname=self._tls.server_name or host.name
                    ) as peer,
                ):
                    if not (name or dates):
                        _await_alert(peer)
                    return certificates.shown_by(peer, is_checked=True)
            except ssl.SSLError as error:
                seen = certificates.presented(self._tls, host, seconds)
                if refused := handshake_error(error, self._settings, host, seen):
                    raise refused from None
                raise

        return self._within(host, seconds, check, _SAYS_NOTHING)

    def _within(self, host: Host, seconds: float, question: Callable[[], T], late: str) -> T:
        try:
            return within(seconds, question, self._stop)
        except TimeoutError:
            raise BrokerUnreachable(late, self._settings.describe(host)) from None
        except (OSError, UnicodeError) as error:
            what, hint = lost(error)
            raise BrokerUnreachable(what, self._settings.describe(host), hint=hint) from None


def _first_words(host: Host, seconds: float, said: bytes = _WANTED) -> bytes:
    """Begin as an AMQP client does, and read what comes; b"": the host disconnects."""
    with socket.create_connection(host, seconds) as connection, suppress(ConnectionError):
        connection.sendall(said)
        return connection.recv(_ENOUGH)
    return b""


def _hung_up() -> Exception:
    from pika.exceptions import IncompatibleProtocolError

    return IncompatibleProtocolError("no AMQP")


def _await_alert(peer: ssl.SSLSocket) -> None:
    """Give a broker time to refuse our certificate: in TLS 1.3 it does so only now."""
    peer.settimeout(_LATE_SECONDS)
    with suppress(TimeoutError):
        peer.recv(1)
