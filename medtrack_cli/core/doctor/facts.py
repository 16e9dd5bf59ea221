"""What is known so far; a check that needs more has it looked for, once."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from medtrack_cli.core.connection import ConnectionSettings, Host
from medtrack_cli.core.doctor.ports import (
    Attempt,
    Broker,
    Given,
    Management,
    Overview,
    Payload,
    QueueState,
)
from medtrack_cli.core.doctor.results import Check, Seen, ok, warning
from medtrack_cli.core.hiding import without_secrets
from medtrack_cli.core.ports import Clock, Stop
from medtrack_cli.core.topology.model import Topology
from medtrack_cli.errors import MedtrackError, TimedOut

WHOLE_SECONDS = 18.0
"""For all checks together: what is broken keeps nobody waiting for more than 20."""

SECONDS = 3.0
"""For one check."""

_LEAST_SECONDS = 0.2


class NotSaid(Exception):
    """Why something can't be known here; the check is skipped."""


@dataclass
class Facts:
    """What the checks share: the doors, the time that is left, and what was found.

    `asks_exchange`: a message through the event exchange is wished for.
    """

    given: Given
    open_broker: Callable[[ConnectionSettings, Stop], Broker]
    open_management: Callable[[ConnectionSettings, Stop], Management]
    clock: Clock
    stop: Stop = field(default_factory=Stop)
    asks_exchange: bool = False

    def __post_init__(self) -> None:
        self._until = self.clock.monotonic() + WHOLE_SECONDS
        self.blocked: str | None = None  # why the broker takes nothing from publishers
        self.has_management = True  # until it has failed

    def seconds(self, most: float = SECONDS) -> float:
        """Tell how long a question may take; TimedOut when all time is used up."""
        left = self._until - self.clock.monotonic()
        if left < _LEAST_SECONDS:
            raise TimedOut(f"not checked within the {WHOLE_SECONDS:.0f} s that all checks have")
        return min(most, left)

    @cached_property
    def _fetched(self) -> ConnectionSettings | MedtrackError:
        try:
            return self.given.settings()
        except MedtrackError as error:
            return error

    def fetch(self) -> None:
        """Have the password fetched now: a person may be asked for it, once."""
        self._fetched  # noqa: B018 -- kept from now on

    @property
    def settings(self) -> ConnectionSettings:
        if isinstance(self._fetched, MedtrackError):
            raise self._fetched
        return self._fetched

    @cached_property
    def broker(self) -> Broker:
        return self.open_broker(self.settings, self.stop)

    @cached_property
    def hosts(self) -> Sequence[Host]:
        """The hosts that nothing is known against."""
        return self.settings.hosts

    @cached_property
    def attempt(self) -> Attempt:
        """The first login that came whole, else the first of all."""
        attempts = []
        for host in self.hosts:
            attempts.append(self.broker.log_in(host, self.seconds(5.0)))
            if attempts[-1].error is None:
                return attempts[-1]
        return attempts[0]

    @property
    def host(self) -> Host:
        """The host that can be logged in to."""
        if self.attempt.error:
            raise self.attempt.error
        return self.attempt.host

    @property
    def management(self) -> Management:
        """The management API, where it is known and the login may go there."""
        if not self.has_management:
            raise NotSaid(f"{Check.MANAGEMENT} failed")
        address = self.settings.management_url
        if address is None:
            raise NotSaid("management_url isn't set")
        if not (address.tls or address.at.is_loopback):
            raise NotSaid(f"{address} isn't asked: the password would go there in the clear")
        return self.open_management(self.settings, self.stop)

    @cached_property
    def overview(self) -> tuple[Overview, float]:
        """What the management API says of itself, and how far the broker's clock is behind ours."""
        overview = self.management.overview(self.seconds())
        now = self.clock.now()
        return overview, (now - overview.told_at).total_seconds() if overview.told_at else 0.0

    @cached_property
    def topology(self) -> Topology:
        return self.management.topology(self.seconds())

    @cached_property
    def queues(self) -> Sequence[QueueState]:
        return self.management.queues(self.seconds())

    @cached_property
    def bound_queues(self) -> Sequence[QueueState]:
        """The queues that our exchange leads to, by whatever way."""
        names = self.topology.behind(self.settings.exchange)
        return [each for each in self.queues if each.name in names]

    @cached_property
    def payload(self) -> Payload | None:
        return self.given.payload(self.seconds())

    @cached_property
    def keys(self) -> Sequence[str]:
        """The routing keys that will be published with; the payload's own check says what fails."""
        try:
            events = self.payload
        except MedtrackError:
            events = None
        return events.types if events else self.given.event_types()

    @cached_property
    def unused_key(self) -> str:
        """A routing key that nobody publishes with."""
        return f"medtrack.doctor.{secrets.token_hex(8)}"

    def hide(self, text: str) -> str:
        """Make of a text what may be shown."""
        known = self.__dict__.get("_fetched")
        return without_secrets(text, known) if isinstance(known, ConnectionSettings) else text

    def at_each_host(self, ask: Callable[[Host, float], str]) -> Seen:
        """Ask every host, each for its part of the time; go on with those that answer well."""
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
