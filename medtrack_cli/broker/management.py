"""RabbitMQ's management API, asked for what AMQP doesn't tell: in short, and never fatally."""

import json
from base64 import b64encode
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

from medtrack_cli.broker.tls import ssl_context
from medtrack_cli.core.connection import ConnectionSettings, Host, TlsSettings
from medtrack_cli.errors import MedtrackError

SECONDS = 2.0  # for one question, an error waits for its hint
_LARGEST = 4 * 1024 * 1024  # bytes of an answer


def names(settings: ConnectionSettings, kind: str) -> tuple[str, ...]:
    """List the vhost's `exchanges` or `queues`, or all `vhosts`; empty where nobody can tell."""
    where = "" if kind == "vhosts" else f"/{quote(settings.vhost, safe='')}"
    listed = ask(settings, f"{kind}{where}?columns=name")
    rows = listed if isinstance(listed, list) else []
    return tuple(str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name"))


def ask(settings: ConnectionSettings, path: str) -> Any:  # noqa: ANN401 -- JSON
    """Get `/api/<path>` as JSON, with AMQP's login and trust; None where it can't be had.

    The login goes to no other machine in the clear, and follows no redirect.
    """
    url = settings.management_url
    if url is None or not _is_safe(url):
        return None
    import urllib3

    login = f"{settings.username}:{settings.password.reveal()}".encode()
    try:
        with (
            urllib3.PoolManager(
                ssl_context=ssl_context(settings.tls or TlsSettings()),
                timeout=urllib3.Timeout(total=SECONDS),
                retries=False,
            ) as pool,
            closing(
                pool.request(
                    "GET",
                    f"{url}/api/{path}",
                    headers={"authorization": f"Basic {b64encode(login).decode()}"},
                    redirect=False,
                    preload_content=False,
                )
            ) as response,
        ):
            return json.loads(response.read(_LARGEST)) if response.status == 200 else None
    except (urllib3.exceptions.HTTPError, OSError, ValueError, MedtrackError):
        return None


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or Host(parts.hostname or "", 0).is_loopback
