"""RabbitMQ's management API: one HTTP client, its errors, pages and timeouts.

The caller decides what a missing answer means: a hint that is left out (`Unanswered` caught), or
the end of the command (`Unanswered.fatal`).
"""

import json
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, RemoteDisconnected
from shlex import quote as quote_word
from typing import Any
from urllib.parse import quote

from medtrack_cli.broker.patience import within
from medtrack_cli.broker.tls import refused, ssl_context
from medtrack_cli.core.connection_settings import ConnectionSettings, TlsSettings
from medtrack_cli.core.ports import Stop
from medtrack_cli.errors import (
    AccessRefused,
    BrokerUnreachable,
    ConfigError,
    MedtrackError,
    TopologyError,
)

SECONDS = 2.0  # for all requests of one purpose
LARGEST = 32 * 1024 * 1024  # bytes of an answer: about 150,000 bindings
PAGE = 500  # rows, the most that RabbitMQ gives at a time
_AT_ONCE = 2  # pages: for each RabbitMQ goes through all rows, on one core

# RabbitMQ's reasons for 401.
NO_TAG = "Not management user"
NO_RIGHT_ON_VHOST = "User not authorised to access virtual host"
NO_VHOST = "Access refused."
_REASONS = {
    "Login failed": " (the login is refused)",
    NO_TAG: " (the user has no tag for it)",
    NO_RIGHT_ON_VHOST: " (the user has no access to the vhost)",
}


class Unanswered(Exception):
    """Why there is no answer, in words that follow the API's URL and hold no secret.

    `status` is HTTP's, if there is one, and `reason` is RabbitMQ's own text. No broker has seen a
    request unless it `was_sent`.
    """

    def __init__(
        self,
        why: str,
        status: int | None = None,
        reason: str = "",
        *,
        was_sent: bool = False,
        is_trusted: bool = True,
    ) -> None:
        super().__init__(why)
        self.status, self.reason, self.was_sent = status, reason, was_sent
        self.is_trusted = is_trusted  # no: its certificate, and trying again can't help

    def fatal(self, settings: ConnectionSettings) -> MedtrackError:
        """Make it the error of a command that can't continue without the answer."""
        if settings.management_url is None:
            what, host = "the management API's address isn't known", settings.hosts[0].name
            hint = f"export MEDTRACK_MANAGEMENT_URL=http://{host}:15672"
            hint += "; or management_url in a profile"
            return ConfigError(what, settings.profile, hint=hint)
        address = str(settings.management_url)
        what = f"the management API {self}"
        if self.status in {401, 403}:
            hint = "check user and password; `rabbitmqctl list_users` shows who there is"
            if self.reason == NO_TAG:
                tagged = f"{quote_word(settings.username)} management"
                hint = f"an administrator can grant it: rabbitmqctl set_user_tags {tagged}"
            return AccessRefused(what, address, hint=hint)
        if not self.is_trusted:
            hint = "amqps:// with --ca-file, or tls.ca_file in a profile, names who signed it"
            return AccessRefused(what, address, hint=hint)
        if self.status == 404 and self.reason:
            hint = "is there such a vhost, queue or exchange, and may you see it?"
            return TopologyError(what, address, hint=hint)
        hint = (
            "is RabbitMQ running there (`medtrack broker start` starts a private one, `--profile "
        )
        hint += "private` leads there), is it the API's port (15672; TLS: 15671), is its plugin on "
        hint += "(rabbitmq-plugins enable rabbitmq_management)?"
        return BrokerUnreachable(what, address, hint=hint)


STRANGE = "gave an answer that isn't RabbitMQ's"


@contextmanager
def as_rabbitmq_writes() -> Iterator[None]:
    """Turn the errors of reading an answer of another form into Unanswered."""
    try:
        yield
    except (TypeError, KeyError, AttributeError, ValueError):
        raise Unanswered(STRANGE) from None


def path(*names: str) -> str:
    """Give the API's path to what has these names."""
    return "/".join(quote(each, safe="") for each in names)


