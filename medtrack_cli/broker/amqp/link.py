"""One connection with one channel, on an I/O thread of its own.

pika's objects are used on that thread only. Events there reach the owner as values in one inbox, so
all decisions are made on the owner's thread, one after the other.
"""

import logging
import platform
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

import pika
from pika import spec
from pika.channel import Channel

from medtrack_cli import __version__
from medtrack_cli.broker.amqp import header_values
from medtrack_cli.broker.amqp.bounded import BoundedConnection, Login
from medtrack_cli.broker.amqp.errors import connection_failure
from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.refusals import channel_failure
from medtrack_cli.broker.tls import ssl_context
from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.hiding import without_secrets

CONNECT_SECONDS = 5.0  # for the TCP handshake with one host
STACK_SECONDS = 10.0  # for TCP, TLS and AMQP together
CLOSE_SECONDS = 0.8  # a blocked or half-dead broker may never answer a close
SILENT_SECONDS = 0.05
URGENT_SECONDS = 0.3  # the same, if something waits for the end or for another connection
USER_TIMEOUT_MS = 20_000  # unacknowledged bytes: the kernel gives up on the peer
PULSE_SECONDS = 1.0  # how exactly it is known when the broker last answered

# pika logs tracebacks of ordinary refusals; medtrack reports what matters in one line.
logging.getLogger("pika").addHandler(logging.NullHandler())
logging.getLogger("pika").propagate = False


class Opened(NamedTuple):
    """The channel is set up and ready."""

    link: "Link"


class Lost(NamedTuple):
    """The link is gone for good, or wasn't made; at `alive_at` the broker was surely there."""

    link: "Link"
    failure: Failure
    alive_at: datetime


class Blocked(NamedTuple):
    """The broker's alarm: it doesn't read from this connection. `reason` None: over."""

    link: "Link"
    reason: str | None


Inbox = SimpleQueue[Any]
Setup = Callable[["Link", Channel], None]


