"""A first connection to the management API, retried for a given time."""

import random
import time
from itertools import count

from medtrack_cli.broker.management.client import STRANGE, Api, Unanswered
from medtrack_cli.broker.patience import FIRST_SECONDS, full_jitter, timed_out, within
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import Note, PublishPolicy, Stop


def logged_in(  # noqa: PLR0913, PLR0917 -- what a connection needs
    settings: ConnectionSettings,
    policy: PublishPolicy,
    connections: int,
    note: Note,
    stop: Stop,
    deadline: float,
) -> Api:
    """Return the API once it has confirmed our login; nothing is published for that.

    Raises the error of a command that can't continue: at once if trying again can't help, and
    TimedOut at the deadline.
    """
    wish, jitter = policy.retry_for, random.Random()  # noqa: S311 -- spreads load, guards nothing
    until = min(time.monotonic() + (wish or FIRST_SECONDS), deadline)
    try:
        api = Api(settings, policy.confirm_timeout, connections)
    except Unanswered as error:
        raise error.fatal(settings) from None
    for attempt in count():
        note(f"connecting to {settings.describe()}")
        failed = _failure(api, max(0.1, until - time.monotonic()), stop)
        if failed is None:
            break
        pause = full_jitter(attempt, jitter)
        is_away = failed.status is None or failed.status >= 500
        can_heal = wish and is_away and failed.is_trusted
        if not can_heal or time.monotonic() + pause >= until or stop.is_requested:
            api.close()
            if time.monotonic() >= deadline:
                raise timed_out(settings, f"the management API {failed}")
            raise failed.fatal(settings)
        note(f"the management API {failed}: trying again")
        time.sleep(pause)
    return api


def _failure(api: Api, seconds: float, stop: Stop) -> Unanswered | None:
    try:
        answer = within(seconds, lambda: api.request("GET", "whoami"), stop)
    except Unanswered as error:
        return error
    except TimeoutError:
        return Unanswered("gave no whole answer in time")
    is_rabbitmq = isinstance(answer, dict) and "name" in answer
    return None if is_rabbitmq else Unanswered(STRANGE, 200)
