"""Users of a broker with just the permissions a test gives them, by the management API."""

import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import urllib3

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker

ALL = {"configure": ".*", "write": ".*", "read": ".*"}
PASSWORD = "a-users-secret"


@dataclass(frozen=True)
class Account:
    """A user of the broker's vhost."""

    broker: PrivateBroker
    name: str

    @property
    def url(self) -> str:
        return f"amqp://{self.name}:{PASSWORD}@127.0.0.1:{self.broker.amqp_port}/%2F"

    def may(self, **permissions: str) -> None:
        """Set the user's permissions on the vhost."""
        manage(self.broker, "PUT", f"permissions/%2F/{self.name}", {**ALL, **permissions})

    def may_use(self, **patterns: str) -> None:
        """Set the routing keys that the user may write and read on the exchange."""
        wanted = {"exchange": EXCHANGE, "write": ".*", "read": ".*", **patterns}
        manage(self.broker, "PUT", f"topic-permissions/%2F/{self.name}", wanted)


@contextmanager
def account(broker: PrivateBroker, tags: str = "") -> Iterator[Account]:
    """Make a user without any permission, gone at the end."""
    name = f"user-{secrets.token_hex(4)}"
    manage(broker, "PUT", f"users/{name}", {"password": PASSWORD, "tags": tags})
    try:
        yield Account(broker, name)
    finally:
        manage(broker, "DELETE", f"users/{name}")


@contextmanager
def vhost(broker: PrivateBroker, name: str) -> Iterator[None]:
    """Make a vhost, gone at the end."""
    path = f"vhosts/{quote(name, safe='')}"
    manage(broker, "PUT", path)
    try:
        yield
    finally:
        manage(broker, "DELETE", path)


def manage(
    broker: PrivateBroker, method: str, path: str, body: Mapping[str, object] | None = None
) -> None:
    """Ask the management API, as the administrator."""
    login = urllib3.make_headers(basic_auth="admin:password")
    base = f"http://127.0.0.1:{broker.management_port}/api"
    answer = urllib3.request(method, f"{base}/{path}", headers=login, json=body or {})
    assert answer.status < 300, answer.data


def run_hinted_line(broker: PrivateBroker, err: str) -> list[str]:
    """Run the rabbitmqctl line that a hint has given, as a shell would read it."""
    *_, line = err.rstrip().rpartition(" shows: rabbitmqctl ")
    arguments = shlex.split(line)
    private.rabbitmqctl(broker, *arguments)
    return arguments
