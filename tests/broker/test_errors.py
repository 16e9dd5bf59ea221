"""What pika and the socket raise, as errors a person can act on."""

import errno
import inspect
import socket
import ssl
from collections.abc import Iterator

import pytest
from pika import exceptions
from pika.adapters.utils import connection_workflow

from medtrack_cli.broker.amqp.errors import connection_failure
from medtrack_cli.broker.refusals import channel_failure
from medtrack_cli.core.connection_settings import ConnectionSettings, Host, Secret
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, MedtrackError, TopologyError

HOST = Host("localhost", 1)  # where nobody is: some errors make the adapter look again
SETTINGS = ConnectionSettings((HOST,), username="somebody", password=Secret("hunter2!"))

# Bases that pika never raises, and what it raises at its caller for a mistake in the program:
# no connection ends with one of these.
NEVER_AN_END = {
    "AMQPChannelError",
    "AMQPConnectionWorkflowWrongState",
    "AMQPConnectorException",
    "AMQPConnectorWrongState",
    "AMQPError",
    "ChannelClosed",
    "ChannelClosedByClient",
    "ChannelError",
    "ChannelWrongStateError",
    "ConnectionWrongStateError",
    "ConsumerCancelled",
    "DuplicateConsumerTag",
    "DuplicateGetOkCallback",
    "InvalidChannelNumber",
    "MethodNotImplemented",
    "NackError",
    "ReentrancyError",
    "ShortStringTooLong",
    "UnroutableError",
}
SINCE_1_5 = {"UnencodableDecimalError", "UnencodableLongError", "UnencodableTimestampError"}


def exception_classes() -> Iterator[type[Exception]]:
    """Walk every exception class of pika, those of its connection workflow included."""
    for module in (exceptions, connection_workflow):
        for member in vars(module).values():
            if (
                inspect.isclass(member)
                and issubclass(member, Exception)
                and member.__module__ == module.__name__
            ):
                yield member


