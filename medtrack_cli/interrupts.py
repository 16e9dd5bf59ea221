"""Keeping Ctrl-C and other signals for a moment in which Python or a library would lose them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = [getattr(signal, each) for each in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, each)]


@contextmanager
def postponed() -> Iterator[None]:
    """Let signals wait, also for the processes that are made meanwhile, until `let_come`."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_come() -> None:
    """Let signals come again in a process that was made while they waited."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)
