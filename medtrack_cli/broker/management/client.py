"""RabbitMQ's management API, asked for what AMQP doesn't tell: in short, and never fatally."""

import json
import ssl
import time
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from medtrack_cli.broker.asking import within
from medtrack_cli.broker.tls import refused, ssl_context
from medtrack_cli.core.connection import ConnectionSettings, TlsSettings, WebAddress
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import MedtrackError

if TYPE_CHECKING:
    import urllib3

SECONDS = 2.0  # for all that is asked for one purpose
_LARGEST = 4 * 1024 * 1024  # bytes of an answer


class Unanswered(Exception):
    """Why there is no answer, in words that go on behind the API's URL and hold no secret."""


def names(settings: ConnectionSettings, kind: str, seconds: float = SECONDS) -> tuple[str, ...]:
    """List the vhost's `exchanges` or `queues`, or all `vhosts`; empty where nobody can tell."""
    where = "" if kind == "vhosts" else f"/{quote(settings.vhost, safe='')}"
    try:
        listed = Questions(settings, seconds).ask(f"{kind}{where}?columns=name")
    except Unanswered:
        return ()
    rows = listed if isinstance(listed, list) else []
    return tuple(str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name"))


class Questions:
    """Questions that share one time; a stop that is requested ends it, too."""

    def __init__(
        self, settings: ConnectionSettings, seconds: float = SECONDS, stop: Stop | None = None
    ) -> None:
        self._settings = settings
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._stop = stop

    def ask(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Get `/api/<path>` as JSON, with AMQP's login and trust; Unanswered where it can't be had.

        The login goes to no other machine in the clear, to no proxy, and follows no redirect.
        """
        address = self._settings.management_url
        if address is None:
            raise Unanswered("isn't set")
        if not (address.tls or address.at.is_loopback):
            raise Unanswered("isn't asked: the password would go there in the clear")
        left = max(0.001, self._until - time.monotonic())  # urllib3 refuses 0
        try:
            return within(left, lambda: _get(self._settings, address, path, left), self._stop)
        except TimeoutError:
            raise Unanswered(f"gave no whole answer within {self._seconds:.2g} s") from None


def _get(settings: ConnectionSettings, address: WebAddress, path: str, seconds: float) -> Any:  # noqa: ANN401 -- JSON
    from urllib3 import exceptions

    login = f"{settings.username}:{settings.password.reveal()}".encode()
    try:
        with (
            _connections(settings, address, seconds) as pool,
            closing(
                pool.urlopen(
                    "GET",
                    f"{address.path}/api/{path}",
                    headers={"authorization": f"Basic {b64encode(login).decode()}"},
                    redirect=False,
                    retries=False,
                    preload_content=False,
                )
            ) as response,
        ):
            if response.status != 200:
                raise Unanswered(f"answered {response.status}")
            body = response.read(_LARGEST + 1)
    except MedtrackError as error:
        raise Unanswered(f"isn't asked: {error.message}") from None
    except exceptions.ReadTimeoutError:
        raise TimeoutError from None
    except exceptions.SSLError as error:
        raise Unanswered(f"isn't trusted: {_distrust(error, address)}") from None
    except (exceptions.HTTPError, OSError, ValueError):
        raise Unanswered("doesn't answer") from None
    return _json(body)


def _distrust(error: Exception, address: WebAddress) -> str:
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "; ".join(refused(cause, address.host, None, "its certificate"))
    return "its TLS is refused"


def _connections(
    settings: ConnectionSettings, address: WebAddress, seconds: float
) -> "urllib3.HTTPConnectionPool":
    """Prepare to connect to this very host: urllib3 gets it in parts, and no URL to read."""
    import urllib3

    host, port = address.at
    timeout = urllib3.Timeout(total=seconds)
    if not address.tls:
        return urllib3.HTTPConnectionPool(host, port, timeout=timeout)
    trust = ssl_context(settings.tls or TlsSettings())
    return urllib3.HTTPSConnectionPool(host, port, timeout=timeout, ssl_context=trust)


def _json(body: bytes) -> Any:  # noqa: ANN401 -- JSON
    if len(body) > _LARGEST:
        raise Unanswered(f"answered more than {_LARGEST // 1024 // 1024} MiB")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unanswered("answered no JSON") from None
