"""What is known so far; what a check needs is looked up once."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.doctor.ports import (
    Attempt,
    Broker,
    Given,
    Management,
    OpenBroker,
    OpenManagement,
    Overview,
    Payload,
)
from medtrack_cli.core.doctor.results import Check, Seen, ok, warning
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Clock, Stop
from medtrack_cli.core.topology.model import Queue, Topology
from medtrack_cli.errors import MedtrackError, TimedOut

WHOLE_SECONDS = 18.0
"""For all checks together: a broken broker takes no longer than 20."""

LEFT_SECONDS = 8.0
"""For the network, however long it took a person, or a program, to give the password."""

SECONDS = 3.0
"""For one request."""

TOPOLOGY_SECONDS = 6.0
"""For all exchanges, bindings and queues, of which there may be thousands."""

T = TypeVar("T")

_LEAST_SECONDS = 0.2


class NotSaid(Exception):
    """Why something can't be known here; the check is skipped."""


class fact(Generic[T]):  # noqa: N801 -- used as property is
    """A property that is looked up on first use, once; so is an error instead of it."""

    def __init__(self, look: "Callable[[Facts], T]") -> None:
        self._look = look

    def __get__(self, facts: "Facts", _type: type) -> T:
        name = self._look.__name__
        if name not in facts.known:
            try:
                facts.known[name] = self._look(facts)
            except (MedtrackError, NotSaid) as error:
                facts.known[name] = error
        found = facts.known[name]
        if isinstance(found, Exception):
            raise found
        return cast("T", found)


@dataclass
class Facts:
    """What the checks share: the ports, the time left, and the findings.

    `asks_exchange`: a message through the event exchange is allowed.
    """

    given: Given
    open_broker: OpenBroker
    open_management: OpenManagement
    clock: Clock
    stop: Stop = field(default_factory=Stop)
    asks_exchange: bool = False
    known: dict[str, object] = field(default_factory=dict)
    broken: set[Check] = field(default_factory=set)  # the checks that failed
    blocked: str | None = None  # why the broker blocks publishers
    hosts: Sequence[Host] = ()  # that haven't failed a check

    def __post_init__(self) -> None:
        self._until = self.clock.monotonic() + WHOLE_SECONDS

    def seconds(self, most: float = SECONDS) -> float:
        """Return how long a request may take; TimedOut when the time is used up."""
        left = self._until - self.clock.monotonic()
        if left < _LEAST_SECONDS:
            raise TimedOut(f"not checked within the {WHOLE_SECONDS:.0f} s that all checks have")
        return min(most, left)

    @fact
    def settings(self) -> ConnectionSettings:
        """Get the connection settings, the password too: a person may be asked for it."""
        settings = self.given.settings()
        self._until = max(self._until, self.clock.monotonic() + LEFT_SECONDS)
        self.hosts = settings.hosts
        return settings

    @fact
    def broker(self) -> Broker:
        return self.open_broker(self.settings, self.stop)

    @fact
    def attempt(self) -> Attempt:
        """Log in to one host after the other; return the first success, else the first failure."""
        broker, attempts = self.broker, []
        for host in self.hosts:
            attempts.append(broker.log_in(host, self.seconds(5.0)))
            if attempts[-1].error is None:
                return attempts[-1]
        return attempts[0]

    @property
    def host(self) -> Host:
        """A host that we can log in to."""
        if self.attempt.error:
            raise self.attempt.error
        return self.attempt.host

    @fact
    def _api(self) -> Management:
        address = self.settings.management_url
        if address is None:
            raise NotSaid("management_url isn't set")
        if not (address.tls or address.at.is_loopback):
            raise NotSaid(f"{address} isn't asked: the password would go there in the clear")
        return self.open_management(self.settings, self.stop)

    @fact
    def overview(self) -> tuple[Overview, float]:
        """Ask the management API for its overview, and by how many seconds our clock is ahead."""
        overview = self._api.overview(self.seconds())
        now = self.clock.now()
        return overview, (now - overview.told_at).total_seconds() if overview.told_at else 0.0

    @property
    def management(self) -> Management:
        """The management API, if it has answered."""
        self.overview  # noqa: B018 -- raises where it doesn't
        return self._api

    @property
    def has_management(self) -> bool:
        return isinstance(self.known.get("overview"), tuple)

    @fact
    def topology(self) -> Topology:
        return self.management.topology(self.seconds(TOPOLOGY_SECONDS))

    @fact
    def bound_queues(self) -> Sequence[Queue]:
        """Find the queues that our exchange leads to, directly or not."""
        found = self.topology
        names = found.queues_from(self.settings.exchange)
        return [each for name, each in found.queues.items() if name in names]

    @fact
    def payload(self) -> Payload | None:
        return self.given.payload(self.seconds(), self.stop)

    @property
    def has_payload(self) -> bool:
        return isinstance(self.known.get("payload"), Payload)

    @fact
    def keys(self) -> Sequence[str]:
        """Name the routing keys to publish with; failures are left to the payload's own check."""
        try:
            events = self.payload
        except MedtrackError:
            events = None
        return events.types if events else self.given.event_types()

    @fact
    def unused_key(self) -> str:
        """Make a routing key that nobody uses."""
        return f"medtrack.doctor.{secrets.token_hex(8)}"

    def hide(self, text: str) -> str:
        """Make a text safe to show."""
        known = self.known.get("settings")
        return without_secrets(text, known) if isinstance(known, ConnectionSettings) else text

    def at_each_host(self, ask: Callable[[Host, float], str]) -> Seen:
        """Ask every host, each in its share of the time; keep the hosts that answer well."""
        self.settings  # noqa: B018 -- gives the hosts
        hosts, said = self.hosts, []
        errors: dict[Host, MedtrackError] = {}
        share = self.seconds() / len(hosts)
        for host in hosts:
            try:
                text = ask(host, min(share, self.seconds()))
                said.append(text if len(hosts) == 1 else f"{host}: {text}")
            except MedtrackError as error:
                errors[host] = error
        if len(errors) == len(hosts):
            raise next(iter(errors.values()))
        self.hosts = [each for each in hosts if each not in errors]
        if not errors:
            return ok("; ".join(said))
        said += [error.message for error in errors.values()]
        return warning("; ".join(said), next(iter(errors.values())).hint)
