"""The oracle for publishing: what the receipts say against what a witness queue holds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from medtrack_cli.core.messages import Outcome, Receipt
from tests.broker.witness import Held
from tests.cli.tool import Ran

WINDOW = 500


class Told(NamedTuple):
    """What one receipt says, wherever it was read."""

    position: int
    message_id: str | None
    outcome: str


class Verdict(NamedTuple):
    """What an honest run has come to."""

    outcomes: Counter[str]
    duplicates: int


def told(receipts: Iterable[Receipt]) -> list[Told]:
    """Read the publisher's own receipts."""
    return [Told(each.position, each.message_id, each.outcome.value) for each in receipts]


def told_by(ran: Ran) -> list[Told]:
    """Read the receipts that the tool has printed."""
    receipts = ran.of_kind("receipt")
    return [Told(each["index"], each["message_id"], each["outcome"]) for each in receipts]


def verdict(
    receipts: Sequence[Told],
    drained: Sequence[Held],
    sent: Sequence[bytes],
    *,
    losses: int = 0,
    refused_elsewhere: bool = False,
) -> Verdict:
    """Hold the receipts for bodies `sent` against all that the witness queue held.

    After Jepsen's total-queue: confirmed and not there, or there and not sent, is never; there
    twice is at most a window for each of the `losses`, with the same id; the first copies are in
    order. `refused_elsewhere`: another queue may have refused what the witness took.
    """
    assert sorted(each.position for each in receipts) == list(range(1, len(sent) + 1))
    by_id = {each.message_id: each for each in receipts if each.message_id}
    assert len(by_id) == sum(each.message_id is not None for each in receipts), "an id twice"

    for held in drained:
        assert held.message_id in by_id, f"there and not sent: {held.message_id}"
        assert held.body == sent[by_id[held.message_id].position - 1], "another body than sent"
    copies = Counter(held.message_id for held in drained)
    confirmed = {each.message_id for each in receipts if each.outcome == Outcome.CONFIRMED}
    assert confirmed <= set(copies), f"{len(confirmed - set(copies))} confirmed and not there"

    may_be_there = {Outcome.CONFIRMED, Outcome.UNKNOWN}
    if refused_elsewhere:
        may_be_there.add(Outcome.REFUSED)
    denied = [each for each in copies if by_id[each].outcome not in may_be_there]
    assert denied == [], f"there, though said not to be: {by_id[denied[0]]}"

    duplicates = copies.total() - len(copies)
    assert duplicates <= WINDOW * losses
    if not refused_elsewhere:
        firsts = [by_id[each].position for each in copies]  # in the order of their first copies
        assert firsts == sorted(firsts), "out of order"
    return Verdict(Counter(each.outcome for each in receipts), duplicates)


def judged(ran: Ran, drained: Sequence[Held], sent: Sequence[bytes], **limits: Any) -> Counter[str]:
    """Judge a run of the tool, its summary and exit code included; give its numbers."""
    assert "Traceback" not in ran.err
    outcomes, duplicates = verdict(told_by(ran), drained, [each.strip() for each in sent], **limits)
    summary = ran.summary
    assert {each: summary[each] for each in Outcome} == {each: outcomes[each] for each in Outcome}
    assert summary["total"] == len(sent) == outcomes.total()
    assert summary["exit_code"] == ran.code
    assert (ran.code == 0) is (outcomes[Outcome.CONFIRMED] == len(sent))
    return outcomes + Counter(duplicates=duplicates)
