"""Connect a link: over several hosts, repeatedly, within a budget of time; or for one request."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from queue import SimpleQueue
from typing import Any, TypeVar

from pika.channel import Channel

from medtrack_cli.broker.amqp.link import URGENT_SECONDS, Inbox, Link, Lost, Opened, Setup
from medtrack_cli.broker.failure import LOOK_SECONDS, Failure
from medtrack_cli.broker.patience import (
    CAP_SECONDS,
    FIRST_SECONDS,
    TICK_SECONDS,
    arriving,
    full_jitter,
)
from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.ports import Note, Retry, Stop
from medtrack_cli.errors import BrokerUnreachable, MedtrackError

LEAST_SECONDS = 1.1  # an attempt with less would only report that there was no time
LEAST_LOOK_SECONDS = 0.4
T = TypeVar("T")


def dial(  # noqa: PLR0913 -- one parameter a decision of the caller
    settings: ConnectionSettings,
    inbox: Inbox,
    setup: Setup,
    *,
    seconds: float | None,
    again: bool,
    note: Note,
    stop: Stop,
    attempt: int = 0,
    longest_pause: float = CAP_SECONDS,
    retry: Retry | None = None,
    out_of_time: Callable[[Failure], MedtrackError] = lambda failure: failure.error,
) -> Link:
    """Connect to the first host that answers; tried in order, repeatedly when `again`.

    A host that can't be trusted, or is no broker, is tried once, and then left out. `seconds`
    bounds it all (None: for ever), and no attempt but the first begins in the last second; a host
    that doesn't answer uses up only its share. Pauses grow from that of number `attempt` to the
    `longest_pause`. When trying again can't help, raises that failure's error at once; when time is
    up, what `out_of_time` makes of the first real failure; BrokerUnreachable when stopped
    meanwhile.
    """
    seconds = float("inf") if seconds is None else seconds
    deadline, least = time.monotonic() + seconds, min(0.1, seconds / 2)
    kept, is_late = None, False
    looks = _Looks(stop, deadline)
    left = list(settings.hosts)
    for host, others, pause in _tries(left, attempt, longest_pause, again=again):
        spare = _spare(deadline, LEAST_SECONDS if kept else least)
        if is_late := spare < 0:
            break
        if retry:
            retry.next_at = time.monotonic() + min(pause, spare)
        _wait(min(pause, spare), stop)
        if stop.is_requested:
            break
        if retry:
            retry.attempts += 1
        note(f"connecting to {settings.describe(host)}")
        now = time.monotonic()
        until = now + (deadline - now) / (others + 1)  # its share, so that others get theirs
        outcome = try_once(Link(settings, host, inbox, setup), inbox, until, stop)
        if isinstance(outcome, Link):
            return outcome
        failure = looks.at(host, outcome)
        kept = _more_telling(kept, failure)
        if not failure.heals:
            left.remove(host)
            if not failure.of_host or not left:
                raise failure.error
            note(f"{host} is left out: {failure.error.what}")
    if kept is None or (kept.is_cut_short and stop.is_requested):
        raise BrokerUnreachable("no connection yet when stopped", settings.describe())
    is_late = is_late or _spare(deadline, 0.0) <= 0
    raise out_of_time(kept) if is_late else kept.error


def _more_telling(kept: Failure | None, failure: Failure) -> Failure:
    """Choose what is reported when time is up: the first failure of a host still tried."""
    if kept is None or kept.is_cut_short or not (kept.heals or failure.is_cut_short):
        return failure
    return kept


class _Looks:
    """Closer looks at failures: one at each host, a second in all."""

    def __init__(self, stop: Stop, deadline: float) -> None:
        self._stop = stop
        self._deadline = deadline
        self._left = LOOK_SECONDS
        self._seen: set[Host] = set()

    def at(self, host: Host, failure: Failure) -> Failure:
        """Look at a failure; it stays as it is without time left, or after an earlier look."""
        if failure.look is None or host in self._seen or self._left <= 0:
            return failure
        self._seen.add(host)
        began = time.monotonic()
        closer = failure.looked_at(self._stop, min(self._left, look_seconds(self._deadline)))
        self._left -= time.monotonic() - began
        return closer


def look_seconds(deadline: float) -> float:
    """Return how long a closer look may take: hardly any longer than the run."""
    return min(LOOK_SECONDS, max(deadline - time.monotonic(), LEAST_LOOK_SECONDS))


def _spare(deadline: float, least: float) -> float:
    """Return how long to wait at most so that the next attempt has its least time."""
    return deadline - least - time.monotonic()


def _tries(
    hosts: Sequence[Host], first: int, longest: float, *, again: bool
) -> Iterator[tuple[Host, int, float]]:
    """Yield each host to try, how many follow it, and the seconds to wait before a new round.

    A round is of the hosts that are left when it begins.
    """
    jitter = random.Random()  # noqa: S311 -- spreads load, guards nothing
    for attempt in count(first):
        pause = full_jitter(attempt, jitter, longest) if again else 0.0
        round_of = tuple(hosts)
        for others, host in zip(reversed(range(len(round_of))), round_of, strict=True):
            yield host, others, pause
            pause = 0.0
        if not again:
            return


def _wait(seconds: float, stop: Stop) -> None:
    until = time.monotonic() + seconds
    while not stop.is_requested and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, TICK_SECONDS))


def try_once(link: Link, inbox: Inbox, deadline: float, stop: Stop) -> Link | Failure:
    """Start a link and wait for its result; what other links still report is dropped."""
    link.start()
    while not stop.is_requested and (left := deadline - time.monotonic()) > 0:
        for happening in arriving(inbox, min(left, TICK_SECONDS)):
            if isinstance(happening, Opened) and happening.link is link:
                return link
            if isinstance(happening, Lost) and happening.link is link:
                return happening.failure
    stands = link.is_connected
    link.close(URGENT_SECONDS)
    hint = "is a firewall dropping packets? --retry-for SECONDS waits longer"
    if stands:
        hint = "it takes connections and says nothing: is this the port of AMQP (5672; TLS: 5671)?"
    error = BrokerUnreachable("no answer in time", link.settings.describe(link.host), hint=hint)
    return Failure(error, heals=True, is_cut_short=True)


Answered = Callable[[T], None]
Question = Callable[[Link, Channel, Answered[T]], None]
"""What is asked when the channel is open, on the I/O thread; it ends in `answered(value)`.

