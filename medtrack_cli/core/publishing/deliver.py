"""Send messages and account for every event, whatever happens. Shared by publish and replay."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Publisher, Stop
from medtrack_cli.errors import ExitCode, MedtrackError

Outgoing = Iterable[Message | Receipt]
"""What is to be sent, in between receipts already settled (invalid events)."""


def deliver(
    publisher: Publisher, outgoing: Outgoing, read_again: Callable[[], Outgoing] | None, stop: Stop
) -> Iterator[Receipt]:
    """Connect, send, and yield a receipt for each event; then raise what ended the run early.

    `read_again` gives everything from the start, when the input can be read twice: what the run
    didn't reach is then reported unsent. Even a bug is raised only when all is accounted for. What
    fails after a requested stop is not raised.
    """
    last = 0
    is_whole = False

    def watched() -> Iterator[Message | Receipt]:
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
    """Name what ended a run, or kept a message from being made.

    A bug's own text may contain data.
    """
    return error.what if isinstance(error, MedtrackError) else f"a bug: {type(error).__name__}"


def unsent(outgoing: Outgoing, *, reason: str, after: int = 0) -> Iterator[Receipt]:
    """Give every event after position `after` its receipt: settled already, or unsent and why."""
    for each in outgoing:
        if each.position > after:
            yield each if isinstance(each, Receipt) else each.receipt(Outcome.UNSENT, reason)


GOT_OUT = frozenset({Outcome.CONFIRMED, Outcome.UNROUTABLE, Outcome.UNKNOWN})
"""The outcomes of an event that reached the broker, or may have."""


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
        """Count the events of each outcome that occurred."""
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
