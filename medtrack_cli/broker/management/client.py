"""RabbitMQ's management API: one HTTP client, its errors, pages and time.

Whoever asks decides what no answer means: a hint that is left out (`Unanswered` caught), or the
end of the command (`Unanswered.fatal`).
"""

import json
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from medtrack_cli.broker.asking import within
from medtrack_cli.broker.tls import refused, ssl_context
from medtrack_cli.core.connection import ConnectionSettings, TlsSettings, WebAddress
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import AccessRefused, BrokerUnreachable, MedtrackError, TopologyError

if TYPE_CHECKING:
    import urllib3

SECONDS = 2.0  # for all that is asked for one purpose
_LARGEST = 4 * 1024 * 1024  # bytes of an answer
PAGE = 500  # rows, the most that RabbitMQ gives at a time


class Unanswered(Exception):
    """Why there is no answer, in words that go on after the API's URL and hold no secret.

    `status` is HTTP's, where there is one.
    """

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status

    def fatal(self, settings: ConnectionSettings) -> MedtrackError:
        """Make it the error of a command that can't go on without the answer."""
        address = str(settings.management_url or "management_url")
        what = f"the management API {self}"
        if self.status in {401, 403}:
            hint = "the user needs a tag: rabbitmqctl set_user_tags USER monitoring"
            return AccessRefused(what, address, hint=hint)
        if self.status == 404:
            return TopologyError(what, address, hint="is there such a vhost, queue or exchange?")
        hint = "set management_url in the profile, or MEDTRACK_MANAGEMENT_URL=http://HOST:15672"
        return BrokerUnreachable(what, address, hint=hint)


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
        """Get `/api/<path>` as JSON; Unanswered where it can't be had."""
        return self._request("GET", path, None)

    def post(self, path: str, value: object) -> Any:  # noqa: ANN401 -- JSON
        """Post a JSON value to `/api/<path>`, once; give the answer as JSON."""
        return self._request("POST", path, json.dumps(value).encode())

    def pages(self, path: str, size: int = PAGE) -> Iterator[dict[str, Any]]:
        """Get the rows of a list that RabbitMQ gives in pages: queues, exchanges, connections.

        `path` may have a query. Rows that come or go meanwhile may be given twice, or not.
        """
        join = "&" if "?" in path else "?"
        for number in count(1):
            page = self.ask(f"{path}{join}page={number}&page_size={size}")
            try:
                yield from page["items"]
                if number >= page["page_count"]:
                    return
            except (TypeError, KeyError):
                raise Unanswered("answered what RabbitMQ doesn't") from None

    def _request(self, method: str, path: str, body: bytes | None) -> Any:  # noqa: ANN401 -- JSON
        """Ask with AMQP's login and trust.

        The login goes to no other machine in the clear, to no proxy, and follows no redirect.
        """
        address = self._settings.management_url
        if address is None:
            raise Unanswered("isn't set")
        if not (address.tls or address.at.is_loopback):
            raise Unanswered("isn't asked: the password would go there in the clear")
        left = max(0.001, self._until - time.monotonic())  # urllib3 refuses 0
        asked = partial(_answer, self._settings, address, method, path, body, left)
        try:
            return within(left, asked, self._stop)
        except TimeoutError:
            raise Unanswered(f"gave no whole answer within {self._seconds:.2g} s") from None


def _answer(  # noqa: PLR0913, PLR0917 -- the parts of a request
    settings: ConnectionSettings,
    address: WebAddress,
    method: str,
    path: str,
    body: bytes | None,
    seconds: float,
) -> Any:  # noqa: ANN401 -- JSON
    from urllib3 import exceptions

    login = f"{settings.username}:{settings.password.reveal()}".encode()
    headers = {"authorization": f"Basic {b64encode(login).decode()}"}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        with (
            _connections(settings, address, seconds) as pool,
            closing(
                pool.urlopen(
                    method,
                    f"{address.path}/api/{path}",
                    body,
                    headers,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                )
            ) as response,
        ):
            if not 200 <= response.status < 300:
                raise Unanswered(f"answered {response.status}", response.status)
            answer = response.read(_LARGEST + 1)
    except MedtrackError as error:
        raise Unanswered(f"isn't asked: {error.message}") from None
    except exceptions.ReadTimeoutError:
        raise TimeoutError from None
    except exceptions.SSLError as error:
        raise Unanswered(f"isn't trusted: {_distrust(error, address)}") from None
    except (exceptions.HTTPError, OSError, ValueError):
        raise Unanswered("doesn't answer") from None
    return _json(answer)


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
