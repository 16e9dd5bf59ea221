"""Dead letters sent back: take them from their queue, send each, acknowledge it on arrival."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import NamedTuple

from medtrack_cli.core.checked import REPLAY_HEADER, examine
from medtrack_cli.core.dead_letters import (
    DEFAULT_EXCHANGE,
    SENDERS_COPIES,
    Death,
    Deaths,
    first_death,
)
from medtrack_cli.core.delivery import ORIGINAL_KEY_HEADER, Delivery
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Clock, QueueReader, Stop
from medtrack_cli.core.publishing.job import Journal, Pass
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.recorded import Recorded
from medtrack_cli.core.publishing.replay import Replay, messages
from medtrack_cli.errors import MedtrackError, UsageError

REDRIVES_HEADER = "x-medtrack-redrives"

ROUND = 1000  # messages taken at a time
ROUND_BYTES = 64 * 2**20  # the same, by the largest seen
LAST_ROUND = 50  # of messages that a kill would drop
MOST_ARRIVED = 50  # copies that have arrived before their originals are acknowledged
ARRIVED_SECONDS = 0.2


class Bounds(NamedTuple):
    """How much a run holds at most, and how long: a broker's consumer_timeout is 30 minutes."""

    messages: int = 100_000
    size: int = 256 * 2**20  # bytes
    seconds: float = 20 * 60.0


BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a queue's dead letters are sent, beyond the conditions of any replay."""

    reasons: tuple[str, ...] = ()
    died_in: tuple[str, ...] = ()
    max_redrives: int = 3

    def refuses(self, delivery: Delivery, death: Death | None) -> str | None:
        """Name the counter of a message that is left; empty if it is wanted."""
        if death is None:
            return "no_death"
        if self.reasons and death.reason not in self.reasons:
            return "left_out_reason"
        if self.died_in and death.queue not in self.died_in:
            return "left_out_died_in"
        if redrives_of(delivery) >= self.max_redrives:
            return "quarantined"
        return None


def redrives_of(delivery: Delivery) -> int:
    """Count how often a message was sent back before."""
    count = delivery.headers.get(REDRIVES_HEADER, 0)
    return int(count) if isinstance(count, int) and not isinstance(count, bool) else 0