class Link:
    """A connection to one host and its one channel, from its start to its loss.

    `setup` runs on the I/O thread when the channel is open, and ends in `link.opened()`.
    Exactly one Lost is put in the inbox, whatever happens, unless `close` was called before; when
    it `is_over`, the owner may not have read that yet.
    """

    def __init__(
        self, settings: ConnectionSettings, host: Host, inbox: Inbox, setup: Setup
    ) -> None:
        self.settings = settings
        self.host = host
        self._inbox = inbox
        self._setup = setup
        self._is_at_risk = False
        self.connection: BoundedConnection | None = None
        self._channel: Channel | None = None
        self.is_over = False
        self._last_answer = datetime.now(UTC)
        self._unsent = 0  # bytes
        self.written = 0  # messages, counted by the publisher; on the I/O thread
        self.moved_at = 0.0  # monotonic: when bytes that had to wait were last sent
        self._asked_at = 0.0  # monotonic: when a sign of life was last asked for
        self._made = threading.Event()
        header_values.install()
        self._parameters = connection_parameters(settings, host)
        self._thread = threading.Thread(target=self._run, name="medtrack-io", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether the host has accepted the connection, and TLS, if used, is established."""
        return getattr(self.connection, "_transport", None) is not None

    def is_there(self, seconds: float) -> bool:
        """Ask the broker for a sign of life, repeatedly; False when none has come for a while."""
        now = time.monotonic()
        if not self._is_silent and now - self._asked_at > seconds / 2:
            self._asked_at = now
            self.call(lambda channel: channel.basic_qos(prefetch_count=0))
        return now - self._asked_at < seconds

    @property
    def _is_silent(self) -> bool:
        """Whether nothing has come since it was asked."""
        read_at = self.connection.read_at if self.connection else 0.0
        return read_at < self._asked_at

    def start(self) -> None:
        """Begin to connect; Opened or Lost follows in the inbox."""
        self._thread.start()

    def call(self, action: Callable[[Channel], None]) -> None:
        """Run `action` with the channel on the I/O thread; skipped when the channel is gone."""

        def on_io_thread() -> None:
            if self._channel is not None and self._channel.is_open:
                action(self._channel)

        self._schedule(on_io_thread)

    def opened(self) -> None:
        """Tell the owner that the setup is done. On the I/O thread."""
        self.tell(Opened(self))

    def ask(self, question: Callable[[], object], refused: Setup) -> None:
        """Ask what may close the channel; then `refused` sets up another. On the I/O thread."""
        self._setup = refused
        self._is_at_risk = True
        question()

    def fail(self, failure: Failure) -> None:
        """End cleanly with a failure that we have found. On the I/O thread."""
        self._fail(failure)
        self._close_connection()

    def tell(self, happening: object) -> None:
        """Put an event into the inbox. On the I/O thread."""
        if not self.is_over:
            self._inbox.put(happening)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Close cleanly, or drop the socket after `seconds`. Nothing is reported any more.

        A broker that was asked for a sign of life, and gave none, gets hardly any.
        """
        self.is_over = True
        self._schedule(self._close_connection)
        self._thread.join(min(seconds, SILENT_SECONDS) if self._is_silent else seconds)
        if self._thread.is_alive():
            self._schedule(self._stop_loop)
            self._thread.join(0.2)

    def _schedule(self, action: Callable[[], None]) -> None:
        if self._made.wait(CONNECT_SECONDS) and self.connection and self._thread.is_alive():
            self.connection.ioloop.add_callback_threadsafe(action)

    def _close_connection(self) -> None:
        if self.connection and not (self.connection.is_closed or self.connection.is_closing):
            self.connection.close()
        elif self.connection and self.connection.is_closed:
            self._stop_loop()

    def _stop_loop(self) -> None:
        if self.connection:
            self.connection.ioloop.stop()

    def _run(self) -> None:
        try:
            self.connection = BoundedConnection(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=lambda _, error: self._lose(error),
                on_close_callback=lambda _, error: self._lose(error),
            )
            self._made.set()
            self.connection.ioloop.start()
        except Exception as error:  # noqa: BLE001 -- whatever ends the loop ends the link
            self._lose(error)
        finally:
            self._made.set()
            if self.connection:
                self.connection.ioloop.close()  # its two sockets; calls from now on are ignored

    def _lose(self, cause: BaseException | str) -> None:
        error = cause if isinstance(cause, BaseException) else ConnectionError(cause)
        words = b""
        if self.connection:
            error = self.connection.broken_by or error
            words = self.connection.first_words
        self._fail(connection_failure(error, self.settings, self.host, words))
        self._stop_loop()

    def _fail(self, failure: Failure) -> None:
        self.tell(Lost(self, failure, self._last_answer))
        self.is_over = True

    def _on_open(self, connection: Any) -> None:  # noqa: ANN401 -- pika's callback type
        connection.add_on_connection_blocked_callback(
            lambda _, frame: self.tell(
                Blocked(self, without_secrets(frame.method.reason, self.settings))
            )
        )
        connection.add_on_connection_unblocked_callback(
            lambda _, _frame: self.tell(Blocked(self, None))
        )
        self._open_channel()
        self._pulse(connection, 0, time.monotonic(), self._last_answer)

    def _open_channel(self) -> None:
        if self.connection:
            self.connection.channel(on_open_callback=self._on_channel_open)

    def _pulse(self, connection: Any, received: int, due: float, before: datetime) -> None:  # noqa: ANN401
        """Note when the broker answered: not by what leaves the socket's buffer after a long sleep.

        Also note whether what is sent leaves: a large message takes its time on a slow line.
        """
        is_late = time.monotonic() > due + 2 * PULSE_SECONDS
        if connection.bytes_received > received and not is_late:
            self._last_answer = before  # it may have come just after the last pulse
        transport = getattr(connection, "_transport", None)
        unsent = transport.get_write_buffer_size() if transport else 0
        if unsent < self._unsent:
            self.moved_at = time.monotonic()
        self._unsent = unsent
        due = time.monotonic() + PULSE_SECONDS
        again = partial(self._pulse, connection, connection.bytes_received, due, datetime.now(UTC))
        connection.ioloop.call_later(PULSE_SECONDS, again)

    def _on_channel_open(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_callback(self._on_channel_closed, [spec.Channel.Close])
        self._setup(self, channel)

    def _on_channel_closed(self, frame: Any) -> None:  # noqa: ANN401 -- pika's frame of Channel.Close
        """Report which request was refused: pika's exception has only the code and text."""
        if self._is_at_risk:
            self._is_at_risk = False
            self._schedule(self._open_channel)  # when this one's number is free again
            return
        close = frame.method
        asked = spec.methods.get(close.class_id << 16 | close.method_id)
        name = asked.NAME if asked else ""
        self.fail(channel_failure(close.reply_code, close.reply_text, self.settings, name))


def connection_parameters(settings: ConnectionSettings, host: Host) -> pika.ConnectionParameters:
    """Give pika's parameters for one host; it tries once, the retries are ours."""
    tls = settings.tls
    return pika.ConnectionParameters(
        host=host.name,
        port=host.port,
        virtual_host=settings.vhost,
        credentials=Login(settings.username, settings.password.reveal()),
        heartbeat=settings.heartbeat,
        socket_timeout=CONNECT_SECONDS,
        stack_timeout=STACK_SECONDS,
        connection_attempts=1,
        ssl_options=None
        if tls is None
        else pika.SSLOptions(ssl_context(tls), tls.server_name or host.name),
        tcp_options={"TCP_USER_TIMEOUT": USER_TIMEOUT_MS},
        client_properties={
            "connection_name": f"medtrack {__version__} on {platform.node()}",
            "product": "medtrack",
            "version": __version__,
        },
    )
