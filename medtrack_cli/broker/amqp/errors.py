"""Translate what pika and the socket raise into errors a person can act on."""

import errno
import re
import socket
import ssl
from typing import Any

from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from medtrack_cli.broker.amqp.bounded import TooMuch, described, is_alert, is_foreign
from medtrack_cli.broker.certificates import presented
from medtrack_cli.broker.failure import NO_MEMORY, SHORTAGES, Failure
from medtrack_cli.broker.refusals import channel_failure, no_vhost, vhost_refused
from medtrack_cli.broker.tls import handshake_error, late_alert, shows_in_certificate
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, TlsSettings
from medtrack_cli.core.hiding import plain, without_secrets
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, MedtrackError

CONNECTION_FORCED, NOT_ALLOWED, INTERNAL_ERROR = 320, 530, 541
ACCESS_REFUSED = 403
_MECHANISMS_SHOWN = 80  # characters

# Code 530 has many meanings, which only its text distinguishes.
_LIMIT = re.compile(r"limit (of )?\([0-9]+\)( is reached)?$")
_NO_VHOST = re.compile(r"vhost .*not found", re.DOTALL)
_CLOSED_TO_USER = re.compile(r"^NOT_ALLOWED - access to vhost .* refused for user ", re.DOTALL)
# While a connection opens, pika keeps the broker's reply only in the text of another exception.
_REPLY = re.compile(r"ConnectionClosedByBroker: \(([0-9]+)\) b?['\"](.*)['\"]", re.DOTALL)
_NO_ROUTE = "is this machine on the broker's network, or its VPN?"
_FORBIDDEN = "a firewall or sandbox of this machine forbids it"
_OF_THIS_MACHINE = SHORTAGES | {
    errno.EADDRNOTAVAIL: "is the address one to connect to, and has this machine a free port left?",
    errno.ENETUNREACH: _NO_ROUTE,
    errno.EHOSTUNREACH: _NO_ROUTE,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}
_RUNNING = (
    "is RabbitMQ running there? `medtrack broker start` starts a private one, "
    "`--profile private` leads there"
)
_PORTS = "AMQP is on 5672, with TLS on 5671; management is on 15672"
_OF_MANAGEMENT, _OF_TLS = frozenset({15671, 15672}), 5671
_FELL_BEHIND: Any = getattr(exceptions, "WorkQueueFullError", ())  # pika has it from 1.5 on


def connection_failure(
    cause: BaseException, settings: ConnectionSettings, host: Host, received: bytes = b""
) -> Failure:
    """Say why a connection could not be made or was lost. Decides by type and reply code only.

    `received` is what the server said first. Every exception class of pika is placed here: a
    test walks `pika.exceptions`.
    """
    if is_foreign(received):
        return _foreign(received, settings, settings.describe(host))
    return _failure(_innermost(cause), settings, host)


def _failure(  # noqa: PLR0911 -- one return a cause
    cause: BaseException, settings: ConnectionSettings, host: Host
) -> Failure:
    broker = settings.describe(host)
    match cause:
        case exceptions.ConnectionClosed():
            return _closed(cause.reply_code, cause.reply_text, broker, settings)
        case exceptions.AuthenticationError():
            return _no_plain_login(cause, broker, settings)
        case (
            exceptions.IncompatibleProtocolError()
            | exceptions.ProbableAuthenticationError()
            | exceptions.ProbableAccessDeniedError()
        ):
            return _ended_early(cause, settings, host)
        case ssl.SSLError() if failure := _handshake(cause, settings, host):
            return failure
        case exceptions.ProtocolVersionMismatch():
            return Failure(_no_broker(broker), heals=False, of_host=True)
        case TooMuch() | exceptions.BodyTooLongError():
            how = str(cause) if isinstance(cause, TooMuch) else "a body longer than announced"
            what = f"the broker broke the protocol ({how})"
            hint = "no event is so large; what publishes such messages, or stands in the way?"
            error = BrokerUnreachable(what, broker, hint=hint)
            return Failure(error, heals=False, of_protocol=True)
        case exceptions.ProtocolSyntaxError() | exceptions.UnexpectedFrameError():
            hint = "check host and port; a proxy may be in the way"
            error = BrokerUnreachable("the broker sent no valid AMQP", broker, hint=hint)
            return Failure(error, heals=True)
        case exceptions.ChannelClosedByBroker():
            return channel_failure(cause.reply_code, cause.reply_text, settings)
    what, hint = lost(cause)
    misled = host.port in _OF_MANAGEMENT or (host.port == _OF_TLS and not settings.tls)
    if misled and isinstance(cause, ConnectionRefusedError):
        hint = f"{_PORTS}. Else: {hint}"
    return Failure(BrokerUnreachable(what, broker, hint=hint), heals=True)


