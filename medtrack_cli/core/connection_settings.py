"""The values that say which broker to connect to, and as which user."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple


class Secret:
    """A string that prints as ***; only `reveal()` returns its text."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        return self.__text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__text

    def __hash__(self) -> int:
        return hash(self.__text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never pickled")


_NO_PASSWORD = Secret("")


class Host(NamedTuple):
    """One broker address."""

    name: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, by its name, without asking the network."""
        try:
            return "%" not in self.name and ip_address(self.name).is_loopback
        except ValueError:
            return self.name.lower().rstrip(".") == "localhost"

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A web server's address in the parts that are checked and connected to, never parsed again."""

    tls: bool
    host: str
    port: int | None = None
    path: str = ""

    @property
    def at(self) -> Host:
        return Host(self.host, self.port or (443 if self.tls else 80))

    def __str__(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"http{'s' if self.tls else ''}://{name}{port}{self.path}"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What the TLS handshake needs; paths are absolute.

    `passphrase` is for the private key. `verify` False: any certificate is accepted (--insecure).
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    passphrase: Secret | None = None
    verify: bool = True


class Target(NamedTuple):
    """Which broker events go to or come from, without any secret."""

    profile: str
    broker: str
    exchange: str


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Where to connect and as which user: all that a broker adapter needs.

    `hosts` is never empty and is in the order to try; `tls` None means plain AMQP.
    """

    hosts: tuple[Host, ...]
    vhost: str = "/"
    username: str = "guest"
    password: Secret = _NO_PASSWORD
    exchange: str = "medtrack.events"
    tls: TlsSettings | None = None
    management_url: WebAddress | None = None
    via_http: bool = False  # through the management API, as `describe` and `warnings` then say
    profile: str = "local"
    protected: bool = False
    heartbeat: int = 10  # seconds; a dead peer is noticed within 2 x (heartbeat + 5)
    ignored: tuple[str, ...] = ()  # parameters of the URL for other clients

    @property
    def target(self) -> Target:
        """Name the broker; all of its hosts, in a fixed order."""
        hosts = None if self.via_http else ",".join(sorted(map(str, self.hosts)))
        return Target(self.profile, self.describe(hosts), self.exchange)

    @property
    def warnings(self) -> Iterator[str]:
        """Warn of what an attacker on the network could do, and of ignored parts of the URL."""
        to, protocol, is_plain = self.hosts, "AMQP", self.tls is None
        if self.via_http and self.management_url:
            url = self.management_url
            to, protocol, is_plain = (url.at,), "HTTP", not url.tls
        remote = [host for host in to if not host.is_loopback]
        if remote and is_plain:
            yield f"plain {protocol} to {remote[0]}: password and events can be read on the way"
        if self.tls and not self.tls.verify:
            yield (
                f"certificates are not checked (--insecure): any server that answers as {to[0]}"
                " can read and change what is sent, the password included"
            )
        if not self.vhost:
            yield "the vhost's name is empty: a URL that ends in / says so; the vhost / is %2F"
        if self.ignored:
            yield f"the URL's {', '.join(self.ignored)} is for other clients, and ignored here"

    def describe(self, host: Host | str | None = None) -> str:
        """Name the broker for a person, without any secret: `amqp://admin@localhost:5672/%2F`."""
        from urllib.parse import quote

        scheme, vhost = "amqps" if self.tls else "amqp", quote(self.vhost, safe="")
        if self.via_http and (url := self.management_url):
            scheme, host = "https" if url.tls else "http", f"{url.at}{url.path}"
        return f"{scheme}://{quote(self.username, safe='')}@{host or self.hosts[0]}/{vhost}"
