"""Publish through the management API, where AMQP's port is closed."""

import random
import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, NamedTuple, Self

from medtrack_cli.broker.failure import OF_THE_RUN, Failure
from medtrack_cli.broker.management.client import (
    NO_RIGHT_ON_VHOST,
    NO_VHOST,
    STRANGE,
    Unanswered,
    path,
)
from medtrack_cli.broker.management.login import logged_in
from medtrack_cli.broker.patience import (
    MOST_HELD,
    full_jitter,
    regain_seconds,
    timed_out,
)
from medtrack_cli.broker.publish_loop import PublishLoop, Source, size
from medtrack_cli.broker.refusals import channel_failure, no_vhost, vhost_refused
from medtrack_cli.core.hiding import plain, without_secrets
from medtrack_cli.core.messages import PLAIN_PROPERTIES, Message, Outcome, Receipt, beyond_limits
from medtrack_cli.core.publishing.confirms import NACKED, NOBODY
from medtrack_cli.core.publishing.job import why
from medtrack_cli.errors import BrokerUnreachable, MedtrackError

MOST_REQUESTS = 64  # at once; each is a thread here and a channel there
_CODE = re.compile(r"(\d{3}) ")
_NACK = "rejected "

Answer = bool | Unanswered | TimeoutError
"""Whether it was routed, or what came instead."""


class Settled(NamedTuple):
    """A request that has ended."""

    message: Message
    answer: Answer


@dataclass
class HttpPublisher(PublishLoop):
    """The `Publisher` port: a request for each message, up to `policy.window` at once.

    RabbitMQ publishes it mandatory, waits for its own confirm, then answers. A request that was
    sent without an answer is unknown, and isn't sent again; one that found no connection is. With a
    window of 1 the order is kept.
    """

    # By position, with when it was sent.
    _in_flight: dict[int, tuple[Message, float]] = field(default_factory=dict)
    _has_answered: bool = False  # the first goes alone: it may end the run
    _lost_at: float | None = None
    _tries: int = 0
    _next_try: float = 0.0
    _jitter: random.Random = field(default_factory=random.Random)  # spreads load, guards nothing

    def __post_init__(self) -> None:
        super().__post_init__()
        self._window = min(self.policy.window, MOST_REQUESTS)

    def __enter__(self) -> Self:
        if self.policy.timeout is not None:
            self.deadline = time.monotonic() + self.policy.timeout
        self._api = logged_in(
            self.settings, self.policy, self._window, self.note, self.stop, self.deadline
        )
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._api.close()

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def _sent(self) -> list[Message]:
        sent = [message for message, _ in self._in_flight.values()]
        self._in_flight.clear()
        return sent

    def _send(self, feed: Source) -> None:
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
            and sum(size(each) for each, _ in self._in_flight.values()) < self.policy.window_bytes
        )

    def _request(self, message: Message) -> None:
        """Send one message in a thread of its own, and put the result into the inbox."""
        exchange = self.settings.exchange if message.exchange is None else message.exchange
        where = path("exchanges", self.settings.vhost, exchange or "amq.default", "publish")
        answer: Answer
        try:
            told = self._api.request("POST", where, as_json(message))
            answer = told["routed"]
            if not isinstance(answer, bool):
                raise TypeError  # noqa: TRY301 -- as any other answer that isn't RabbitMQ's
        except (Unanswered, TimeoutError) as error:
            answer = error
        except (TypeError, KeyError):
            answer = Unanswered(STRANGE, was_sent=True)
        except Exception as error:  # noqa: BLE001 -- a bug is raised where its receipt is given
            answer = Unanswered(why(error), was_sent=True)
        self._inbox.put(Settled(message, answer))

    def _handle(self, happening: Settled | None) -> None:
        if happening and happening.message.position in self._in_flight:
            del self._in_flight[happening.message.position]
            self._judge(*happening)

    def _judge(self, message: Message, answer: Answer) -> None:
        """Turn an answer into a receipt, keep the message for a retry, or raise."""
        if isinstance(answer, bool) or getattr(answer, "status", None):
            self._lost_at, self._tries = None, 0
        match answer:
            case bool():
                self._has_answered = True
                self._suspects.answered([message])
                self._nacked.taken(message)
                outcome = Outcome.CONFIRMED if answer else Outcome.UNROUTABLE
                self._verdicts.give(message, outcome, "" if answer else NOBODY)
            case Unanswered(is_trusted=False):
                self._again.appendleft(message)
                raise answer.fatal(self.settings)
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
        broker = self.settings.describe()
        if answer.reason == NO_RIGHT_ON_VHOST:
            return vhost_refused(self.settings, broker).error
        if answer.reason == NO_VHOST:
            return no_vhost(self.settings, broker).looked_at(self.stop).error
        return answer.fatal(self.settings)

    def _lost(self, message: Message, error: Unanswered) -> None:
        """Retry later what found no connection, unless the time to get one is over."""
        now = time.monotonic()
        self._again.appendleft(message)
        self._lost_at = self._lost_at or now
        pause = full_jitter(self._tries, self._jitter)
        self._tries, self._next_try = self._tries + 1, now + pause
        if self._next_try - self._lost_at >= regain_seconds(self.policy):
            raise error.fatal(self.settings)
        self.note(f"the management API {error}: trying again")

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
            raise failure.looked_at(self.stop).error

    def _failure(self, said: str) -> Failure:
        if code := _CODE.match(said):
            return channel_failure(int(code[1]), said, self.settings, "Basic.Publish")
        what = without_secrets(f"the management API refuses it: {plain(said)}", self.settings)
        error = BrokerUnreachable(what, self.settings.describe())
        return Failure(error, heals=False, refuses=True, code=400)

    def _check_clocks(self) -> None:
        now = time.monotonic()
        if now >= self.deadline:
            raise timed_out(self.settings, "time ran out")
        limit = self.policy.confirm_timeout
        late = [each for each, since in self._in_flight.values() if now - since > limit]
        for message in late:
            del self._in_flight[message.position]
            self._judge(message, TimeoutError(f"said nothing for {limit:.0f} s"))


def as_json(message: Message) -> dict[str, Any]:
    """Make the API's form: the body as it is, or in base64 if it isn't text."""
    own = PLAIN_PROPERTIES if message.properties is None else message.properties
    properties = {**own, "message_id": message.message_id}
    if message.headers:
        properties["headers"] = dict(message.headers)
    try:
        body, encoding = message.body.decode(), "string"
    except UnicodeDecodeError:
        body, encoding = b64encode(message.body).decode(), "base64"
    return {
        "properties": properties,
        "routing_key": message.routing_key,
        "payload": body,
        "payload_encoding": encoding,
    }


def untold_types(message: Message) -> str | None:
    """Refuse headers that JSON can't carry: they would arrive changed, or not at all."""
    values: list[Any] = [*(message.properties or {}).values(), message.headers or {}]
    while values:
        value = values.pop()
        if type(value) is dict:
            values += value.values()
        elif type(value) is list:
            values += value
        elif type(value) not in {str, int, float, bool}:
            return "its headers would change their types through the management API"
    return None
