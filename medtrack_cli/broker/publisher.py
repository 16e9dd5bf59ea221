"""Publish with pipelined confirms, and say the truth about every message."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self

from medtrack_cli.broker import wire
from medtrack_cli.broker.answers import Answered, Returned, confirm_mode
from medtrack_cli.broker.connection import CLOSE_SECONDS, Blocked, Inbox, Link, Lost
from medtrack_cli.broker.dialer import FIRST_SECONDS, dial
from medtrack_cli.broker.failure import Failure
from medtrack_cli.broker.feed import Feed
from medtrack_cli.broker.retries import Retries
from medtrack_cli.core.confirms import NACKED, Confirms, Settled
from medtrack_cli.core.connection import ConnectionSettings
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Note, PublishPolicy, Stop
from medtrack_cli.errors import BrokerUnreachable, MedtrackError, TimedOut

REGAIN_SECONDS = 60.0  # for a connection that once stood
DRAIN_SECONDS = 5.0  # for what is in flight when asked to stop


class Wake(NamedTuple):
    """There is input to read, or the end of it, or a wish to stop."""


class AmqpPublisher:
    """The `Publisher` port over AMQP. All state belongs to the thread that calls `publish`.

    A channel's first message is sent alone: its answer proves exchange and permission, so that
    a refusal is known to be about that very message and everything behind it to be unsent.
    """

    def __init__(
        self, settings: ConnectionSettings, policy: PublishPolicy, note: Note, stop: Stop
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._note = note
        self._stop = stop
        self._inbox: Inbox = SimpleQueue()
        self._link: Link | None = None
        self._confirms = Confirms()
        self._again: deque[Message] = deque()  # sent once, to be sent again before anything new
        self._nacked = Retries(policy.nack_retries)
        self._uncertain: set[int] = set()  # by index: in flight when a connection was lost
        self._known: deque[Receipt] = deque()  # verdicts that were not handed out yet
        self._blocked: str | None = None
        self._last_answer = 0.0
        self._deadline = float("inf")  # for the whole run
        self._regain_until: float | None = None  # set while no loss was followed by an answer
        self._losses = 0  # since the last answer
        stop.listen(lambda: self._inbox.put(Wake()))

    def __enter__(self) -> Self:
        if self._policy.timeout is not None:
            self._deadline = time.monotonic() + self._policy.timeout
        wish = self._policy.retry_for
        self._connect(wish or FIRST_SECONDS, again=bool(wish))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._link:
            is_urgent = self._blocked is not None or self._stop.is_requested
            self._link.close(0.5 if is_urgent else CLOSE_SECONDS)

    @property
    def in_flight(self) -> int:
        """How many messages wait for the broker's answer."""
        return len(self._confirms)

    def publish(self, source: Iterable[Message | Receipt]) -> Iterator[Receipt]:
        """Yield each message's receipt as it is known. See the port for what it promises."""
        policy = self._policy
        feed = Feed(
            source,
            limit=policy.read_ahead or policy.window * 2,
            weigh=_size,
            most=policy.window_bytes,
            wake=lambda: self._inbox.put(Wake()),
        )
        try:
            while True:
                self._send(feed)  # before anything is printed: the broker should never idle
                yield from self._hand_out()
                if feed.exhausted and not (self._confirms or self._again or self._nacked):
                    break
                self._wait()
                self._check_clocks()
                if self._stop.is_requested:
                    yield from self._drain(feed)
                    return
        except MedtrackError as error:
            first = feed.error or error
            yield from self._hand_out()
            yield from self._abandon(feed, error)
            raise first from None
        finally:
            feed.stop()
        if feed.error is not None:
            raise feed.error

    def _connect(self, seconds: float, *, again: bool) -> None:
        try:
            self._link = dial(
                self._settings,
                self._inbox,
                confirm_mode,
                seconds=min(seconds, max(self._deadline - time.monotonic(), 0.1)),
                again=again,
                note=self._note,
                stop=self._stop,
                attempt=self._losses,
            )
        except BrokerUnreachable as error:
            self._check_deadline(error.what)
            raise
        self._blocked = None
        self._last_answer = time.monotonic()

    def _hand_out(self) -> Iterator[Receipt]:
        while self._known:
            yield self._known.popleft()

    def _send(self, feed: Feed[Message | Receipt]) -> None:
        """Send what the window has room for: first what must be sent again, then new input."""
        batch: list[Message] = []
        room = self._room()
        policy = self._policy
        reads = len(self._nacked) < policy.window and (
            self._nacked.bytes_waiting < policy.window_bytes
        )
        while len(batch) < room and self._confirms.bytes_in_flight < policy.window_bytes:
            if len(self._known) > policy.window * 2:
                self._inbox.put(Wake())  # hand these out, then go on at once
                break
            message = self._next_again() or (feed.take() if reads else None)
            if message is None:
                break
            if isinstance(message, Receipt):
                self._known.append(message)
                continue
            if (reason := wire.why_unsendable(message, self._settings.username)) is not None:
                self._known.append(message.receipt(Outcome.REFUSED, reason))
                continue
            self._confirms.sent(message)
            batch.append(message)
        if batch and self._link:
            if len(self._confirms) == len(batch):
                self._last_answer = time.monotonic()  # the wait for an answer begins now
            exchange = self._settings.exchange
            self._link.call(lambda channel: wire.write(channel, batch, exchange))

    def _room(self) -> int:
        """Tell how many messages may be sent now: none before half of the window is free.

        Large writes are cheaper for the broker and for us (14,000 events a second became 17,000).
        """
        in_flight = len(self._confirms)
        window = self._policy.window if self._confirms.answered else 1
        if self._blocked is not None or in_flight * 2 > window:
            return 0
        return window - in_flight

    def _next_again(self) -> Message | None:
        return self._nacked.next_due() or (self._again.popleft() if self._again else None)

    def _wait(self) -> None:
        """Wait until something happens and handle all that has happened."""
        try:
            happening = self._inbox.get(timeout=0.1)
        except Empty:
            return
        while True:
            self._handle(happening)
            try:
                happening = self._inbox.get_nowait()
            except Empty:
                return

    def _check_clocks(self) -> None:
        blocked = f"blocked by the broker: {self._blocked}" if self._blocked else "time ran out"
        self._check_deadline(blocked)
        moved_at = self._link.moved_at if self._link else 0.0
        silent_for = time.monotonic() - max(self._last_answer, moved_at)
        if self._confirms and self._blocked is None and silent_for > self._policy.confirm_timeout:
            what = f"no confirm for {silent_for:.0f} s"
            self._note(f"{what}: taking the connection for dead")
            self._reconnect(BrokerUnreachable(what, self._settings.describe()))

    def _check_deadline(self, reason: str) -> None:
        if time.monotonic() >= self._deadline:
            hint = "events reported unknown may have arrived; their message ids tell"
            raise TimedOut(f"--timeout reached ({reason})", self._settings.describe(), hint=hint)

    def _handle(self, happening: Any) -> None:  # noqa: ANN401 -- matched below
        if getattr(happening, "link", self._link) is not self._link:
            return  # from a link of the past
        match happening:
            case Answered(tag=tag, multiple=multiple, is_ack=is_ack):
                self._last_answer = time.monotonic()
                self._regain_until, self._losses = None, 0
                settle = self._confirms.acked if is_ack else self._confirms.nacked
                for settled in settle(tag, multiple=multiple):
                    self._settle(settled)
            case Returned(message_id=message_id, routing_key=routing_key):
                self._confirms.returned(message_id, routing_key)
            case Blocked(reason=reason):
                self._blocked = reason
                self._last_answer = time.monotonic()
                self._regain_until, self._losses = None, 0
                words = f"blocked by the broker: {reason}; waiting" if reason else "unblocked"
                self._note(words)
            case Lost(failure=failure):
                self._lost(failure)

    def _settle(self, settled: Settled) -> None:
        """Make an answer a receipt, or put the message aside to be sent again."""
        message, outcome, reason = settled
        if outcome is Outcome.REFUSED and self._nacked.put(message):
            return
        self._nacked.forget(message)
        self._known.append(self._receipt(message, outcome, reason))

    def _receipt(self, message: Message, outcome: Outcome, reason: str) -> Receipt:
        """Give the verdict; a no to a copy says nothing of one that was sent before."""
        if outcome is not Outcome.CONFIRMED and message.position in self._uncertain:
            reason = f"{reason}, but a copy sent before may have arrived"
            outcome = Outcome.UNKNOWN
        return message.receipt(outcome, reason)

    def _lost(self, failure: Failure) -> None:
        if failure.heals:
            self._note(f"{failure.error.what}: {len(self._confirms)} events unconfirmed")
            self._reconnect(failure.error)
            return
        if failure.refuses:
            is_alone = not self._confirms.answered  # the one that goes first
            in_flight = self._confirms.unanswered()
            about = [each for each in in_flight if is_alone or failure.is_about(each)]
            if len(about) == 1:
                in_flight.remove(about[0])
                self._known.append(self._receipt(about[0], Outcome.REFUSED, failure.error.what))
            self._again.extendleft(reversed(in_flight))
        raise failure.error

    def _reconnect(self, error: MedtrackError) -> None:
        """Get a new link; all that was in flight goes first, in its old order.

        A new link counts as regained when the broker answers on it, or has nothing to answer:
        until then the time to regain it runs on. Raises `error` when that has run out.
        """
        in_flight = self._confirms.unanswered()
        if not (in_flight or self._again):
            self._regain_until, self._losses = None, 0
        self._uncertain.update(message.position for message in in_flight)
        self._again.extendleft(reversed(in_flight))
        self._confirms = Confirms()
        if self._link:
            self._link.close(0.5)
            self._link = None
        now = time.monotonic()
        if self._regain_until is None:
            wish = self._policy.retry_for
            self._regain_until = now + (REGAIN_SECONDS if wish is None else wish)
        if now >= self._regain_until:
            raise error
        self._connect(self._regain_until - now, again=True)
        self._losses += 1
        self._note(f"connected again; sending {len(self._again)} events once more")

    def _drain(self, feed: Feed[Message | Receipt]) -> Iterator[Receipt]:
        """Asked to stop: read no further, wait a little for what is in flight, tell the truth."""
        feed.stop()
        until = min(time.monotonic() + DRAIN_SECONDS, self._deadline)
        try:
            while self._confirms and time.monotonic() < until:
                self._wait()
                yield from self._hand_out()
        except MedtrackError:
            pass  # the loss of the connection only makes what is in flight unknown
        yield from self._hand_out()
        yield from self._abandon(feed, None)

    def _abandon(
        self, feed: Feed[Message | Receipt], error: MedtrackError | None
    ) -> Iterator[Receipt]:
        """Give every message read a receipt; what was once sent is unknown, the rest unsent."""
        reason = error.what if error else "stopped before the broker answered"
        sent = [*self._confirms.unanswered(), *self._again]
        self._again.clear()
        for message in sorted(sent, key=lambda each: each.position):
            yield message.receipt(Outcome.UNKNOWN, reason)
        for message in self._nacked.take_all():
            yield self._receipt(message, Outcome.REFUSED, NACKED)
        feed.stop()
        while (item := feed.take()) is not None:
            yield item if isinstance(item, Receipt) else item.receipt(Outcome.UNSENT, reason)


def _size(item: Message | Receipt) -> int:
    return len(item.body) if isinstance(item, Message) else 0
