"""Broken set-ups: each breaks something for as long as its context lasts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.core.ports import Clock
from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.world import SystemClock
from tests.broker.certificates import Authority, tls_server
from tests.faults.breaking import alarmed
from tests.faults.permissions import PASSWORD, account, manage, vhost
from tests.faults.proxy import CERTIFICATE, free_port, http, serving, silence
from tests.faults.sockets import dropping, wanting_certificate

SECRET = "canary-4711"
"""The password for servers that are no broker: no one of them may get to see it, nor anybody."""

YEAR = timedelta(days=365)
PAST = {"not_before": datetime.now(UTC) - 2 * YEAR, "not_after": datetime.now(UTC) - YEAR}


@dataclass(frozen=True)
class Ahead(SystemClock):
    """A clock that is five minutes ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=5)


class Place(NamedTuple):
    """A broker to do something to, and a folder for files."""

    broker: PrivateBroker
    folder: Path

    @property
    def api(self) -> dict[str, str]:
        """Lead to the broker's management API."""
        return {"MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{self.broker.management_port}"}


class Given(NamedTuple):
    """How the tool is to be run against what is broken."""

    url: str
    environ: Mapping[str, str] = {}
    arguments: tuple[str, ...] = ()
    clock: Clock | None = None


SetUp = Callable[[Place], AbstractContextManager[Given]]


def at(port: int, scheme: str = "amqp", host: str = "localhost") -> Given:
    """Lead to a server that is no broker of ours."""
    return Given(f"{scheme}://admin:{SECRET}@{host}:{port}/%2F")


def trusting(authority: Authority, port: int) -> Given:
    """Lead to a TLS server, and trust an authority."""
    return at(port, "amqps")._replace(arguments=("--ca-file", str(authority.ca_file)))


@contextmanager
def refused(_: Place) -> Iterator[Given]:
    """Nobody listens at the port."""
    yield at(free_port())


@contextmanager
def unknown_host(_: Place) -> Iterator[Given]:
    """No name server knows the host."""
    yield at(5672, host="nowhere.invalid")


@contextmanager
def impossible_host(_: Place) -> Iterator[Given]:
    """A part of the host's name is longer than any can be."""
    yield at(5672, host=f"{70 * 'a'}.example")


@contextmanager
def dropped(_: Place) -> Iterator[Given]:
    """Packets get no answer."""
    with dropping() as port:
        yield at(port, host="127.0.0.1")


@contextmanager
def web_server(_: Place) -> Iterator[Given]:
    """HTTP is spoken at the port."""
    with serving(http) as port:
        yield at(port)


@contextmanager
def management_port(place: Place) -> Iterator[Given]:
    """The port is that of the management API, which waits for the end of a line."""
    yield at(place.broker.management_port)


@contextmanager
def silent(_: Place) -> Iterator[Given]:
    """The server takes connections and says nothing."""
    with serving(silence) as port:
        yield at(port)


@contextmanager
def tls_on_plain(place: Place) -> Iterator[Given]:
    """TLS is wanted of a port of plain AMQP."""
    yield at(place.broker.amqp_port, "amqps")


@contextmanager
def plain_on_tls(place: Place) -> Iterator[Given]:
    """Plain AMQP is wanted of a port of TLS."""
    with tls_server(Authority(place.folder).pair("server", "localhost")) as server:
        yield at(server.port)


@contextmanager
def self_signed(_: Place) -> Iterator[Given]:
    """The certificate has signed itself."""
    with tls_server(CERTIFICATE) as server:
        yield at(server.port, "amqps")


def certified(
    name: str = "localhost", *, trusted: bool = True, days: Mapping[str, datetime] = {}
) -> SetUp:
    """Show a certificate for a name, of an authority that is trusted or of a stranger."""

    @contextmanager
    def set_up(place: Place) -> Iterator[Given]:
        (place.folder / "stranger").mkdir()
        own, stranger = Authority(place.folder), Authority(place.folder / "stranger")
        with tls_server((own if trusted else stranger).pair("server", name, **days)) as server:
            yield trusting(own, server.port)

    return set_up


@contextmanager
def certificate_wanted(place: Place) -> Iterator[Given]:
    """The server wants a certificate of ours."""
    authority = Authority(place.folder)
    pair = authority.pair("server", "localhost")
    with wanting_certificate(pair, authority.ca_file) as port:
        yield trusting(authority, port)


def lacking(
    *arguments: str, tags: str = "monitoring", password: str = PASSWORD, **rights: str
) -> SetUp:
    """Log in as a user that has these rights in the place of all."""

    @contextmanager
    def set_up(place: Place) -> Iterator[Given]:
        with account(place.broker, tags) as user:
            user.may(**rights)
            yield Given(user.url.replace(PASSWORD, password), place.api, arguments)

    return set_up


healthy = lacking()


def lacking_topic(**patterns: str) -> SetUp:
    """Log in as a user that may use these routing keys alone."""

    @contextmanager
    def set_up(place: Place) -> Iterator[Given]:
        with account(place.broker, "monitoring") as user:
            user.may()
            user.may_use(**patterns)
            yield Given(user.url, place.api)

    return set_up


@contextmanager
def shut_out(place: Place) -> Iterator[Given]:
    """The user has no right at all on the vhost."""
    with account(place.broker, "monitoring") as user:
        yield Given(user.url, place.api)


@contextmanager
def no_vhost(place: Place) -> Iterator[Given]:
    """The vhost is misspelled."""
    with account(place.broker, "administrator") as user, vhost(place.broker, "medtrack-test"):
        user.may()
        yield Given(user.url, place.api, ("--vhost", "medtrack-tset"))


@contextmanager
def many_connections(place: Place) -> Iterator[Given]:
    """The vhost allows no connection more."""
    limits = "vhost-limits/%2F/max-connections"
    with healthy(place) as given:
        manage(place.broker, "PUT", limits, {"value": 0})
        try:
            yield given
        finally:
            manage(place.broker, "DELETE", limits)


@contextmanager
def short_of_memory(place: Place) -> Iterator[Given]:
    """The broker's memory is full."""
    with healthy(place) as given, alarmed(place.broker):
        yield given


@contextmanager
def alarm_without_management(place: Place) -> Iterator[Given]:
    """The broker's memory is full, and only AMQP can tell."""
    with short_of_memory(place) as given:
        yield given._replace(environ={})


@contextmanager
def no_management(place: Place) -> Iterator[Given]:
    """Nobody listens where the management API should."""
    with healthy(place) as given:
        yield given._replace(environ={"MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{free_port()}"})


@contextmanager
def silent_management(place: Place) -> Iterator[Given]:
    """What should be the management API never answers."""
    with healthy(place) as given, serving(silence) as port:
        yield given._replace(environ={"MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{port}"})


@contextmanager
def clock_off(place: Place) -> Iterator[Given]:
    """Our clock is five minutes ahead."""
    with healthy(place) as given:
        yield given._replace(clock=Ahead())