def _innermost(cause: BaseException) -> BaseException:
    """Unpack pika's wrappers, which have the cause in `exceptions`, `exception` or `args`."""
    while True:
        inner: object = None
        if isinstance(cause, workflow.AMQPConnectionWorkflowFailed):
            inner = cause.exceptions[-1]
        elif isinstance(cause, workflow.AMQPConnectorPhaseErrorBase):
            inner = cause.exception
        elif type(cause) in {exceptions.AMQPConnectionError, exceptions.StreamLostError}:
            inner = next((each for each in cause.args if isinstance(each, BaseException)), None)
        if not isinstance(inner, BaseException):
            return cause
        cause = inner


def _handshake(
    cause: ssl.SSLError | str, settings: ConnectionSettings, host: Host
) -> Failure | None:
    """Say why a handshake failed; a closer look gives the names and dates of a certificate."""
    error = handshake_error(cause, settings, host)
    if error is None:
        return None
    failure = Failure(error, heals=False, of_host=True)
    if isinstance(cause, str) or not shows_in_certificate(cause):
        return failure

    def look(seconds: float) -> Failure:
        seen = presented(settings.tls or TlsSettings(), host, seconds)
        shown = seen and seen.shown(lambda text: without_secrets(text, settings))
        closer = handshake_error(cause, settings, host, shown)
        return failure._replace(error=closer) if closer else failure

    return failure._replace(look=look)


def _ended_early(cause: Exception, settings: ConnectionSettings, host: Host) -> Failure:
    """Say why a connection ended while it was opened: by the broker's reply, if it sent one.

    pika guesses a refused login or vhost from how far it got; a cut cable looks the same.
    """
    broker = settings.describe(host)
    if reply := _REPLY.search(str(cause)):
        return _closed(int(reply[1]), reply[2], broker, settings)
    if not isinstance(cause, exceptions.IncompatibleProtocolError):
        hint = "RabbitMQ gives a reason when it refuses a login: this was the network, or a proxy"
        error = BrokerUnreachable("connection lost while logging in", broker, hint=hint)
        return Failure(error, heals=True)
    if settings.tls and (refused := _handshake(str(cause), settings, host)):
        return refused
    # A proxy whose broker is starting disconnects without a word.
    failure = Failure(_no_broker(broker), heals=True)
    return failure._replace(look=lambda seconds: _by_tls(settings, host, seconds) or failure)


def _by_tls(settings: ConnectionSettings, host: Host, seconds: float) -> Failure | None:
    """Check whether a connection ended before any AMQP because of TLS; None: it didn't."""
    if settings.tls:
        return _handshake(late_alert(settings.tls, host, seconds), settings, host)
    if presented(TlsSettings(), host, seconds):
        return _speaks_tls(settings.describe(host))
    return None


def _speaks_tls(broker: str) -> Failure:
    what = "this port speaks TLS, and plain AMQP was wanted"
    hint = "write amqps:// for amqp://, or give the profile `tls: {}`"
    return Failure(AccessRefused(what, broker, hint=hint), heals=False, of_host=True)


def _foreign(words: bytes, settings: ConnectionSettings, broker: str) -> Failure:
    """Name the server, if it speaks another protocol."""
    if is_alert(words) and not settings.tls:
        return _speaks_tls(broker)
    why = described(words, lambda line: without_secrets(line, settings))
    return Failure(_no_broker(broker, why), heals=False, of_host=True)


def _no_broker(broker: str, why: str = "") -> MedtrackError:
    what = f"not an AMQP broker ({why})" if why else "not an AMQP broker"
    return BrokerUnreachable(what, broker, hint=f"check host and port: {_PORTS}")


