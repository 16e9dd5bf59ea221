"""What the checks ask of the outside world. Each request has a limit in seconds."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from medtrack_cli.core.certificate import Certificate
from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.ports import Stop
from medtrack_cli.core.topology.model import Topology
from medtrack_cli.errors import MedtrackError


class Payload(NamedTuple):
    """The events of --file: how many there are, their types, and what is wrong.

    `wrong` names the place and the rule of the first finding, no value.
    """

    total: int
    invalid: int
    types: tuple[str, ...]
    wrong: str = ""


class Given(Protocol):
    """What the command line, the environment and the files say. Raises MedtrackError."""

    def files(self) -> Sequence[str]:
        """Read the configuration files that are there."""

    def profile(self) -> str:
        """Name the profile, and what chose it."""

    def password_source(self) -> tuple[str, bool]:
        """Say where the password comes from, and whether it is on the command line."""

    def settings(self) -> ConnectionSettings:
        """Give all that a connection needs; this fetches the password."""

    def event_types(self) -> Sequence[str]:
        """Name the event types that may be published."""

    def payload(self, seconds: float, stop: Stop) -> Payload | None:
        """Check the events of --file; None without it. TimedOut where that takes longer."""


class Attempt(NamedTuple):
    """How far a login at a host got: the greeting, the login, the vhost; then `error`."""

    host: Host
    product: str = ""  # "": no greeting came
    version: str = ""
    heartbeat: int | None = None  # None: the login was refused
    frame_max: int = 0
    error: MedtrackError | None = None


class Blocked(Exception):
    """The broker blocks publishers; its own words why."""


class Broker(Protocol):
    """A broker, from its name to our permissions. MedtrackError where something is refused.

    Nothing is declared there but a queue of ours that ends with its connection.
    """

    def addresses(self, host: Host, seconds: float) -> Sequence[str]:
        """Look up a host's name."""

    def reach(self, host: Host, address: str, seconds: float) -> None:
        """Connect to one address."""

    def greet(self, host: Host, seconds: float) -> str:
        """Name the host's protocol, if it is the wanted one."""

    def chain(self, host: Host, seconds: float) -> Sequence[Certificate]:
        """Fetch the host's certificates, its own first, unchecked."""

    def trust(
        self, host: Host, seconds: float, *, name: bool, dates: bool
    ) -> Sequence[Certificate]:
        """Check the certificates, with or without the host's name and the time.

        Returns the chain up to the authority that is trusted here.
        """

    def log_in(self, host: Host, seconds: float) -> Attempt:
        """Connect as a command does, and disconnect."""

    def find_exchange(self, host: Host, seconds: float) -> None:
        """Check that the exchange exists; AccessRefused if we may not know."""

    def may_publish(self, host: Host, keys: Sequence[str], seconds: float) -> None:
        """Publish to the exchange in a transaction that is rolled back; Blocked by an alarm."""

    def may_tap(self, host: Host, pattern: str, seconds: float) -> None:
        """Declare a tap of our own, and bind it."""

    def may_read(self, host: Host, seconds: float) -> None:
        """Consume from a tap of our own."""

    def round_trip(self, host: Host, key: str | None, seconds: float) -> float | None:
        """Send a message to a queue of our own; return its seconds, None if it was returned.

        With a key it goes through the event exchange, else through the default one.
        """


class Overview(NamedTuple):
    """The management API's overview, with its time by the broker's clock."""

    version: str
    told_at: datetime | None


class Management(Protocol):
    """The management API. MedtrackError if it doesn't answer, or not to this user."""

    def overview(self, seconds: float) -> Overview: ...

    def exchange(self, seconds: float) -> tuple[str, bool]:
        """Give the exchange's type, and whether it survives a restart."""

    def alarms(self, seconds: float) -> Sequence[str]:
        """Name the alarms that block publishers, with their nodes."""

    def topology(self, seconds: float) -> Topology:
        """Read exchanges, bindings and queues."""

    def deprecated(self, seconds: float) -> Sequence[str] | None:
        """Name the deprecated features in use; None: this broker can't tell."""


OpenBroker = Callable[[ConnectionSettings, Stop], Broker]
OpenManagement = Callable[[ConnectionSettings, Stop], Management]
