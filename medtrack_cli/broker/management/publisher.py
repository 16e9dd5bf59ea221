"""Publish through the management API, where AMQP's port is closed."""

import random
import re
import time
from queue import Empty
from threading import Thread
from typing import NamedTuple, Self
from urllib.parse import quote

from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.limits import beyond_limits
from medtrack_cli.broker.management.client import NO_RIGHT_ON_VHOST, NO_VHOST, Unanswered
from medtrack_cli.broker.management.login import logged_in
from medtrack_cli.broker.management.message import as_json, untold_types
from medtrack_cli.broker.patience import (
    MOST_HELD,
    full_jitter,
    regain_seconds,
    timed_out,
)
from medtrack_cli.broker.publish_loop import PublishLoop, Source, size
from medtrack_cli.broker.refusals import channel_failure, no_vhost, vhost_refused
from medtrack_cli.broker.suspects import OF_THE_RUN
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.hiding import plain, without_secrets
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Note, PublishPolicy, Stop
from medtrack_cli.core.publishing.confirms import NACKED, NOBODY
from medtrack_cli.core.publishing.deliver import why
from medtrack_cli.errors import BrokerUnreachable, MedtrackError

MOST_REQUESTS = 64  # at once; each is a thread here and a channel there
_TICK = 0.1
_CODE = re.compile(r"(\d{3}) ")
_NACK = "rejected "

Answer = bool | Unanswered | TimeoutError
"""Whether it was routed, or what came instead."""


class Settled(NamedTuple):
    """A request that has ended."""

    message: Message
    answer: Answer


