"""Dry runs: what would be sent, and which queues it would reach."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.publishing.job import Tally
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.plans import ShownPlan, listed
from medtrack_cli.output.shown.receipts import ShownMessage, ShownReceipt, group_of
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.outline import Outline


def rehearse(
    runtime: Runtime,
    outgoing: Iterable[Message | Receipt],
    omitted: Mapping[str, int],
    timeout: float | None = None,
    *,
    outline: "Outline | None" = None,
    opened: AbstractContextManager[object] | None = None,
    ended: Callable[[], int] = lambda: ExitCode.DONE,
) -> int:
    """Print what would be sent, and the queues it would reach; what is invalid, its findings.

    `omitted` counts what is no part of `outgoing`, by reason; read when that has been gone through.
    `opened` is where it comes from, and `ended` the exit code that its end calls for. The queues
    are asked for no longer than the `timeout`. Where there is an `outline`, people are shown that,
    filled, in the place of each message.
    """
    from medtrack_cli.wiring import brokers

    printer, reach = runtime.printer, cache(lambda: brokers.reach(runtime, timeout))
    if outline is not None:
        outline.reach = lambda message: reach()(message)  # noqa: PLW0108 -- asked if there is one
        outline.left_out = omitted
    lists_all = outline is None or runtime.output == "json"
    sendable = undelivered = invalid_sent = 0
    tally = Tally()
    with opened or nullcontext():
        for each in outgoing:
            if isinstance(each, Receipt):
                tally.add(each)
                printer.show(ShownReceipt(each), group_of(each))
                continue
            queues = reach()(each)
            sendable += 1
            invalid_sent += not each.is_valid
            undelivered += queues == []
            if outline is not None:
                outline.add(each)
            if lists_all:
                printer.show(ShownMessage(each, queues))
    if outline is not None:
        printer.show(ShownPlan(outline.to_json()))
    left = {
        name: count for name, count in {**omitted, "invalid_sent": invalid_sent}.items() if count
    }
    code = ended() or (ExitCode.VERDICT_NO if tally[Outcome.INVALID] else ExitCode.DONE)
    return _sum_up(runtime, sendable, tally, left, undelivered=undelivered, code=code)


def _sum_up(
    runtime: Runtime,
    sendable: int,
    tally: Tally,
    left: Mapping[str, int],
    *,
    undelivered: int,
    code: int,
) -> int:
    total, invalid = sendable + tally.total, tally[Outcome.INVALID]
    numbers = {"total": total, "would_send": sendable, "invalid": invalid}
    sentence = "dry run: nothing would be sent"
    if total:
        sentence = f"dry run: would send {sendable:,} of {total:,}, nothing sent"
    if left:
        sentence += f"; besides: {listed(left)}"
    if undelivered:
        sentence += f"; {undelivered:,} would reach no queue"
    runtime.printer.summary(Kind.DRY_RUN, {**numbers, **left, "exit_code": code}, sentence)
    return code
