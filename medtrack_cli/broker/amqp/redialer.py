"""Keep a link: connect it, and reconnect after a loss, within budgets of time."""

import time

from medtrack_cli.broker.amqp.confirm_mode import confirm_mode
from medtrack_cli.broker.amqp.dialer import LEAST_SECONDS, dial, look_seconds
from medtrack_cli.broker.amqp.link import CLOSE_SECONDS, URGENT_SECONDS, Inbox, Link, Setup
from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.patience import FIRST_SECONDS, regain_seconds, timed_out
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import Note, PublishPolicy, Stop
from medtrack_cli.errors import MedtrackError

SILENT_SECONDS = 0.5  # without a sign of life when asked: the broker is given up


class Redialer:
    """The current link, if any, and the time left to get another.

    `setup` makes its channel ready; by default it is for publishing. A new link counts as regained
    when something is `settled` on it: until then the time to regain it keeps running.
    """

    def __init__(  # noqa: PLR0913 -- one parameter a decision of the caller
        self,
        settings: ConnectionSettings,
        policy: PublishPolicy,
        inbox: Inbox,
        note: Note,
        stop: Stop,
        *,
        setup: Setup = confirm_mode,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._inbox = inbox
        self._note = note
        self._stop = stop
        self._setup = setup
        self.link: Link | None = None
        self.deadline = float("inf")  # for the whole run
        self._regain_until: float | None = None
        self._losses = 0  # since something was settled

    def first(self) -> None:
        """Start the run's time, and connect."""
        if self._policy.timeout is not None:
            self.deadline = time.monotonic() + self._policy.timeout
        wish = self._policy.retry_for
        self._dial(wish or FIRST_SECONDS, again=bool(wish))

    def again(self, error: MedtrackError) -> None:
        """Replace the link. Raises `error` when the time to reconnect is over."""
        if self.link:
            self.link.close(URGENT_SECONDS)
            self.link = None
        now = time.monotonic()
        least = LEAST_SECONDS if self._regain_until else 0.0
        if self._regain_until is None:
            self._regain_until = now + regain_seconds(self._policy)
        left = self._regain_until - now
        if left <= least:
            raise error
        if self.deadline - now < least:
            raise timed_out(self._settings, error.what)
        self._dial(left, again=True, loss=error)
        self._losses += 1

    def settled(self) -> None:
        """Note that the broker has answered, or had nothing to answer."""
        self._regain_until, self._losses = None, 0

    def check_deadline(self, reason: str) -> None:
        """Raise TimedOut when the run's time is over."""
        if time.monotonic() >= self.deadline:
            raise timed_out(self._settings, reason)

    def explained(self, failure: Failure) -> MedtrackError:
        """Give the error of a failure that ends the run, with the best explanation at hand."""
        return failure.looked_at(self._stop, look_seconds(self.deadline)).error

    def is_there(self) -> bool:
        """Return whether the broker still sends anything; a dead line doesn't."""
        return self.link is not None and self.link.is_there(SILENT_SECONDS)

    def close(self, *, is_urgent: bool) -> None:
        """End the link."""
        if self.link:
            self.link.close(URGENT_SECONDS if is_urgent else CLOSE_SECONDS)

    def _dial(self, seconds: float, *, again: bool, loss: MedtrackError | None = None) -> None:
        """Connect within a time, or until the run's time is over.

        Then an earlier `loss` explains more than an attempt that was cut short.
        """
        left = self.deadline - time.monotonic()

        def out_of_time(failure: Failure) -> MedtrackError:
            error = loss if loss and failure.is_cut_short else failure.error
            return timed_out(self._settings, error.what) if left < seconds else error

        self.link = dial(
            self._settings,
            self._inbox,
            self._setup,
            seconds=min(seconds, max(left, 0.1)),
            again=again,
            note=self._note,
            stop=self._stop,
            attempt=self._losses,
            out_of_time=out_of_time,
        )
