"""A sending job, which publish and replay share: made, checked, delivered, accounted for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from medtrack_cli.core.messages import GOT_OUT, Message, Outcome, Receipt
from medtrack_cli.core.ports import Publisher, Stop
from medtrack_cli.core.publishing.pacing import Paced
from medtrack_cli.errors import ExitCode, MedtrackError

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.outline import Outline

Outgoing = Message | Receipt
"""What is to be sent, or the receipt of an invalid event, which isn't."""

MOST_KEPT, MOST_KEPT_BYTES = 100_000, 64 * 2**20
"""Events held in memory, and their bodies: even a small file may contain very many tiny ones."""

SKIPPED = "skipped"  # counts valid events for which a check made no message


class Pass(Enum):
    """Why events are read."""

    CHECK = auto()  # to know whether all may be sent; valid events may be skipped
    KEEP = auto()  # the same, and the messages made are sent
    SEND = auto()
    ACCOUNT = auto()  # to give each its receipt, whatever happened to the run


Make = Callable[[Pass, Counter[str]], Iterator[Outgoing]]
"""Makes a job's events anew, in order; counts what has no receipt, by reason."""


class Journal(Protocol):
    """Knows what earlier runs of a job have done, and records what this one does."""

    def left(self, outgoing: Iterable[Outgoing]) -> Iterator[Outgoing]:
        """Pass on what is not done."""

    def watch(
        self, receipts: Iterable[Receipt], is_done: Callable[[Receipt], bool], stop: Stop
    ) -> Iterator[Receipt]:
        """Pass receipts on, and record what is done."""


class Tally:
    """Counts receipts; its numbers add up to the events of the input."""

    def __init__(self, *, unroutable_is_done: bool = False) -> None:
        self.omitted: Counter[str] = Counter()  # events without a receipt, by reason
        self.lag = 0.0  # seconds by which the latest was behind the recorded pace
        self.unwanted = 0  # that no queue is bound to
        self.is_cut_short = False  # though every event has its receipt
        self._counts: Counter[Outcome] = Counter()
        self._done = {Outcome.CONFIRMED} | ({Outcome.UNROUTABLE} if unroutable_is_done else set())

    def is_done(self, receipt: Receipt) -> bool:
        """Return whether nothing is left to be done for an event."""
        return receipt.outcome in self._done

    def add(self, receipt: Receipt) -> None:
        self._counts[receipt.outcome] += 1
        self.unwanted += receipt.outcome is Outcome.UNROUTABLE and not receipt.is_to_queue
        if not receipt.was_valid and receipt.outcome in GOT_OUT:
            self.omitted["invalid_sent"] += 1

    def so_far(self, seconds: float, expected: int | None, in_flight: int) -> str:
        """Report a run's progress on one line."""
        rate = self.total / seconds if seconds else 0.0
        parts = [
            f"{self.total:,} of {expected:,} events" if expected else f"{self.total:,} events",
            f"{rate:,.0f}/s",
            *(f"{self._counts[each]:,} {each}" for each in Outcome if self._counts[each]),
            f"{in_flight:,} in flight",
        ]
        if expected and rate:
            parts.append(f"{(expected - self.total) / rate:,.0f} s left")
        return ", ".join(parts)

    def by_outcome(self) -> dict[str, int]:
        return {outcome.value: count for outcome, count in self._counts.items() if count}

    @property
    def total(self) -> int:
        return self._counts.total()

    def __getitem__(self, outcome: Outcome) -> int:
        return self._counts[outcome]

    @property
    def exit_code(self) -> ExitCode:
        """0 if and only if every event is done."""
        is_done = (
            not self.is_cut_short and sum(self._counts[each] for each in self._done) == self.total
        )
        return ExitCode.DONE if is_done else ExitCode.VERDICT_NO


