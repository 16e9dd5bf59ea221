"""Keep a link: connect it, and reconnect after a loss, within budgets of time."""

import time
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from medtrack_cli.broker.amqp.dialer import LEAST_SECONDS, count_waiting, dial, look_seconds
from medtrack_cli.broker.amqp.link import CLOSE_SECONDS, URGENT_SECONDS, Inbox, Link, Lost, Setup
from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.patience import FIRST_SECONDS, arriving, regain_seconds, timed_out
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.ports import Note, PublishPolicy, Stop
from medtrack_cli.errors import MedtrackError, TopologyError

SILENT_SECONDS = 0.5  # without a sign of life when asked: the broker is given up
_HINT = "check --max-backlog and --vhost; `medtrack queue list` shows all"


@dataclass
class Redialer:
    """The current link, if any, and the time left to get another.

    `setup` makes its channel ready. A new link counts as regained when something is `settled` on
    it: until then the time to regain it keeps running.
    """

    settings: ConnectionSettings
    policy: PublishPolicy
    inbox: Inbox
    note: Note
    stop: Stop
    setup: Setup
    link: Link | None = None
    deadline: float = float("inf")  # for the whole run
    _regain_until: float | None = None
    _losses: int = 0  # since something was settled

    def first(self) -> None:
        """Start the run's time, and connect."""
        if self.policy.timeout is not None:
            self.deadline = time.monotonic() + self.policy.timeout
        wish = self.policy.retry_for
        self._dial(wish or FIRST_SECONDS, again=bool(wish))

    def again(self, error: MedtrackError) -> None:
        """Replace the link. Raises `error` when the time to reconnect is over."""
        if self.link:
            self.link.close(URGENT_SECONDS)
            self.link = None
        now = time.monotonic()
        least = LEAST_SECONDS if self._regain_until else 0.0
        if self._regain_until is None:
            self._regain_until = now + regain_seconds(self.policy)
        left = self._regain_until - now
        if left <= least:
            raise error
        if self.deadline - now < least:
            raise timed_out(self.settings, error.what)
        self._dial(left, again=True, loss=error)
        self._losses += 1

    def settled(self) -> None:
        """Note that the broker has answered, or had nothing to answer."""
        self._regain_until, self._losses = None, 0

    def explained(self, failure: Failure) -> MedtrackError:
        """Give the error of a failure that ends the run, with the best explanation at hand."""
        return failure.looked_at(self.stop, look_seconds(self.deadline)).error

    def is_there(self) -> bool:
        """Return whether the broker still sends anything; a dead line doesn't."""
        return self.link is not None and self.link.is_there(SILENT_SECONDS)

    def close(self, *, is_urgent: bool) -> None:
        if self.link:
            self.link.close(URGENT_SECONDS if is_urgent else CLOSE_SECONDS)

    def _dial(self, seconds: float, *, again: bool, loss: MedtrackError | None = None) -> None:
        """Connect within a time, or until the run's time is over.

        Then an earlier `loss` explains more than an attempt that was cut short.
        """
        left = self.deadline - time.monotonic()

        def out_of_time(failure: Failure) -> MedtrackError:
            error = loss if loss and failure.is_cut_short else failure.error
            return timed_out(self.settings, error.what) if left < seconds else error

        self.link = dial(
            self.settings,
            self.inbox,
            self.setup,
            seconds=min(seconds, max(left, 0.1)),
            again=again,
            note=self.note,
            stop=self.stop,
            attempt=self._losses,
            out_of_time=out_of_time,
        )


class Depth(NamedTuple):
    """The number of waiting messages."""

    link: Link
    messages: int


class AmqpDepths:
    """The `Depths` port: passive declares, which need no permission on most brokers.

    A lost connection is tried again for as long as a publisher tries.
    """

    def __init__(self, settings: ConnectionSettings, policy: PublishPolicy, stop: Stop) -> None:
        self._inbox: Inbox = SimpleQueue()
        self._stop = stop
        self._is_closed = False
        # Nothing is reported: the publisher beside it reports the same of the broker.
        self._line = Redialer(
            *(settings, policy, self._inbox, lambda _text: None, stop),
            lambda link, _channel: link.opened(),
        )

    def ready(self, queue: str) -> int | None:
        if self._line.link is None:
            self._line.first()
        while self._line.link and not self._is_over:
            tell = partial(self._tell, self._line.link)
            self._line.link.call(partial(count_waiting, queue=queue, tell=tell))
            answer = self._answer(self._line.link)
            if isinstance(answer, Depth):
                self._line.settled()
                return answer.messages
            if answer and not answer.failure.heals:
                error = self._line.explained(answer.failure)
                raise error.with_hint(_HINT) if isinstance(error, TopologyError) else error
            if answer:
                self._line.again(answer.failure.error)
        return None

    def close(self) -> None:
        self._is_closed = True
        self._line.close(is_urgent=True)

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._stop.is_requested

    @staticmethod
    def _tell(link: Link, waiting: int) -> None:
        link.tell(Depth(link, waiting))

    def _answer(self, link: Link) -> Depth | Lost | None:
        while not self._is_over:
            for happening in arriving(self._inbox):
                if isinstance(happening, Depth | Lost) and happening.link is link:
                    return happening
        return None