def made(kind: type[Exception]) -> Exception:
    """Make an exception of a class, as pika would."""
    if issubclass(kind, exceptions.ConnectionClosed | exceptions.ChannelClosed):
        return kind(320, "CONNECTION_FORCED")
    if issubclass(kind, connection_workflow.AMQPConnectorPhaseErrorBase):
        return kind(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    if issubclass(kind, connection_workflow.AMQPConnectionWorkflowFailed):
        return kind([ConnectionRefusedError(errno.ECONNREFUSED, "refused")])
    if kind is exceptions.AMQPConnectionError:
        return kind(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    return kind("a detail of pika's")


def early(guess: str, code: int, text: str = "x") -> Exception:
    """Make what pika makes of the broker's reply while a connection is opened."""
    kind: type[Exception] = getattr(exceptions, guess)
    return kind(repr(exceptions.ConnectionClosedByBroker(code, text)))


ENDS = [kind for kind in exception_classes() if kind.__name__ not in NEVER_AN_END | SINCE_1_5]


@pytest.mark.parametrize("kind", ENDS, ids=lambda kind: kind.__name__)
def test_every_exception_of_pika_has_words(kind: type[Exception]) -> None:
    """No exception that can end a connection falls to the words for what nobody thought of."""
    failure = connection_failure(made(kind), SETTINGS, HOST)
    assert failure.error.what != "no connection", f"connection_failure doesn't know {kind}"


def test_the_classes_excepted_exist() -> None:
    """The list of exceptions that never end a connection names no class that pika lacks."""
    assert {kind.__name__ for kind in exception_classes()} >= NEVER_AN_END


@pytest.mark.parametrize(
    ("cause", "kind", "word", "heals"),
    [
        (ConnectionRefusedError(111, "x"), BrokerUnreachable, "connection refused", True),
        (socket.gaierror(-2, "x"), BrokerUnreachable, "host name not found", True),
        (TimeoutError(), BrokerUnreachable, "no answer in time", True),
        (ConnectionResetError(104, "x"), BrokerUnreachable, "connection lost", True),
        (OSError(errno.EHOSTUNREACH, "No route"), BrokerUnreachable, "No route", True),
        (exceptions.ProbableAuthenticationError("x"), BrokerUnreachable, "lost while", True),
        (exceptions.ProbableAccessDeniedError("x"), BrokerUnreachable, "lost while", True),
        (early("ProbableAuthenticationError", 403), AccessRefused, "login refused", False),
        (
            early("ProbableAccessDeniedError", 530, "NOT_ALLOWED - vhost a not found"),
            TopologyError,
            "vhost",
            False,
        ),
        (early("ProbableAccessDeniedError", 530), AccessRefused, "doesn't allow that", False),
        (early("ProbableAccessDeniedError", 320), BrokerUnreachable, "closed", True),
        (
            early("ProbableAccessDeniedError", 530, "access to vhost: limit (5) is reached"),
            BrokerUnreachable,
            "connection limit",
            True,
        ),
        (exceptions.ConnectionClosedByBroker(403, "x"), AccessRefused, "login refused", False),
        (
            exceptions.ConnectionClosedByBroker(530, "vhost x not found"),
            TopologyError,
            "vhost",
            False,
        ),
        (
            exceptions.ConnectionClosedByBroker(530, "attempt to reuse consumer tag 'vhost'"),
            AccessRefused,
            "doesn't allow that (530 attempt to reuse",
            False,
        ),
        (
            exceptions.ConnectionClosedByBroker(
                530,
                "number of channels opened for user 'a' has reached the maximum allowed user "
                "limit of (1)",
            ),
            BrokerUnreachable,
            "channel limit",
            True,
        ),
        (
            exceptions.ConnectionClosedByBroker(530, "connection limit (0) is reached"),
            BrokerUnreachable,
            "limit",
            True,
        ),
        (exceptions.ConnectionClosedByBroker(320, "x"), BrokerUnreachable, "closed", True),
        (exceptions.ConnectionClosedByBroker(501, "x"), BrokerUnreachable, "closed", False),
        (exceptions.ChannelClosedByBroker(404, "no exchange"), TopologyError, "exchange", False),
        (exceptions.IncompatibleProtocolError("x"), BrokerUnreachable, "not an AMQP", True),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] x"), AccessRefused, "TLS", False),
        (ssl.SSLEOFError(8, "EOF"), BrokerUnreachable, "connection lost", True),
        (ssl.SSLZeroReturnError(6, "closed (EOF)"), BrokerUnreachable, "connection lost", True),
        (exceptions.AMQPHeartbeatTimeout("x"), BrokerUnreachable, "heartbeat", True),
    ],
    ids=repr,
)
def test_causes_become_errors(
    cause: Exception, kind: type[MedtrackError], word: str, *, heals: bool
) -> None:
    """Each cause has its class, its words, and whether trying again can help."""
    for wrapped in (
        cause,
        exceptions.AMQPConnectionError(cause),
        connection_workflow.AMQPConnectionWorkflowFailed([OSError(1, "x"), cause]),
        connection_workflow.AMQPConnectorSocketConnectError(cause),
    ):
        failure = connection_failure(wrapped, SETTINGS, HOST)
        assert (type(failure.error), failure.heals) == (kind, heals)
        assert word in failure.error.what


def test_a_name_that_is_not_found_starts_no_broker() -> None:
    """A host whose name isn't found brings no advice to start a broker."""
    failure = connection_failure(socket.gaierror(-2, "x"), SETTINGS, HOST)
    assert "broker start" not in failure.error.hint
    assert "broker start" in connection_failure(TimeoutError(), SETTINGS, HOST).error.hint


@pytest.mark.parametrize(
    ("cause", "what", "hint"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files", "ulimit -n"),
        (OSError(errno.ENFILE, "x"), "no connection (x)", "fs.file-max"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "allocate memory", "leave no memory"),
        (OSError(errno.ENOBUFS, "x"), "no connection (x)", "leave no memory"),
        (MemoryError(), "out of memory", "leave no memory"),
        (OSError(errno.ENETUNREACH, "x"), "no connection (x)", "network, or its VPN"),
        (PermissionError(errno.EACCES, "x"), "no connection (x)", "firewall or sandbox"),
        (socket.gaierror(socket.EAI_AGAIN, "not now"), "not looked up (not now)", "name server"),
        (ssl.SSLEOFError(errno.EPERM, "x"), "connection lost", "is RabbitMQ running"),
    ],
    ids=repr,
)
def test_what_lacks_here_sends_nobody_to_the_broker(cause: Exception, what: str, hint: str) -> None:
    """What this machine lacks has its own next step, and is tried again."""
    failure = connection_failure(exceptions.AMQPConnectionError(cause), SETTINGS, HOST)
    assert (type(failure.error), failure.heals) == (BrokerUnreachable, True)
    assert what in failure.error.what
    assert hint in failure.error.hint


@pytest.mark.parametrize(
    ("code", "text", "kind", "heals"),
    [
        (404, "NOT_FOUND - no exchange 'x' in vhost '/'", TopologyError, False),
        (404, "NOT_FOUND - no queue 'x' in vhost '/'", TopologyError, False),
        (403, "ACCESS_REFUSED - write access refused", AccessRefused, False),
        (405, "RESOURCE_LOCKED", TopologyError, True),
        (406, "PRECONDITION_FAILED - inequivalent arg", TopologyError, False),
        (406, "X - queue 'x' does not have a replica on the local node", BrokerUnreachable, True),
        (541, "INTERNAL_ERROR", BrokerUnreachable, True),
        (311, "CONTENT_TOO_LARGE - of 20 MiB", TopologyError, False),
        (504, "CHANNEL_ERROR - expected 'channel.open'", BrokerUnreachable, True),
        (506, "RESOURCE_ERROR - no memory", BrokerUnreachable, True),
        (540, "NOT_IMPLEMENTED - basic.get not supported", TopologyError, False),
        (599, "NOBODY_KNOWS", BrokerUnreachable, False),
    ],
)
def test_a_closed_channel_becomes_an_error(
    code: int, text: str, kind: type[MedtrackError], *, heals: bool
) -> None:
    """Each reply code of a closed channel has its class of error, and a subject."""
    failure = channel_failure(code, text, SETTINGS)
    assert (type(failure.error), failure.heals) == (kind, heals)
    assert failure.error.subject
    assert failure.error.hint


@pytest.mark.parametrize(
    "words",
    [
        "home node 'rabbit@A' of durable queue 'x' in vhost '/' is down or inaccessible",
        "queue 'x' in vhost '/' process is stopped by supervisor",
        "failed to perform operation on queue 'x' in vhost '/' due to timeout",
    ],
)
def test_a_queue_whose_node_restarts_is_not_missing(words: str) -> None:
    """A 404 that doesn't say that there is no such queue heals, as a lost connection does."""
    failure = channel_failure(404, f"NOT_FOUND - {words}", SETTINGS, "Queue.Declare")
    assert (type(failure.error), failure.heals) == (BrokerUnreachable, True)
    assert words in failure.error.what


@pytest.mark.parametrize("kind", list(exception_classes()), ids=lambda kind: kind.__name__)
def test_no_error_holds_the_password(kind: type[Exception]) -> None:
    """Whatever ends a connection, its error never holds the password."""
    failure = connection_failure(made(kind), SETTINGS, HOST)
    assert "hunter2" not in f"{failure.error} {failure.error.hint}"


@pytest.mark.parametrize(
    ("code", "words", "step"),
    [
        (24, "signed by a certificate that is no authority", "an authority has signed"),
        (67, "an authority whose key is too short", "RSA of 2048 bits"),
        (68, "a hash that is too weak, such as SHA-1", "SHA-256"),
        (12345, "is refused (in OpenSSL's words)", "openssl s_client"),
    ],
)
def test_what_no_trust_would_help_sends_nobody_to_the_ca_file(
    code: int, words: str, step: str
) -> None:
    """A certificate that is refused for what it is has its own words and next step."""
    cause = ssl.SSLCertVerificationError(1, "x")
    cause.verify_code, cause.verify_message = code, "in OpenSSL's words"
    error = connection_failure(cause, SETTINGS, HOST).error
    assert words in error.what
    assert step in error.hint
    assert "--ca-file" not in error.hint


def test_the_hint_of_a_missing_queue_names_no_option_that_its_command_lacks() -> None:
    """Queues are named by --queue, --from-queue, --durable and more: only --vhost is all's."""
    failure = channel_failure(404, "NOT_FOUND - no queue 'x' in vhost '/'", SETTINGS, "Basic.Get")
    assert failure.error.hint is not None
    assert failure.error.hint.startswith("check its name and --vhost;")