@dataclass
class Job:
    """Events to be sent. `refuse_changes` raises when they differ from those that were checked.

    `is_small`: they may be held in memory after their check, and are made only once. `checked` is
    called with the result of the check: the number of events, and of others by reason; `known` is
    an earlier run's result, which makes the check unnecessary. `name` is the run's, or empty.
    `guard` may refuse an event by raising, before it is delayed; `last_touch` changes each when it
    is sent, after that. `opened` is the context they come from: entered before they are made, left
    when all is done. The check fills the `outline`. `gone` counts wanted events that were gone
    before they were checked; more may go until it ends; None: none can.
    """

    make: Make
    tally: Tally
    can_be_made_again: bool
    is_small: bool = False
    refuse_changes: Callable[[], None] = lambda: None
    journal: Journal | None = None
    guard: Callable[[Iterable[Outgoing]], Iterable[Outgoing]] = iter
    last_touch: Callable[[Iterable[Outgoing]], Iterable[Outgoing]] = iter
    opened: Callable[[Stop], AbstractContextManager[object]] | None = None
    outline: "Outline | None" = None
    checked: Callable[[int, Mapping[str, int]], None] = lambda _events, _omitted: None
    known: tuple[int, Mapping[str, int]] | None = None
    name: str = ""
    gone: Callable[[], int] | None = None
    is_refused: bool = False  # by `check`
    _made: int = 0
    _checked: Counter[str] = field(default_factory=Counter, repr=False)
    _kept: list[Outgoing] | None = field(default=None, repr=False)

    @property
    def events(self) -> int:
        """How many valid events the check has found so far."""
        return self.known[0] if self.known else self._made + self._checked[SKIPPED]

    def count_gone(self) -> None:
        """Count what was dropped while all else was sent: it has no receipt."""
        if self.gone is not None:
            before = 0 if self.known else self.gone()
            missing = self.events - self.tally.total - self.tally.omitted["done_before"]
            if gone := before + max(0, missing):
                self.tally.omitted["gone"] = gone

    def check(self) -> None:
        """Make everything once, before anything is sent: an invalid event refuses the job."""
        omitted = self._checked = Counter()
        kept: list[Outgoing] | None = [] if self.is_small else None
        size = 0
        outline = self.outline
        if outline is not None:
            outline.left_out = omitted
        for each in self.make(Pass.KEEP if self.is_small else Pass.CHECK, omitted):
            if outline is not None:
                outline.add(each)
            if isinstance(each, Receipt):
                self.is_refused = True
            else:
                self._made += 1
                size += len(each.body)
            if kept is not None:
                kept.append(each)
                kept = kept if len(kept) <= MOST_KEPT and size <= MOST_KEPT_BYTES else None
        if kept is not None and not self.is_refused:
            self._kept = kept
            self.tally.omitted.update(omitted)
        if not self.is_refused:
            self.checked(self.events, {name: omitted[name] for name in omitted if name != SKIPPED})

    def outgoing(self) -> Iterator[Outgoing]:
        """Give what is to be sent; on first use, compare it with what was checked."""
        self.refuse_changes()
        if self._kept is None:
            omitted = Counter(self.known[1]) if self.known else self.tally.omitted
            yield from self._left(self.make(Pass.SEND, omitted))
        else:
            yield from self._left(iter(self._kept))

    def everything(self) -> Iterator[Outgoing]:
        """Give all that needs a receipt: an invalid event doesn't end it."""
        kept = None if self._kept is None else iter(self._kept)
        return self._left(kept or self.make(Pass.ACCOUNT, Counter()))

    def _rest(self) -> Iterator[Outgoing]:
        """Give everything, and count what has no receipt in the whole input, not in a part."""
        if self._kept is not None:
            yield from self.everything()
            return
        omitted: Counter[str] = Counter()
        yield from self._left(self.make(Pass.ACCOUNT, omitted))
        self.tally.omitted |= omitted

    def unsent(self) -> Iterator[Receipt]:
        """Give every event its receipt when an invalid one prevents the sending of all."""
        everything = self._left(self.make(Pass.ACCOUNT, self.tally.omitted))
        return unsent(everything, reason="another event is invalid")

    def run(self, publisher: Publisher, stop: Stop, pace: Paced | None = None) -> Iterator[Receipt]:
        """Send, and yield every event's receipt; then raise what ended the run early."""
        outgoing = self.guard(self.outgoing())
        paced = pace(outgoing) if pace else outgoing
        again = self._rest if self.can_be_made_again else None
        receipts = deliver(publisher, self.last_touch(paced), again, stop)
        receipts = pace.watched(receipts) if pace else receipts
        return self.journal.watch(receipts, self.tally.is_done, stop) if self.journal else receipts

    def _left(self, outgoing: Iterator[Outgoing]) -> Iterator[Outgoing]:
        return self.journal.left(outgoing) if self.journal else outgoing


def deliver(
    publisher: Publisher,
    outgoing: Iterable[Outgoing],
    read_again: Callable[[], Iterable[Outgoing]] | None,
    stop: Stop,
) -> Iterator[Receipt]:
    """Connect, send, and yield a receipt for each event; then raise what ended the run early.

    `read_again` gives everything from the start, when the input can be read twice: what the run
    didn't reach is then reported unsent. Even a bug is raised only when all is accounted for. What
    fails after a requested stop is not raised.
    """
    last = 0
    is_whole = False

    def watched() -> Iterator[Outgoing]:
        nonlocal is_whole
        each = None
        for each in outgoing:
            yield each
        is_whole = not isinstance(each, Receipt)  # an invalid event may have ended the run

    reason = "the run was stopped"
    failure: Exception | None = None
    try:
        with publisher:
            for receipt in publisher.publish(watched()):
                last = max(last, receipt.position)
                yield receipt
    except Exception as error:  # noqa: BLE001 -- raised when all is accounted for
        failure, reason = error, why(error)
    is_stopped = stop.is_requested
    if read_again and not is_whole:
        try:
            yield from unsent(read_again(), after=last, reason=reason)
        except Exception as error:  # noqa: BLE001 -- such as a file that changed meanwhile
            failure = failure or error
    if failure is not None and not is_stopped:
        raise failure


def why(error: Exception) -> str:
    """Name what ended a run or kept a message from being made; a bug's text may contain data."""
    return error.what if isinstance(error, MedtrackError) else f"a bug: {type(error).__name__}"


def unsent(outgoing: Iterable[Outgoing], *, reason: str, after: int = 0) -> Iterator[Receipt]:
    """Give every event after position `after` its receipt: settled already, or unsent and why."""
    for each in outgoing:
        if each.position > after:
            yield each if isinstance(each, Receipt) else each.receipt(Outcome.UNSENT, reason)
