"""The ports of the use cases: a publisher, a consumer, a clock, a way to be stopped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:  # every run imports this module, even --version
    from medtrack_cli.core.connection_settings import Target
    from medtrack_cli.core.delivery import Delivery
    from medtrack_cli.core.messages import Message, Receipt
    from medtrack_cli.errors import EventsGone

Note = Callable[[str], None]
"""Shows a waiting person one line: an attempt, a loss, an alarm."""


def silent(_line: str) -> None:
    """Show nothing: another connection tells it, or an error will."""


class Clock(Protocol):
    """Time, as it passes."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Stop:
    """A request to end, never withdrawn: by a signal, with its exit code, or by a condition.

    Waiting code checks a few times a second whether it `is_requested`.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None  # of a signal
        self._listeners: list[Callable[[], None]] = []
        self._times: list[Callable[[], bool]] = []

    @property
    def is_requested(self) -> bool:
        return self.exit_code is not None or any(is_time() for is_time in self._times)

    def when(self, is_time: Callable[[], bool]) -> None:
        """Also request the end as soon as this returns True."""
        self._times.append(is_time)

    def request(self, exit_code: int) -> None:
        """Request the end. May be called from a signal handler; listeners only put to a queue."""
        self.exit_code = exit_code
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """A publisher's limits and retries. Times are in seconds."""

    window: int = 500  # messages in flight
    window_bytes: int = 32 * 1024 * 1024
    read_ahead: int | None = None  # messages read before the window has room; None: two windows
    # None: 10 for the first connection, 60 for a lost one and for what a queue refuses; 0: never
    retry_for: float | None = None
    timeout: float | None = None  # for the whole run, a broker's alarm included
    confirm_timeout: float = 25.0  # without an answer for this long the connection counts as dead


class Publisher(Protocol):
    """Sends messages, each confirmed by the broker; entering connects, or raises why it can't."""

    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None: ...

    @property
    def in_flight(self) -> int:
        """How many messages wait for the broker's answer."""

    def publish(self, source: "Iterable[Message | Receipt]") -> "Iterator[Receipt]":
        """Yield one receipt for each message read, as the broker answers; not in input order.

        Reads `source` in a thread of its own, as the window frees; a Receipt in it is passed
        through. When the run can't continue, everything read gets its receipt first, then the
        MedtrackError is raised.
        """


class Depths(Protocol):
    """Reads the depths of queues, on a connection of its own: opened at the first request."""

    def ready(self, queue: str) -> int | None:
        """Count the messages that wait in a queue. None: a requested stop, or `close`, came first.

        Raises TopologyError when there is none of that name.
        """

    def close(self) -> None:
        """Disconnect; may be called while another thread asks."""


@dataclass(slots=True)
class Retry:
    """How a connection is retried: the first one for some seconds, a lost one for ever.

    Also the state of that, for the live view.
    """

    seconds: float | None = None  # None: one try
    attempts: int = 0
    next_at: float = 0.0  # in monotonic seconds


class Listening(NamedTuple):
    """The broker has agreed to deliver, at `since`; `caution` says what the queue can't promise."""

    since: datetime
    queue: str
    patterns: tuple[str, ...]
    target: "Target"
    caution: str | None = None


class Interrupted(NamedTuple):
    """What was published since then may be missed; Resumed says whether it is.

    The connection is lost, or the tap overflows. None: it began before we listened.
    """

    since: datetime | None
    reason: str


class Resumed(NamedTuple):
    """All is received again; `may_have_missed`: events published in between may be missing."""

    since: datetime | None
    until: datetime
    may_have_missed: bool


class Consumer(Protocol):
    """Receives what is published. Leaving it ends the subscription."""

    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None: ...

    def deliveries(
        self,
    ) -> "Iterator[Listening | Interrupted | Resumed | EventsGone | list[Delivery]]":
        """Yield what arrives in batches, and what happens to the connection, until stopped.

        An error is yielded, not raised, for what a stream dropped before it was read; the rest
        follows. An empty batch comes a few times a second when nothing arrives. What is yielded is
        ours until its token is acknowledged or given back, in any order, at any time.
        """

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Acknowledge deliveries to the broker: each is safely written, or has arrived.

        One that can't be acknowledged any more comes again from the broker; it isn't yielded again
        if it hasn't been by then.
        """

    def give_back(self, tokens: Sequence[int]) -> None:
        """Put these deliveries back where they were: they come again, to us or to another."""

    def leave(self, tokens: Sequence[int]) -> None:
        """Stop consuming, then put these deliveries back: none comes to us again."""


class QueueReader(Protocol):
    """Takes messages out of an existing queue. Leaving it puts back all that isn't settled.

    Entering connects. A lost connection is raised as BrokerUnreachable by the next call: all that
    was held is back in the queue by then.
    """

    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None: ...

    def waiting(self) -> int:
        """Count what waits in the queue and nobody holds."""

    def take(self, most: int, *, is_whole: bool) -> "list[Delivery]":
        """Take up to a number of messages, in order; fewer if there are no more for us.

        Each is ours until its token is settled; none comes in between. A requested stop ends it,
        unless it `is_whole`: when its consumer is cancelled, a quorum queue never hands over what
        it is about to, and counts that as a delivery (seen with 3.10.8).
        """

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Acknowledge these: each has arrived elsewhere."""

    def give_back(self, tokens: Sequence[int]) -> None:
        """Put these back; that counts as a delivery of each, and may be its last."""
