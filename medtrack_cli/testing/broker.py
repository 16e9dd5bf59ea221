"""The broker of a test run: a vhost of its own, with MedTrack's exchange in it."""

import os
import random
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote

from medtrack_cli.broker.amqp.dialer import declare_exchange
from medtrack_cli.broker.management.client import Questions, Unanswered
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Publisher, PublishPolicy, Stop, silent
from medtrack_cli.errors import BrokerUnreachable, UsageError
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World

if TYPE_CHECKING:
    from medtrack_cli.events.registry import Registry

URL, MANAGEMENT_URL = "MEDTRACK_TEST_URL", "MEDTRACK_TEST_MANAGEMENT_URL"
PREFIX = "medtrack-test-"
_SECONDS = 30.0  # for all that a vhost takes, on a machine under load


@dataclass(frozen=True)
class Broker:
    """A running broker, in a vhost of this test process alone, with the exchange declared.

    `url` has the password in it, nothing else shows it.
    """

    runtime: Runtime = field(repr=False)
    settings: ConnectionSettings
    _open: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def url(self) -> str:
        """Where the code under test connects to."""
        to = self.settings
        login = f"{quote(to.username, safe='')}:{quote(to.password.reveal(), safe='')}"
        scheme = "amqps" if to.tls else "amqp"
        return f"{scheme}://{login}@{to.hosts[0]}/{quote(to.vhost, safe='')}"

    @property
    def exchange(self) -> str:
        return self.settings.exchange

    @property
    def vhost(self) -> str:
        return self.settings.vhost

    @property
    def registry(self) -> "Registry":
        """The event types known: the built-in ones, and those of the configuration's `schemas`."""
        return self.runtime.registry

    @property
    def environ(self) -> Mapping[str, str]:
        """Lead a `medtrack` of another process to it."""
        url = str(self.settings.management_url)
        return {
            "MEDTRACK_URL": self.url,
            "MEDTRACK_EXCHANGE": self.exchange,
            "MEDTRACK_MANAGEMENT_URL": url,
        }

    def send(self, message: Message) -> Receipt:
        """Publish a message, and give the broker's answer."""
        (receipt,) = self._publisher.publish([message])
        return receipt

    def remove(self, queue: str) -> None:
        """Delete a queue, if it is there."""
        path = f"queues/{quote(self.vhost, safe='')}/{quote(queue, safe='')}"
        try:
            Questions(self.settings, _SECONDS).request("DELETE", path)
        except Unanswered as error:
            if error.status != 404:
                raise error.fatal(self.settings) from None

    @cached_property
    def _publisher(self) -> Publisher:
        made = self.runtime.world.open_publisher(self.settings, PublishPolicy(), silent, Stop())
        return self._open.enter_context(made)


@contextmanager
def opened(*, allow_remote: bool, environ: Mapping[str, str] = os.environ) -> Iterator[Broker]:
    """Give the broker that MEDTRACK_TEST_URL names, else a private one; the vhost is removed.

    Raises UsageError for a host beyond this machine, unless that is allowed, and MedtrackError
    where no broker can be had.
    """
    with ExitStack() as stack:
        runtime = _runtime(stack, environ)
        settings = runtime.config.connection(random.SystemRandom())
        remote = [str(host) for host in settings.hosts if not host.is_loopback]
        if remote and not allow_remote:
            hint = "tests publish to it: medtrack_allow_remote = true in pytest's ini allows that"
            raise UsageError(f"{URL} leads beyond this machine", remote[0], hint=hint)
        worker = environ.get("PYTEST_XDIST_WORKER", "main")
        vhost = f"{PREFIX}{worker}-{secrets.token_hex(4)}"
        stack.enter_context(_vhost(settings, vhost))
        settings = replace(settings, vhost=vhost)
        declare_exchange(settings, silent, Stop())
        broker = Broker(runtime, settings)
        stack.enter_context(broker._open)  # noqa: SLF001 -- ours
        yield broker


def _runtime(stack: ExitStack, environ: Mapping[str, str]) -> Runtime:
    if url := environ.get(URL):
        flags = {"url": url, "management_url": environ.get(MANAGEMENT_URL) or _management(url)}
    else:
        from medtrack_cli.testing.own_broker import shared

        own = stack.enter_context(shared(environ))
        flags = {"url": own.amqp_url, "management_url": own.web_address}
    return Runtime(World(stdin=BytesIO(), environ=environ), flags=flags)


def _management(url: str) -> str:
    """Guess where the management API of a broker is."""
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or "localhost"
    name = f"[{host}]" if ":" in host else host
    is_tls = url.startswith("amqps:")
    return f"https://{name}:15671" if is_tls else f"http://{name}:15672"


@contextmanager
def _vhost(settings: ConnectionSettings, name: str) -> Iterator[None]:
    """Make a vhost that this user may use, and remove it with all that is in it."""
    path = f"vhosts/{quote(name, safe='')}"
    user = quote(settings.username, safe="")
    every = dict.fromkeys(("configure", "write", "read"), ".*")
    try:
        asked = Questions(settings, _SECONDS)
        asked.request("PUT", path, {"description": "of a test run"})
        asked.request("PUT", f"permissions/{quote(name, safe='')}/{user}", every)
        try:
            yield
        finally:
            Questions(settings, _SECONDS).request("DELETE", path)
    except Unanswered as error:
        why = error.fatal(settings)
        hint = f"each test process makes a vhost there; {MANAGEMENT_URL} names another address"
        raise BrokerUnreachable(why.what, why.subject, hint=f"{hint}; {why.hint}") from None
