"""A private broker that all test processes of a user share, and the last of them stops."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from medtrack_cli import private_broker
from medtrack_cli.core.ports import silent
from medtrack_cli.files.state.locks import locks
from medtrack_cli.private_broker import PrivateBroker

NAME = "pytest"


@contextmanager
def shared(environ: Mapping[str, str]) -> Iterator[PrivateBroker]:
    """Give the private broker that runs anyway, else one for tests; nothing is installed for it.

    The system drops a killed process's lock: the next to end stops the broker, and erases it.
    """
    running = private_broker.status(private_broker.state_folder(environ))
    if running is not None and running.ready:
        yield running
        return
    state = private_broker.state_folder(environ, NAME)
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with state.with_name(f"{NAME}.users").open("a", encoding="ascii") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield private_broker.start(state, environ=environ, announce=silent)
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if locks(users.fileno()):  # else another uses it
                private_broker.stop(state, erase=True)
