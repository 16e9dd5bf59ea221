"""A sending job, which publish and replay share: made, checked, delivered, accounted for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Publisher, Stop
from medtrack_cli.core.publishing.deliver import Tally, deliver, unsent
from medtrack_cli.core.publishing.pacing import Paced

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.outline import Outline

Outgoing = Message | Receipt
"""What is to be sent, or the receipt of an invalid event, which isn't."""

MOST_KEPT, MOST_KEPT_BYTES = 100_000, 64 * 2**20
"""Events held in memory, and their bodies: even a small file may contain very many tiny ones."""

SKIPPED = "skipped"
"""Counts valid events for which a check made no message."""


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
        if self._kept is None:
            omitted = Counter(self.known[1]) if self.known else self.tally.omitted
            yield from self._left(self.make(Pass.SEND, omitted))
        else:
            self.refuse_changes()
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
