"""Ends of connections, and failures to connect, for which no broker has given a reason."""

import errno
import socket
import ssl
from typing import Any

from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from medtrack_cli.broker.shortages import NO_MEMORY, SHORTAGES

_NO_ROUTE = "is this machine on the broker's network, or its VPN?"
_FORBIDDEN = "a firewall or sandbox of this machine forbids it"
_OF_THIS_MACHINE = SHORTAGES | {
    errno.EADDRNOTAVAIL: "is the address one to connect to, and has this machine a free port left?",
    errno.ENETUNREACH: _NO_ROUTE,
    errno.EHOSTUNREACH: _NO_ROUTE,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}
_RUNNING = "is RabbitMQ running there? `medtrack broker start` starts a private one"
_FELL_BEHIND: Any = getattr(exceptions, "WorkQueueFullError", ())  # pika has it from 1.5 on


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
