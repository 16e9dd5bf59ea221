"""How long to wait for an answer, to retry, and to pause between attempts. Times are in seconds."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import PublishPolicy, Stop
from medtrack_cli.errors import TimedOut

FIRST_SECONDS = 10.0  # for the first connection, all hosts together
REGAIN_SECONDS = 60.0  # for a connection that existed before, and for what a queue refuses
DRAIN_SECONDS = 5.0  # for what is in flight when asked to stop
BASE_SECONDS = 0.5  # between two attempts
CAP_SECONDS = 30.0
MOST_HELD = 10_000  # messages that wait for one that a queue refused, while other keys continue
TICK_SECONDS = 0.1  # in which a requested stop is noticed

T = TypeVar("T")


def regain_seconds(policy: PublishPolicy) -> float:
    """Return how long to try to regain what existed before."""
    return REGAIN_SECONDS if policy.retry_for is None else policy.retry_for


def full_jitter(attempt: int, source: random.Random, cap: float = CAP_SECONDS) -> float:
    """Return the seconds before retry `attempt` (from 0): uniform below a doubling bound.

    Full jitter spreads many clients that lost one broker over the whole interval.
    """
    return source.uniform(0, min(cap, BASE_SECONDS * 2 ** min(attempt, 20)))


def timed_out(settings: ConnectionSettings, reason: str) -> TimedOut:
    """Make the error that the run's time is over."""
    hint = "events reported unknown may have arrived; their message ids tell"
    return TimedOut(f"--timeout reached ({reason})", settings.describe(), hint=hint)


def arriving(inbox: SimpleQueue[Any], seconds: float = TICK_SECONDS) -> Iterator[Any]:
    """Give all that is there, at least what comes first within the seconds."""
    with suppress(Empty):
        yield inbox.get(timeout=seconds)
        while True:
            yield inbox.get_nowait()


def within(seconds: float, question: Callable[[], T], stop: Stop | None = None) -> T:
    """Give the answer, or raise its error; TimeoutError when there is none in time.

    The question runs in a thread that can be abandoned: a socket's timeout is for each part, and a
    name look-up has none. A requested stop ends the wait, too.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            answer.set_exception(error)

    until = time.monotonic() + seconds
    Thread(target=run, name="medtrack-ask", daemon=True).start()
    while not wait([answer], min(TICK_SECONDS, max(0.0, until - time.monotonic()))).done:
        if time.monotonic() >= until or (stop and stop.is_requested):
            raise TimeoutError
    return answer.result()
