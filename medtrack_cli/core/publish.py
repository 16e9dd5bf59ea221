"""Publish events: examine, send, count."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha1
from uuid import UUID

from medtrack_cli.core.inputs import Item
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Note, Publisher
from medtrack_cli.core.validate import NOTHING_TO_ADD, Completion, Examined, examine
from medtrack_cli.errors import ExitCode, MedtrackError

Read = Callable[[], Iterable[Item]]
"""Read the input from its start."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make of the input. `run` makes the message ids: the same run, the same ids."""

    run: UUID
    completion: Completion = NOTHING_TO_ADD
    keep_going: bool = False


def messages(
    items: Iterable[Item], plan: Plan, note: Note | None = None
) -> Iterator[Message | Receipt]:
    """Make each event of the input a message, or the receipt that says it is invalid.

    Ends after the first invalid one unless `keep_going`. `note` is told what was filled in.
    """
    identify = message_ids(plan.run)
    examined = examine(items, plan.completion, publishing=True)
    for index, event in enumerate(examined, 1):
        if event.is_valid and event.body is not None:
            if note and event.filled:
                place = f"{event.item.file}:{event.item.line}"
                note(f"{place}: filled in {', '.join(event.filled)}")
            yield _message(index, event, identify(index))
            continue
        yield _invalid(index, event)
        if not plan.keep_going:
            return


def _message(index: int, event: Examined, message_id: str) -> Message:
    item = event.item
    return Message(
        index=index,
        file=item.file,
        line=item.line,
        event_type=event.event_type,
        routing_key=event.event_type or "",
        message_id=message_id,
        body=event.body or b"",
        findings=event.findings,
    )


def _invalid(index: int, event: Examined) -> Receipt:
    errors = sum(finding.is_error for finding in event.findings)
    reason = f"{errors} finding{'s' if errors > 1 else ''}"
    item = event.item
    return Receipt(
        index, item.file, item.line, event.event_type, None, Outcome.INVALID, reason, event.findings
    )


def message_ids(run: UUID) -> Callable[[int], str]:
    """Make the message id of each position in a run: its UUIDv5, by RFC 9562."""
    prefix = sha1(run.bytes, usedforsecurity=False)

    def identify(index: int) -> str:
        digest = prefix.copy()
        digest.update(b"%d" % index)
        text = digest.hexdigest()
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"

    return identify


def first_invalid(read: Read, plan: Plan) -> tuple[int, bool]:
    """Read the whole input once: how many events it holds, and whether one is invalid."""
    count = 0
    is_bad = False
    for count, event in enumerate(examine(read(), plan.completion, publishing=True), 1):  # noqa: B007
        is_bad = is_bad or not event.is_valid
    return count, is_bad


def unsent(read: Read, plan: Plan, *, after: int, reason: str) -> Iterator[Receipt]:
    """Give every event behind position `after` its receipt: invalid, or not sent and why."""
    everything = Plan(plan.run, plan.completion, keep_going=True)
    for entry in messages(read(), everything):
        if entry.index > after:
            is_invalid = isinstance(entry, Receipt)
            yield entry if is_invalid else entry.receipt(Outcome.UNSENT, reason)


def publish(
    publisher: Publisher,
    read: Read,
    plan: Plan,
    *,
    rereadable: bool,
    stage: Callable[[Iterator[Message | Receipt]], Iterator[Message | Receipt]] = iter,
    note: Note | None = None,
) -> Iterator[Receipt]:
    """Send the input; every event of it gets one receipt, whatever happens.

    `stage` may hold messages back, to pace them. What the run didn't come to is read again
    where that can be done, and reported unsent.
    """
    last = 0
    reason = "the run was stopped"
    failure: MedtrackError | None = None
    try:
        for receipt in publisher.publish(stage(messages(read(), plan, note))):
            last = max(last, receipt.index)
            yield receipt
    except MedtrackError as error:
        failure, reason = error, error.what
    if rereadable:
        yield from unsent(read, plan, after=last, reason=reason)
    if failure is not None:
        raise failure


class Tally:
    """Counts receipts; its numbers add up to the events of the input."""

    def __init__(self, *, unroutable_is_done: bool = False) -> None:
        self._counts: Counter[Outcome] = Counter()
        self._done = {Outcome.CONFIRMED} | ({Outcome.UNROUTABLE} if unroutable_is_done else set())

    def add(self, receipt: Receipt) -> None:
        self._counts[receipt.outcome] += 1

    @property
    def total(self) -> int:
        return self._counts.total()

    def __getitem__(self, outcome: Outcome) -> int:
        return self._counts[outcome]

    @property
    def exit_code(self) -> ExitCode:
        """0 if and only if every event is done."""
        is_done = sum(self._counts[each] for each in self._done) == self.total
        return ExitCode.DONE if is_done else ExitCode.VERDICT_NO