class HttpPublisher(PublishLoop):
    """The `Publisher` port: a request for each message, up to `policy.window` at once.

    RabbitMQ publishes it mandatory, waits for its own confirm, then answers. A request that was
    sent without an answer is unknown, and isn't sent again; one that found no connection is. With a
    window of 1 the order is kept.
    """

    def __init__(
        self, settings: ConnectionSettings, policy: PublishPolicy, note: Note, stop: Stop
    ) -> None:
        super().__init__(settings, policy, note, stop)
        self._window = min(policy.window, MOST_REQUESTS)
        self._in_flight: dict[int, tuple[Message, float]] = {}  # by position, with when it was sent
        self._has_answered = False  # the first goes alone: it may end the run
        self._lost_at: float | None = None
        self._tries, self._next_try = 0, 0.0
        self._jitter = random.Random()  # noqa: S311 -- spreads load, guards nothing
        self._until = float("inf")

    def __enter__(self) -> Self:
        if self._policy.timeout is not None:
            self._until = time.monotonic() + self._policy.timeout
        self._api = logged_in(
            self._settings, self._policy, self._window, self._note, self._stop, self._until
        )
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._api.close()

    @property
    def in_flight(self) -> int:
        """How many requests wait for their answer."""
        return len(self._in_flight)

    @property
    def deadline(self) -> float:
        """When the run's time is over, on the monotonic clock."""
        return self._until

    def _sent(self) -> list[Message]:
        sent = [message for message, _ in self._in_flight.values()]
        self._in_flight.clear()
        return sent

    def _send(self, feed: Source) -> None:
        """Send what the window has room for: first retries, then new input."""
        while self._has_room():
            may_read = self._nacked.count < MOST_HELD
            message = self._next_again() or (feed.take() if may_read else None)
            if message is None:
                return
            if isinstance(message, Receipt):
                self._verdicts.add(message)
                return  # it is handed out first
            if self._nacked.holds(message):
                continue
            reason = beyond_limits(message) or untold_types(message)
            if reason is not None:
                self._verdicts.give(message, Outcome.REFUSED, reason)
                return
            self._in_flight[message.position] = message, time.monotonic()
            Thread(target=self._request, args=(message,), name="medtrack-http", daemon=True).start()

    def _has_room(self) -> bool:
        is_alone = not self._has_answered or self._lost_at is not None
        return (
            len(self._in_flight) < (1 if is_alone else self._window)
            and len(self._verdicts) <= self._window * 2
            and self._next_try <= time.monotonic()
            and sum(size(each) for each, _ in self._in_flight.values()) < self._policy.window_bytes
        )

    def _request(self, message: Message) -> None:
        """Send one message in a thread of its own, and put the result into the inbox."""
        vhost = quote(self._settings.vhost, safe="")
        exchange = self._settings.exchange if message.exchange is None else message.exchange
        path = f"exchanges/{vhost}/{quote(exchange or 'amq.default', safe='')}/publish"
        answer: Answer
        try:
            told = self._api.request("POST", path, as_json(message))
            answer = told["routed"]
            if not isinstance(answer, bool):
                raise TypeError  # noqa: TRY301 -- as any other answer that isn't RabbitMQ's
        except (Unanswered, TimeoutError) as error:
            answer = error
        except (TypeError, KeyError):
            answer = Unanswered("gave an answer that isn't RabbitMQ's", was_sent=True)
        except Exception as error:  # noqa: BLE001 -- a bug is raised where its receipt is given
            answer = Unanswered(why(error), was_sent=True)
        self._inbox.put(Settled(message, answer))

    def _wait(self) -> None:
        """Wait until something happens and handle all that has happened."""
        try:
            happening = self._inbox.get(timeout=_TICK)
            while True:
                if happening and happening.message.position in self._in_flight:
                    del self._in_flight[happening.message.position]
                    self._judge(*happening)
                happening = self._inbox.get_nowait()
        except Empty:
            return

    def _judge(self, message: Message, answer: Answer) -> None:
        """Turn an answer into a receipt, keep the message for a retry, or raise."""
        if isinstance(answer, bool) or getattr(answer, "status", None):
            self._lost_at, self._tries = None, 0
        match answer:
            case bool():
                self._answered(message)
                outcome = Outcome.CONFIRMED if answer else Outcome.UNROUTABLE
                self._verdicts.give(message, outcome, "" if answer else NOBODY)
            case Unanswered(is_trusted=False):
                self._again.appendleft(message)
                raise answer.fatal(self._settings)
            case Unanswered(status=413):
                reason = "too large for the management API, or for a proxy before it (413)"
                self._nacked.forget(message)
                self._verdicts.give(message, Outcome.REFUSED, reason)
            case Unanswered(status=None, was_sent=False):
                self._lost(message, answer)
            case Unanswered(status=400):
                self._declined(message, answer.reason)
            case Unanswered(status=401 | 403 | 404):  # nothing is published without a login
                self._again.appendleft(message)
                raise self._no_entry(answer)
            case _:
                reason = f"sent, and the management API {str(answer) or 'says nothing'}"
                self._nacked.forget(message)
                self._verdicts.give(message, Outcome.UNKNOWN, reason)

    def _no_entry(self, answer: Unanswered) -> MedtrackError:
        broker = self._settings.describe()
        if answer.reason == NO_RIGHT_ON_VHOST:
            return vhost_refused(self._settings, broker).error
        if answer.reason == NO_VHOST:
            return no_vhost(self._settings, broker).looked_at(self._stop).error
        return answer.fatal(self._settings)

    def _answered(self, message: Message) -> None:
        self._has_answered = True
        self._suspects.answered(message)
        self._nacked.taken(message)

    def _lost(self, message: Message, error: Unanswered) -> None:
        """Retry later what found no connection, unless the time to get one is over."""
        now = time.monotonic()
        self._again.appendleft(message)
        self._lost_at = self._lost_at or now
        pause = full_jitter(self._tries, self._jitter)
        self._tries, self._next_try = self._tries + 1, now + pause
        if self._next_try - self._lost_at >= regain_seconds(self._policy):
            raise error.fatal(self._settings)
        self._note(f"the management API {error}: trying again")

    def _declined(self, message: Message, said: str) -> None:
        """Refuse what the broker declines; after retries, if the reason may pass."""
        self._has_answered = True
        if said.startswith(_NACK):
            if not self._nacked.refused(message):
                self._verdicts.give(message, Outcome.REFUSED, NACKED)
            return
        failure = self._failure(said)
        if failure.heals and self._nacked.refused(message):
            return
        self._nacked.forget(message)
        self._verdicts.give(message, Outcome.REFUSED, failure.error.what)
        self._suspects.blame(failure, [message])
        if failure.code in OF_THE_RUN or self._suspects.are_too_many:
            raise failure.looked_at(self._stop).error

    def _failure(self, said: str) -> Failure:
        if code := _CODE.match(said):
            return channel_failure(int(code[1]), said, self._settings, "Basic.Publish")
        what = without_secrets(f"the management API refuses it: {plain(said)}", self._settings)
        error = BrokerUnreachable(what, self._settings.describe())
        return Failure(error, heals=False, refuses=True, code=400)

    def _check_clocks(self) -> None:
        now = time.monotonic()
        if now >= self._until:
            raise timed_out(self._settings, "time ran out")
        limit = self._policy.confirm_timeout
        late = [each for each, since in self._in_flight.values() if now - since > limit]
        for message in late:
            del self._in_flight[message.position]
            self._judge(message, TimeoutError(f"said nothing for {limit:.0f} s"))