A frame of pika's is a value, too.
"""


def request(
    settings: ConnectionSettings,
    question: Question[T],
    note: Note,
    stop: Stop,
    seconds: float = FIRST_SECONDS,
) -> T:
    """Connect, ask, close, and return the answer; a refusal is raised as its error."""
    inbox: Inbox = SimpleQueue()
    answers: list[T] = []

    def set_up(link: Link, channel: Channel) -> None:
        def answered(value: T) -> None:
            answers.append(value)
            link.opened()

        question(link, channel, answered)

    link = dial(settings, inbox, set_up, seconds=seconds, again=False, note=note, stop=stop)
    link.close()
    return answers[-1]


def count_waiting(channel: Channel, queue: str, tell: Callable[[int], object]) -> None:
    """Ask how many messages wait in a queue, by a passive declare. On the I/O thread."""
    channel.queue_declare(
        queue, passive=True, callback=lambda frame: tell(frame.method.message_count)
    )


def declare_exchange(settings: ConnectionSettings, note: Note, stop: Stop) -> None:
    """Declare the settings' exchange as a durable topic; idempotent."""

    def declare(_link: Link, channel: Channel, answered: Answered[Any]) -> None:
        channel.exchange_declare(settings.exchange, "topic", durable=True, callback=answered)

    request(settings, declare, note, stop)
