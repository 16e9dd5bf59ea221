"""How long a publisher retries, and how long it pauses between attempts. Times are in seconds."""

import random

from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import PublishPolicy
from medtrack_cli.errors import TimedOut

FIRST_SECONDS = 10.0  # for the first connection, all hosts together
REGAIN_SECONDS = 60.0  # for a connection that existed before, and for what a queue refuses
DRAIN_SECONDS = 5.0  # for what is in flight when asked to stop
BASE_SECONDS = 0.5  # between two attempts
CAP_SECONDS = 30.0
MOST_HELD = 10_000  # messages that wait for one that a queue refused, while other keys continue


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
