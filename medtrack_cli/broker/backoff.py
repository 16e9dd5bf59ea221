"""How long to wait before the next try."""

import random

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0


def full_jitter(attempt: int, source: random.Random, cap: float = CAP_SECONDS) -> float:
    """Seconds before retry number `attempt` (from 0): uniform below a doubling bound.

    Full jitter spreads many clients that lost one broker over the whole interval.
    """
    return source.uniform(0, min(cap, BASE_SECONDS * 2 ** min(attempt, 20)))