def _closed(code: int, reply: str | bytes, broker: str, settings: ConnectionSettings) -> Failure:
    text = plain(reply)
    if code == ACCESS_REFUSED:
        hint = "check user name and password: `medtrack config show` says where each came from"
        return Failure(AccessRefused("login refused", broker, hint=hint), heals=False)
    shown = without_secrets(text, settings)
    if code == NOT_ALLOWED:
        return _not_allowed(text, shown, broker, settings)
    what = f"the broker closed the connection ({code} {shown})"
    error = BrokerUnreachable(what, broker, hint="its log says more")
    return Failure(error, heals=code in {CONNECTION_FORCED, INTERNAL_ERROR}, code=code)


def _not_allowed(text: str, shown: str, broker: str, settings: ConnectionSettings) -> Failure:
    if _LIMIT.search(text):
        kind = "channel" if "number of channels" in text else "connection"
        hint = f"the vhost's, user's or node's {kind} limit is reached; close {kind}s or raise it"
        error: MedtrackError = BrokerUnreachable(f"{kind} limit reached", broker, hint=hint)
        return Failure(error, heals=True)
    if _CLOSED_TO_USER.search(text):
        return vhost_refused(settings, broker)
    if _NO_VHOST.search(text):
        return no_vhost(settings, broker)
    hint = "its words name what it doesn't allow; its log says more"
    error = AccessRefused(
        f"the broker doesn't allow that ({NOT_ALLOWED} {shown})", broker, hint=hint
    )
    return Failure(error, heals=False, code=NOT_ALLOWED)


def _no_plain_login(
    cause: exceptions.AuthenticationError, broker: str, settings: ConnectionSettings
) -> Failure:
    offered = without_secrets(", ".join(map(str, cause.args)), settings)[:_MECHANISMS_SHOWN]
    what = f"the broker takes no login by PLAIN, but {offered or 'none at all'}"
    hint = "medtrack logs in with name and password: add PLAIN to the broker's auth_mechanisms"
    return Failure(AccessRefused(what, broker, hint=hint), heals=False, of_host=True)


def lost(cause: BaseException) -> tuple[str, str]:
    """Say what happened and the next step: many causes aren't at the broker's end."""
    match cause:
        # UnicodeError: a part of the name is too long for any host, and isn't looked up.
        case socket.gaierror(errno=socket.EAI_NONAME | socket.EAI_NODATA) | UnicodeError():
            hint = "check how the host is written, and that this machine can look names up"
            return "host name not found", hint
        case socket.gaierror():
            hint = "can this machine look names up? its name server may be away"
            return f"host name not looked up ({cause.strerror})", hint
        case MemoryError():
            return "no connection (out of memory)", NO_MEMORY
        case ssl.SSLError():  # its numbers are OpenSSL's
            return _why(cause), _RUNNING
        case OSError(errno=int(number)) if number in _OF_THIS_MACHINE:
            return f"no connection ({cause.strerror})", _OF_THIS_MACHINE[number]
    return _why(cause), _RUNNING


def _why(cause: BaseException) -> str:  # noqa: PLR0911 -- one return a cause
    """Name what happened to the connection; pika's own texts are often empty."""
    match cause:
        case ConnectionRefusedError():
            return "connection refused"
        case exceptions.AMQPHeartbeatTimeout():
            return "the broker stopped answering (no heartbeat)"
        case exceptions.ConnectionBlockedTimeout():
            return "the broker kept the connection blocked"
        case exceptions.NoFreeChannels():
            return "the broker allows no further channel"
        case _ if isinstance(cause, _FELL_BEHIND):
            return "connection lost (this machine fell behind what came)"
        case TimeoutError() | workflow.AMQPConnectorStackTimeout():
            return "no answer in time"
        case (
            exceptions.ConnectionOpenAborted()
            | workflow.AMQPConnectorAborted()
            | workflow.AMQPConnectionWorkflowAborted()
        ):
            return "the attempt to connect was given up"
        case exceptions.StreamLostError() | EOFError() | ConnectionError() | ssl.SSLError():
            return "connection lost"
        case OSError():
            return f"no connection ({cause.strerror or type(cause).__name__})"
    return "no connection"