@dataclass
class Redrive:
    """One run over what waits in a queue at its start; also the job's journal.

    `limit` is the queue's delivery limit; None: it has none. A run that `returns` messages, because
    it sends only some or none, refuses to begin with one that would not survive that, unless it
    `spends`. `keep` writes an original to disk before its copy is sent. All that is taken is held
    until its copy is confirmed; `settle` puts the rest back.
    """

    queue: str
    replay: Replay
    wanted: Wanted
    clock: Clock
    limit: int | None = None
    returns: bool = False
    spends: bool = False
    origin: Origin | None = None  # the broker that the queue is on
    deaths: Deaths | None = None  # where all that is read died, if that is wanted
    journal: Journal | None = None  # of the run, if it has one
    keeps_exchange: bool = True  # where each was first published; else the configured one
    reader: QueueReader = field(init=False, repr=False)
    bounds: Bounds = BOUNDS
    keep: Callable[[Delivery], None] = lambda _delivery: None
    at_start: int = 0
    taken: int = 0
    redriven: int = 0
    arrived_since: int = 0
    unreturned: int = 0  # of what would not survive being put back
    bound: str = ""  # what has ended the run before the queue's end
    is_full: bool = False  # that is what it holds
    held: dict[int, Delivery] = field(default_factory=dict, repr=False)  # by token
    _tokens: dict[int, int] = field(default_factory=dict, repr=False)  # by position
    _reading: Lock = field(default_factory=Lock, repr=False)  # by another thread than settles
    _is_settled: bool = False
    _came_back: int = 0  # of what was sent, before all was taken
    _bytes_taken: int = 0  # each counted by one thread
    _bytes_let_go: int = 0

    def begin(self, reader: QueueReader) -> None:
        """Count what waits at the start: no more is handled."""
        self.reader, self.at_start = reader, reader.waiting()

    def make(self, purpose: Pass, omitted: Counter[str]) -> Iterator[Message | Receipt]:
        """Make the messages; the queue is read as they are needed."""
        current: Delivery | None = None

        def recorded() -> Iterator[Recorded]:
            nonlocal current
            for number, current in enumerate(self._deliveries(), 1):
                death = first_death(current)
                if self.deaths is not None and death is not None:
                    self.deaths.add(death, examine(current, self.replay.registry))
                if why_not := self.wanted.refuses(current, death):
                    omitted[why_not] += 1
                    omitted["left_out"] += why_not.startswith("left_out")
                    continue
                died_at = (death and death.at) or current.received_at
                died = replace(current, received_at=died_at, origin=self.origin)
                yield Recorded(self.queue, number, died, death is not None and death.at is not None)

        for made in messages(recorded(), replace(self.replay, keep_going=True), omitted):
            if current is None or isinstance(made, Receipt):
                yield made
                continue
            self._tokens[made.position] = current.token
            if purpose is Pass.SEND:
                self.keep(current)
            headers = {**(made.headers or {}), REDRIVES_HEADER: redrives_of(current) + 1}
            yield made._replace(headers=headers, exchange=self._exchange(made, current))

    def _exchange(self, made: Message, original: Delivery) -> str | None:
        """Choose the exchange: the original one for messages that return to it."""
        if made.exchange is not None or not self.keeps_exchange:
            return made.exchange
        if ORIGINAL_KEY_HEADER in original.headers:
            return None  # it died on its way back, from another exchange: it was ours before
        death = first_death(original)
        return death and death.exchange

    def left(self, outgoing: Iterable[Message | Receipt]) -> Iterator[Message | Receipt]:
        """Pass all on: what an earlier run has done isn't in the queue any more."""
        return iter(outgoing)

    def watch(
        self, receipts: Iterable[Receipt], is_done: Callable[[Receipt], bool], stop: Stop
    ) -> Iterator[Receipt]:
        """Pass receipts on, and acknowledge messages whose copies have arrived, some at a time."""
        if self.journal is not None:
            receipts = self.journal.watch(receipts, is_done, stop)
        arrived: list[int] = []
        let_go_at = 0.0
        lost: MedtrackError | None = None
        stop.when(lambda: lost is not None)  # what is on its way still gets its receipt
        try:
            for receipt in receipts:
                token = self._tokens.pop(receipt.position, None)
                if token is not None and is_done(receipt) and lost is None:
                    arrived.append(token)
                    if len(arrived) >= MOST_ARRIVED or self.clock.monotonic() > let_go_at:
                        going, arrived = arrived, []
                        try:
                            self.redriven += self._let_go(going)
                        except MedtrackError as error:
                            lost = error
                        let_go_at = self.clock.monotonic() + ARRIVED_SECONDS
                yield receipt
        finally:
            if lost is None:
                self.redriven += self._let_go(arrived)
        if lost is not None:
            raise lost

    def settle(self, copy: Callable[[Sequence[Message]], Iterable[Receipt]]) -> None:
        """Put back what is held, and count what has arrived since.

        What would not survive that is sent to its own queue by `copy`, and acknowledged when the
        copy has arrived. Without a limit the end of the connection puts it back: in its place,
        where a nack would put it at the end (measured: quorum queues of 3.10.8).
        """
        self._is_settled = True
        with self._reading:  # a round that is on its way is held first
            new = self.reader.waiting() - (self.at_start - self.taken)
        self.arrived_since = max(0, new) + self._came_back
        last = [token for token, each in self.held.items() if self._is_last(each)]
        for receipt in copy([_back(self.queue, self.held[token], token) for token in last]):
            if receipt.outcome is Outcome.CONFIRMED:
                self._let_go([receipt.position])
            else:
                self.unreturned += 1
        if self.limit is not None:
            self.reader.give_back([token for token in self.held if token not in last])
            self.reader.waiting()  # its answer comes after all of that

    def _let_go(self, tokens: list[int]) -> int:
        """Acknowledge what has arrived elsewhere; return how many those are."""
        self.reader.acknowledge(tokens)
        self._bytes_let_go += sum(len(self.held.pop(token).body) for token in tokens)
        return len(tokens)

    def _deliveries(self) -> Iterator[Delivery]:
        """Take what was there at the start, in rounds that grow from one."""
        until = self.clock.monotonic() + self.bounds.seconds
        size = largest = 1
        while (left := self.at_start - self.taken) > 0 and not self._is_at_bound(until):
            is_first = not self.taken
            taken = self._taken(min(size, left))
            has_last = any(map(self._is_last, taken))
            if is_first and has_last and self.returns and not self.spends:
                what = f"its messages have no delivery left of the {self.limit:,} that each has"
                hint = "--spend-deliveries goes on: what stays is copied to the queue's end"
                raise UsageError(what, self.queue, hint=hint)
            for each in taken:
                if self._is_late(until):
                    return
                if not self._has_come_back(each):
                    yield each
            if not taken:
                return
            largest = max(largest, *(len(each.body) for each in taken))
            most = LAST_ROUND if has_last else ROUND
            size = max(1, min(size * 4, most, ROUND_BYTES // largest))

    def _taken(self, most: int) -> list[Delivery]:
        """Take a round, and hold it; none once all is settled, or where others have the rest."""
        with self._reading:
            if self._is_settled:
                return []
            taken = self.reader.take(most, is_whole=self.limit is not None)
            if not taken:  # others have the rest, or are to get it
                self.bound = "nothing more comes to us" if self.reader.waiting() else ""
            self.held |= {each.token: each for each in taken}
            self._bytes_taken += sum(len(each.body) for each in taken)
            came_back = sum(map(self._has_come_back, taken))
            self._came_back += came_back
            self.taken += len(taken) - came_back
        return taken

    def _is_at_bound(self, until: float) -> bool:
        most = self.bounds
        if len(self.held) >= most.messages:
            self.is_full, self.bound = True, f"{most.messages:,} messages are held"
        elif self._bytes_taken - self._bytes_let_go >= most.size:
            self.is_full, self.bound = True, f"{most.size >> 20} MiB are held"
        return self.is_full or self._is_late(until)

    def _is_late(self, until: float) -> bool:
        if self.clock.monotonic() >= until:
            self.bound = f"{self.bounds.seconds / 60:.0f} minutes have passed"
        return bool(self.bound)

    def _has_come_back(self, delivery: Delivery) -> bool:
        """Return whether this run has sent it; a queue of priorities gives it before the rest."""
        return delivery.headers.get(REPLAY_HEADER) == self.replay.name

    def _is_last(self, delivery: Delivery) -> bool:
        """Return whether a message would be dropped, or die again, if it were put back."""
        return self.limit is not None and delivery.deliveries >= self.limit


def _back(queue: str, delivery: Delivery, position: int) -> Message:
    """Make a copy of a delivery for the queue that it came from."""
    return Message(
        position,
        *(queue, position, None, queue, delivery.message_id or ""),
        body=delivery.body,
        properties={
            name: value
            for name, value in delivery.properties.items()
            if name not in {"user_id", "message_id"}  # another's login is refused
        },
        headers={
            name: value
            for name, value in delivery.headers.items()
            if name not in {"x-delivery-count", *SENDERS_COPIES}  # nobody else gets it again
        },
        exchange=DEFAULT_EXCHANGE,
    )
