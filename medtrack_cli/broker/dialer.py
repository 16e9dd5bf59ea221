"""Get a link up: over several hosts, again and again, within a budget of time."""

import random
import time
from collections.abc import Iterator, Sequence
from itertools import count

from medtrack_cli.broker.backoff import CAP_SECONDS, full_jitter
from medtrack_cli.broker.connection import Inbox, Link, Lost, Opened, Setup
from medtrack_cli.broker.failure import Failure
from medtrack_cli.core.connection import ConnectionSettings, Host
from medtrack_cli.core.ports import Note, Stop
from medtrack_cli.errors import BrokerUnreachable

FIRST_SECONDS = 10.0  # for the first connection, all hosts together


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
) -> Link:
    """Connect to the first host that answers; tried in their order, again when `again`.

    A host that can't be trusted, or is no broker, is tried once, and left for the others.
    `seconds` bounds it all (None: for ever); a host that says nothing uses up no more than its
    share of them. Pauses grow from that of number `attempt` to the `longest_pause`. Raises the
    last failure's error, at once when trying again can't help, and BrokerUnreachable when stopped
    meanwhile.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    failure: Failure | None = None
    left = list(settings.hosts)
    for host, others, pause in _tries(left, attempt, longest_pause, again=again):
        _wait(pause, deadline, stop)
        if stop.is_requested or (failure and deadline and time.monotonic() >= deadline):
            break
        note(f"connecting to {settings.describe(host)}")
        until = _share(deadline, others)
        outcome = _try(Link(settings, host, inbox, setup), inbox, until, stop)
        if isinstance(outcome, Link):
            return outcome
        failure = outcome
        if not failure.heals:
            left.remove(host)
            if not failure.of_host or not left:
                break
            note(f"{host} is left out: {failure.error.what}")
    if failure is None:
        raise BrokerUnreachable("no connection yet when stopped", settings.describe())
    raise failure.error


def _tries(
    hosts: Sequence[Host], first: int, longest: float, *, again: bool
) -> Iterator[tuple[Host, int, float]]:
    """Each host to try, how many come after it, and the seconds to wait before a new round.

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


def _share(deadline: float | None, others: int) -> float | None:
    """Give one host its part of the time that is left, so that the others get theirs."""
    if deadline is None:
        return None
    now = time.monotonic()
    return now + (deadline - now) / (others + 1)


def _wait(seconds: float, deadline: float | None, stop: Stop) -> None:
    until = time.monotonic() + seconds
    if deadline is not None:
        until = min(until, deadline)
    while not stop.is_requested and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))


def _try(link: Link, inbox: Inbox, deadline: float | None, stop: Stop) -> Link | Failure:
    """Start a link and wait for its verdict; what other links still say is dropped."""
    from queue import Empty

    link.start()
    while not stop.is_requested:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            break
        try:
            happening = inbox.get(timeout=0.1 if left is None else min(left, 0.1))
        except Empty:
            continue
        if isinstance(happening, Opened) and happening.link is link:
            return link
        if isinstance(happening, Lost) and happening.link is link:
            return happening.failure
    link.close(seconds=0.5)
    hint = "is a firewall dropping packets? --retry-for SECONDS waits longer"
    error = BrokerUnreachable("no answer in time", link.settings.describe(link.host), hint=hint)
    return Failure(error, heals=True)