def names(settings: ConnectionSettings, kind: str, seconds: float = SECONDS) -> tuple[str, ...]:
    """List the vhost's `exchanges` or `queues`, or all `vhosts`; empty when unavailable."""
    where = path(kind) if kind == "vhosts" else path(kind, settings.vhost)
    try:
        listed = Questions(settings, seconds).ask(f"{where}?columns=name")
    except Unanswered:
        return ()
    rows = listed if isinstance(listed, list) else []
    return tuple(str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name"))


class Questions:
    """Requests that share one time limit; a requested stop ends it, too."""

    def __init__(
        self, settings: ConnectionSettings, seconds: float = SECONDS, stop: Stop | None = None
    ) -> None:
        self._settings = settings
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._stop = stop
        self.told_at: datetime | None = None

    def ask(self, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Get `/api/<path>` as JSON; Unanswered on failure."""
        return self.request("GET", path)

    def pages(self, path: str, size: int = PAGE) -> Iterator[dict[str, Any]]:
        """Get the rows of a list that RabbitMQ gives in pages: queues, exchanges, connections.

        `path` may have a query. Rows that come or go meanwhile may be given twice, or not at all.
        """
        join = "&" if "?" in path else "?"

        def page(number: int) -> Any:  # noqa: ANN401 -- JSON
            return self.ask(f"{path}{join}page={number}&page_size={size}")

        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            first = page(1)
            yield from first["items"]
            for each in pool.map(page, range(2, first["page_count"] + 1)):
                yield from each["items"]
        except (TypeError, KeyError):
            raise Unanswered(STRANGE) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def request(self, method: str, path: str, value: object = None) -> Any:  # noqa: ANN401 -- JSON
        """Ask with AMQP's login and trust; the login never goes unencrypted to another machine."""
        address = self._settings.management_url
        if address and not (address.tls or address.at.is_loopback):
            raise Unanswered("isn't asked: the password would go there in the clear")
        left = max(0.001, self._until - time.monotonic())  # urllib3 refuses 0

        def asked() -> tuple[Any, datetime | None]:
            with closing(Api(self._settings, left)) as api:
                return api.request(method, path, value), api.told_at

        try:
            answer, self.told_at = within(left, asked, self._stop)
        except TimeoutError:
            raise Unanswered(f"gave no whole answer within {self._seconds:.2g} s") from None
        return answer


class Api:
    """The API over persistent connections, for several threads at once.

    It uses AMQP's login and trust. The login goes to no proxy, and follows no redirect. `seconds`
    are for connecting, and for each part of an answer.
    """

    def __init__(self, settings: ConnectionSettings, seconds: float, connections: int = 1) -> None:
        import urllib3

        address = settings.management_url
        if address is None:
            raise Unanswered("isn't set")
        self._address = address
        self.told_at: datetime | None = None  # the broker's clock at its last answer
        login = f"{settings.username}:{settings.password.reveal()}".encode()
        self._headers = {"authorization": f"Basic {b64encode(login).decode()}"}
        # urllib3 gets the host in parts, and no URL to parse: it connects to exactly this one.
        host, port = address.at
        kept: dict[str, Any] = {"timeout": urllib3.Timeout(seconds), "maxsize": connections}
        if not address.tls:
            self._pool = urllib3.HTTPConnectionPool(host, port, **kept)
            return
        try:
            trust = ssl_context(settings.tls or TlsSettings())
        except MedtrackError as error:
            raise Unanswered(f"isn't asked: {error.message}") from None
        self._pool = urllib3.HTTPSConnectionPool(host, port, ssl_context=trust, **kept)

    def request(self, method: str, path: str, value: object = None) -> Any:  # noqa: ANN401 -- JSON
        """Send one request to `/api/<path>`, once; return the answer as JSON, or raise Unanswered.

        TimeoutError where a connection exists but nothing arrives.
        """
        from urllib3 import exceptions

        headers, body = self._headers, None
        if value is not None:
            headers = {**headers, "content-type": "application/json"}
            body = json.dumps(value, ensure_ascii=False).encode()
        where = f"{self._address.path}/api/{path}"
        no = {"redirect": False, "retries": False, "preload_content": False}
        try:
            with closing(self._pool.urlopen(method, where, body, headers, **no)) as response:
                answer = response.read(LARGEST + 1)  # whole, so that the connection is kept
                self.told_at = _date(response.headers.get("date"))
        except exceptions.ReadTimeoutError:
            raise TimeoutError from None
        except exceptions.SSLError as error:
            is_distrust = isinstance(error.args[0], ssl.SSLCertVerificationError)
            why = f"isn't trusted: {self._distrust(error)}"
            raise Unanswered(why, was_sent=not is_distrust, is_trusted=not is_distrust) from None
        except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError) as error:
            raise Unanswered(f"doesn't answer{_why_not(error)}") from None
        except (exceptions.HTTPError, OSError, ValueError) as error:
            why = "doesn't answer in HTTP" if _is_no_http(error) else "doesn't answer"
            raise Unanswered(why, was_sent=True) from None
        if not 200 <= response.status < 300:
            reason = _reason(answer)
            why = f"answered {response.status}{_REASONS.get(reason, '')}"
            raise Unanswered(why, response.status, reason, was_sent=True)
        return _json(answer) if method in {"GET", "POST"} else None

    def close(self) -> None:
        self._pool.close()

    def _distrust(self, error: Exception) -> str:
        cause = error.args[0] if error.args else None
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "; ".join(refused(cause, self._address.host, None, "its certificate"))
        return "its TLS is refused"


def _is_no_http(error: Exception) -> bool:
    """Return whether another protocol answered; RemoteDisconnected means no answer at all."""
    cause = error.args[-1] if error.args else None
    return isinstance(cause, BadStatusLine) and not isinstance(cause, RemoteDisconnected)


def _why_not(error: Exception) -> str:
    """Give the system's reason why a connection can't be made, if it is known."""
    cause = error.__cause__
    words = cause.strerror if isinstance(cause, OSError) else None
    return f" ({words.lower()})" if words else ""


def _date(text: str | None) -> datetime | None:
    try:
        told = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return told.replace(tzinfo=told.tzinfo or UTC)  # -0000 means UTC


def _json(body: bytes) -> Any:  # noqa: ANN401 -- JSON
    if len(body) > LARGEST:
        what = f"answered more than {LARGEST // 1024 // 1024} MiB"
        raise Unanswered(what, was_sent=True)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unanswered("answered no JSON", was_sent=True) from None


def _reason(body: bytes) -> str:
    """Find RabbitMQ's own words in an error; empty if it isn't RabbitMQ that answers."""
    try:
        found = _json(body)["reason"]
    except (Unanswered, TypeError, KeyError):
        return ""
    return found if isinstance(found, str) else json.dumps(found)
