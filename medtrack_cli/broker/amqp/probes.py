"""A broker examined step by step: the network, TLS, the login, the user's permissions.

Each permission is tested on a connection of its own: a refusal costs the channel.
"""

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from pika.channel import Channel
from pika.exceptions import IncompatibleProtocolError

from medtrack_cli.broker import certificates
from medtrack_cli.broker.amqp.bounded import described, is_foreign
from medtrack_cli.broker.amqp.dialer import Answered, Question, request, try_once
from medtrack_cli.broker.amqp.errors import connection_failure, lost
from medtrack_cli.broker.amqp.link import Inbox, Link
from medtrack_cli.broker.patience import within
from medtrack_cli.broker.refusals import TAP_PREFIX, grant_both
from medtrack_cli.broker.tls import encrypted, handshake_error, speaks_none, ssl_context
from medtrack_cli.core.certificate import Certificate
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, TlsSettings
from medtrack_cli.core.doctor.ports import Attempt, Blocked
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, MedtrackError

T = TypeVar("T")
_WANTED = b"AMQP\x00\x00\x09\x01"
_WEB = b"GET / HTTP/1.0\r\n\r\n"
_ENOUGH = 64  # bytes that identify a protocol
_LATE_SECONDS = 0.3  # the broker's answer to our certificate comes after the handshake
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL
_SAYS_NOTHING = "the host takes connections, and says nothing"
_CAME_BACK = -1.0


class Probes:
    """The requests of `core.doctor` to a broker; see `Broker` there."""

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
            cause = IncompatibleProtocolError("no AMQP")
            failure = connection_failure(cause, self._settings, host, words)
            raise failure.looked_at(self._stop, seconds).error
        return "AMQP 0-9-1"

    def _greet_by_tls(self, host: Host, seconds: float) -> str:
        try:
            with encrypted(self._tls, certificates.unchecked(), host, seconds) as peer:
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
                with encrypted(self._tls, context, host, seconds) as peer:
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

    def log_in(self, host: Host, seconds: float) -> Attempt:
        inbox: Inbox = SimpleQueue()
        try:
            link = Link(self._settings, host, inbox, lambda link, _: link.opened())
        except MedtrackError as error:
            return Attempt(host, error=error)
        outcome = try_once(link, inbox, time.monotonic() + seconds, self._stop)
        failure = None if isinstance(outcome, Link) else outcome.looked_at(self._stop)
        if failure is None:
            link.close()
        connection = link.connection
        said = connection.of_itself if connection else {}
        agreed = connection.agreed if connection else None
        return Attempt(
            host,
            str(said.get("product", "")),
            str(said.get("version", "")),
            agreed.heartbeat if agreed else None,
            agreed.frame_max if agreed else 0,
            failure and failure.error,
        )

    def find_exchange(self, host: Host, seconds: float) -> None:
        name = self._settings.exchange

        def find(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
            channel.exchange_declare(name, passive=True, callback=answered)

        self._ask(host, find, seconds)

    def may_publish(self, host: Host, keys: Sequence[str], seconds: float) -> None:
        exchange = self._settings.exchange

        def publish(_link: Link, channel: Channel, answered: Answered[str | None]) -> None:
            def send(_frame: object) -> None:
                for key in keys:
                    channel.basic_publish(exchange, key, b"")
                channel.tx_rollback(lambda _: answered(None))

            _heed_alarm(channel, answered)
            channel.tx_select(send)

        if alarm := self._ask(host, publish, seconds):
            raise Blocked(alarm)

    def may_tap(self, host: Host, pattern: str, seconds: float) -> None:
        exchange, queue = self._settings.exchange, _new_name()

        def bind(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
            channel.queue_declare(queue, exclusive=True)
            channel.queue_bind(queue, exchange, pattern, callback=answered)

        self._ask(host, bind, seconds)

    def may_read(self, host: Host, seconds: float) -> None:
        queue = _new_name()

        def read(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
            channel.queue_declare(queue, exclusive=True)
            channel.basic_consume(queue, lambda *_: None, callback=answered)

        self._ask(host, read, seconds)

    def round_trip(self, host: Host, key: str | None, seconds: float) -> float | None:
        exchange, queue = (self._settings.exchange if key else ""), _new_name()

        def send(_link: Link, channel: Channel, answered: Answered[float | str]) -> None:
            def try_alarm(_frame: object) -> None:
                # A connection that an alarm has stopped keeps its queue: there is none yet.
                channel.basic_publish("", queue, b"")
                channel.tx_rollback(
                    lambda _: channel.queue_declare(queue, exclusive=True, callback=bind)
                )

            def publish(_frame: object) -> None:
                began = time.monotonic()
                channel.basic_consume(
                    queue, lambda *_: answered(time.monotonic() - began), auto_ack=True
                )
                channel.basic_publish(exchange, key or queue, b"medtrack", mandatory=True)
                channel.tx_commit()

            def bind(frame: object) -> None:
                if key:
                    channel.queue_bind(queue, exchange, key, callback=publish)
                else:
                    publish(frame)

            _heed_alarm(channel, answered)
            channel.add_on_return_callback(lambda *_: answered(_CAME_BACK))
            channel.tx_select(try_alarm)

        answer = self._ask(host, send, seconds)
        if isinstance(answer, str):
            raise Blocked(answer)
        return None if answer == _CAME_BACK else answer

    def _ask(self, host: Host, question: Question[Any], seconds: float) -> Any:  # noqa: ANN401 -- the question's
        at = replace(self._settings, hosts=(host,))
        try:
            return request(at, question, lambda _note: None, self._stop, seconds)
        except AccessRefused as error:
            raise grant_both(error, self._settings) from None


def _first_words(host: Host, seconds: float, said: bytes = _WANTED) -> bytes:
    """Begin as an AMQP client does, and read what comes; b"": the host disconnects."""
    with socket.create_connection(host, seconds) as connection, suppress(ConnectionError):
        connection.sendall(said)
        return connection.recv(_ENOUGH)
    return b""


def _await_alert(peer: ssl.SSLSocket) -> None:
    """Give a broker time to refuse our certificate: in TLS 1.3 it does so only now."""
    peer.settimeout(_LATE_SECONDS)
    with suppress(TimeoutError):
        peer.recv(1)


def _new_name() -> str:
    return f"{TAP_PREFIX}{secrets.token_hex(8)}"


def _heed_alarm(channel: Channel, answered: Answered[Any]) -> None:
    """Treat a broker's alarm as the answer: no other comes before it is over."""
    channel.connection.add_on_connection_blocked_callback(
        lambda _, frame: answered(frame.method.reason or "an alarm")
    )
