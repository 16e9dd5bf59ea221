"""Receive what is published, through a tap of our own, or what waits in a queue."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from queue import SimpleQueue
from threading import Event
from typing import Self

from pika.channel import Channel

from medtrack_cli.broker.amqp.backlog import Backlog, Overflow
from medtrack_cli.broker.amqp.continuity import Loss, cautions, has_kept_all
from medtrack_cli.broker.amqp.deliveries import Arrival
from medtrack_cli.broker.amqp.dialer import dial
from medtrack_cli.broker.amqp.link import URGENT_SECONDS, Inbox, Link, Lost
from medtrack_cli.broker.amqp.stream_edges import Gaps
from medtrack_cli.broker.amqp.subscription import (
    PREFETCH,
    Cancelled,
    Delivered,
    Depth,
    Released,
    Subscription,
)
from medtrack_cli.broker.patience import FIRST_SECONDS, arriving
from medtrack_cli.broker.refusals import TAP_PREFIX
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.listening.sources import QueueType, Source
from medtrack_cli.core.ports import Interrupted, Listening, Note, Resumed, Retry, Stop
from medtrack_cli.errors import BrokerUnreachable, EventsGone, TopologyError

TICK_SECONDS = 0.2  # how often an empty batch comes when nothing arrives
PAUSE_SECONDS = 3.0  # between two tries, at most: noticed within 5 s of the broker's return
STEADY_SECONDS = 30.0  # a link that lasted this long was a good one
CLOSE_SECONDS = 0.6  # a signal ends listening within a second, whatever the broker does

Happening = Listening | Interrupted | Resumed | EventsGone
Settling = Callable[[Subscription, int, list[int]], None]
_Event = Lost | Cancelled | Released | Depth


@dataclass
class AmqpConsumer:
    """The `Consumer` port over AMQP.

    A tap without a name is exclusive, has a new random name on each connection, and is deleted by
    the broker with it. A named tap and a queue still exist after a connection loss. What was
    handled but could not be acknowledged is not yielded again.
    """

    settings: ConnectionSettings
    source: Source
    note: Note
    stop: Stop
    retry: Retry = field(default_factory=Retry)
    _inbox: Inbox = field(default_factory=SimpleQueue)
    _link: Link | None = None
    _tokens: Iterator[int] = field(default_factory=partial(count, 1))
    _open: dict[int, tuple[Delivered, Arrival]] = field(default_factory=dict)  # unsettled, by token
    _again: Counter[int] = field(default_factory=Counter)  # handled, not acknowledged: come again
    _returns: int = 0  # how often a message of the queue may have been delivered in vain
    _opened_at: float = 0.0
    _short_lived: int = 0

    def __post_init__(self) -> None:
        self._subscription = Subscription(self.source, "", self._tokens, creates=False)
        self._backlog = Backlog(is_asked=self.source.bounds is not None)
        self._overflow = Overflow(self.source, self._backlog)
        self._gaps = Gaps(self.settings, self.source, self.stop)
        self.stop.listen(lambda: self._inbox.put(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._link is None:
            return
        self._link.close(CLOSE_SECONDS)
        if farewell := self.source.farewell:
            self.note(farewell)

    def deliveries(self) -> Iterator[Happening | list[Delivery]]:
        wish = self.retry.seconds
        if not self._connect(wish or FIRST_SECONDS, again=bool(wish), creates=True):
            return
        since = datetime.now(UTC)
        yield Listening(
            *(since, self._subscription.queue, self.source.patterns),
            *(self.settings.target, cautions(self.settings, self.source, self.stop)),
        )
        if not self._subscription.waiting:
            self._backlog.end()
        yield from self._overflow.look(self._subscription.waiting)
        while not self.stop.is_requested:
            began = datetime.now(UTC)
            batch, event = self._collect()
            deliveries = [each.delivery for _, each in batch]
            self._open.update((each[1].delivery.token, each) for each in batch)
            yield from self._gaps.looked(deliveries)
            if deliveries:
                self.source = self.source.after(deliveries[-1])
            self._backlog.took(len(deliveries), began)
            yield from self._overflow.took(deliveries, self._subscription.waiting)
            if self._overflow.is_due(len(deliveries)):
                self._call(self._subscription.ask_depth)
            if event is not None and not self.stop.is_requested:
                yield from self._react(event)

    def acknowledge(self, tokens: Sequence[int]) -> None:
        for delivery in self._settle(tokens, Subscription.acknowledge):
            self._again[_identity(delivery)] += 1

    def give_back(self, tokens: Sequence[int]) -> None:
        """Put deliveries back; what isn't held any more is back already. See the port."""
        self._settle(tokens, Subscription.give_back)

    def leave(self, tokens: Sequence[int]) -> None:
        done = Event()
        self._settle(tokens, partial(Subscription.leave, done=done.set))
        done.wait(CLOSE_SECONDS if tokens else 0)

    def _settle(self, tokens: Sequence[int], how: Settling) -> list[Delivery]:
        """Settle what is still held; return the rest."""
        done = [self._open.pop(token) for token in sorted(tokens) if token in self._open]
        held, rest = list[int](), list[Delivery]()
        generation = 0
        for came, each in done:
            if self._holds(came):
                held.append(each.tag)
                generation = came.generation
            else:
                rest.append(each.delivery)
        if held:
            subscription = self._subscription
            self._call(lambda _channel: how(subscription, generation, held))
        return rest

    def _connect(self, seconds: float | None, *, again: bool, creates: bool) -> bool:
        """Get a link with a subscription; False when stopped meanwhile."""
        queue = self.source.name or f"{TAP_PREFIX}{secrets.token_hex(8)}"
        self._subscription = Subscription(self.source, queue, self._tokens, creates=creates)
        try:
            self._link = dial(
                self.settings,
                self._inbox,
                self._subscription.set_up,
                seconds=seconds,
                again=again,
                note=self.note,
                stop=self.stop,
                attempt=self._short_lived,
                longest_pause=PAUSE_SECONDS,
                retry=self.retry,
            )
        except BrokerUnreachable:
            if self.stop.is_requested:
                return False
            raise
        self._opened_at = time.monotonic()
        return True

    def _collect(self) -> tuple[list[tuple[Delivered, Arrival]], _Event | None]:
        """Take what has arrived, about a prefetch; wait one tick for the first."""
        batch: list[tuple[Delivered, Arrival]] = []
        for arrived in arriving(self._inbox, TICK_SECONDS):
            match arrived:
                case Delivered():
                    batch += self._new(arrived)
                case Lost(link=link) if link is self._link:
                    return batch, arrived
                case Cancelled() | Released() | Depth():
                    if arrived.subscription is self._subscription:
                        return batch, arrived
            if len(batch) >= PREFETCH:
                break
        return batch, None

    def _holds(self, came: Delivered) -> bool:
        """Return whether a delivery can still be acknowledged."""
        return self._is_current(came) and self._link is not None and not self._link.is_over

    def _is_current(self, came: Delivered) -> bool:
        """Return whether a delivery hasn't been given back."""
        subscription = self._subscription
        return came.subscription is subscription and came.generation == subscription.generation

    def _new(self, came: Delivered) -> Iterator[tuple[Delivered, Arrival]]:
        """Give what is to be handled now.

        What was already handled is acknowledged. What can't be any more comes again, except
        from a tap that has gone with its connection.
        """
        if not (self._holds(came) or (self._is_current(came) and not self.source.stays)):
            return
        for each in came.arrivals:
            if not (each.delivery.redelivered and self._has_handled(came, each)):
                yield came, each

    def _has_handled(self, came: Delivered, each: Arrival) -> bool:
        """Acknowledge what comes again after it was handled; return whether that is so."""
        self._returns = max(self._returns, each.delivery.deliveries)
        if not self._again or (identity := _identity(each.delivery)) not in self._again:
            return False
        self._again[identity] -= 1
        if not self._again[identity]:
            del self._again[identity]
        self._call(lambda _channel: came.subscription.acknowledge(came.generation, [each.tag]))
        return True

    def _call(self, action: Callable[[Channel], None]) -> None:
        if self._link:
            self._link.call(action)

    def _react(self, event: _Event) -> Iterator[Interrupted | Resumed]:
        match event:
            case Depth(messages=messages, generation=generation, asked_at=asked_at):
                if generation == self._subscription.generation:
                    self._backlog.answered(messages, asked_at)
                if not self._backlog.is_there:
                    self._again.clear()  # all that was to come again has come
                yield from self._overflow.answered(messages)
            case Released():
                self._returns += 1
                self._backlog.restart()
                self._call(partial(self._subscription.consume_again, self.source))
                self._call(self._subscription.ask_depth)
            case Cancelled(at=at):
                what = "the broker ended our subscription: queue deleted or moved"
                reason = f"{what}: {self._subscription.queue}"
                yield from self._resume(self._unseen_since(at), reason, None)
            case Lost(failure=failure, alive_at=alive_at):
                self._returns += 1
                is_kept = self.source.queue_type is QueueType.QUORUM
                since = alive_at if is_kept else self._unseen_since(alive_at)
                if failure.of_protocol:
                    yield Interrupted(since, failure.error.what)
                    raise failure.error
                loss = Loss(alive_at, failure.code is not None, self._returns)
                yield from self._resume(since, failure.error.what, loss)

    def _unseen_since(self, lost_at: datetime) -> datetime | None:
        """Return since when events are missing if what waited is gone."""
        return self._backlog.since and min(lost_at, self._backlog.since)

    def _resume(
        self, since: datetime | None, reason: str, loss: Loss | None
    ) -> Iterator[Interrupted | Resumed]:
        """Report that nothing arrives any more, reconnect however long it takes, and report that.

        If that is impossible, ends with the error of the attempt. Without a `loss` the queue itself
        was gone, if only for a while.
        """
        self.retry.attempts, self.retry.next_at = 0, 0.0
        yield Interrupted(since, reason)
        if self._link:
            self._link.close(URGENT_SECONDS)
        is_steady = time.monotonic() - self._opened_at > STEADY_SECONDS
        self._short_lived = 0 if is_steady else self._short_lived + 1
        survived = self.source.stays
        try:
            is_back = self._connect(None, again=True, creates=not self.source.stays)
        except TopologyError:
            if not self.source.patterns:
                raise  # others created it
            survived = False
            is_back = self._connect(None, again=True, creates=True)
        if is_back:
            yield self._resumed(since, loss, survived=survived)

    def _resumed(self, since: datetime | None, loss: Loss | None, *, survived: bool) -> Resumed:
        """Begin with the queue as it is now, and return what may be missing of before."""
        missed = (
            not (survived and loss)
            or self._overflow.may_drop(self._subscription.waiting)
            or not has_kept_all(
                self.settings, self.source, self._subscription.broker, loss, self.stop
            )
        )
        start = since and self._unseen_since(since) if missed else since
        if survived:
            self._backlog.restart()
        else:
            self._again.clear()
            self._open.clear()
            self._backlog.end()
            self._overflow.end()
        return Resumed(start, datetime.now(UTC), may_have_missed=missed)


def _identity(delivery: Delivery) -> int:
    return hash((delivery.routing_key, delivery.message_id, delivery.body))
