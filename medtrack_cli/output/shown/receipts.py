"""Receipts of what was sent, and the messages a dry run would send."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.record import exact
from medtrack_cli.output.masking import masked, masked_id
from medtrack_cli.output.printer import Group
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.findings import ShownFinding
from medtrack_cli.output.shown.shown import Record, Sheet, picked
from medtrack_cli.output.wrapping import columns, cut_left, wrapped

_VERB = 11  # columns for a verdict
_LEAST_PLACE = 12

_COLOURS = {
    Outcome.CONFIRMED: "green",
    Outcome.INVALID: "red",
    Outcome.REFUSED: "red",
    Outcome.UNROUTABLE: "yellow",
    Outcome.UNKNOWN: "yellow",
    Outcome.UNSENT: "dim",
}


class ShownReceipt(NamedTuple):
    """The verdict on one event, after its findings."""

    receipt: Receipt

    def records(self) -> Iterator[Record]:
        receipt = self.receipt
        for found in receipt.findings:
            yield from ShownFinding(found).records()
        yield {
            "kind": Kind.RECEIPT,
            "index": receipt.position,
            **picked(receipt, "file", "line", "event_type", "routing_key", "message_id"),
            **picked(receipt, "outcome", "reason"),
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        receipt = self.receipt
        if sheet.quiet and not sheet.verbose and receipt.outcome is Outcome.CONFIRMED:
            return
        for found in receipt.findings:
            yield from ShownFinding(found).lines(sheet)
        name = safe_text(receipt.event_type or "?")
        if receipt.is_to_queue:
            name += " to queue " + safe_text(receipt.routing_key or "")
        elif receipt.routing_key not in {None, receipt.event_type}:
            name += f" as {safe_text(masked('routing_key', receipt.routing_key))}"
        outcome = sheet.style(f"{receipt.outcome:<10}", _COLOURS[receipt.outcome])
        reason = f" ({safe_text(receipt.reason)})" if receipt.reason else ""
        line = f"{name:<18} {_id(receipt.message_id, sheet)}"
        yield from _placed(outcome, line, receipt.file, receipt.line, reason, sheet)


def group_of(receipt: Receipt) -> Group:
    """Count what isn't listed by verdict and event type."""
    return receipt.outcome, receipt.event_type or "?"


class ShownMessage(NamedTuple):
    """A message that a dry run would send, and the queues it would reach; None: unknown."""

    message: Message
    queues: Sequence[str] | None

    def records(self) -> Iterator[Record]:
        message = self.message
        yield {
            "kind": Kind.MESSAGE,
            "index": message.position,
            **picked(message, "file", "line", "routing_key", "message_id"),
            **exact(message.body),
            "queues": self.queues,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        message = self.message
        size = f"{len(message.body):,} bytes"
        key = message.event_type or "?" if message.is_to_queue else message.routing_key
        name = safe_text(masked("routing_key", key))
        line = f"{name:<18} {_id(message.message_id, sheet)} {size:>12}"
        yield from _placed("would send", line, message.file, message.line, "", sheet)
        if self.queues is not None:
            reached = ", ".join(map(safe_text, self.queues)) or "no queue: not delivered"
            yield from wrapped(f"to {reached}", sheet.room, " " * _VERB, " " * (_VERB + 3))


def _id(message_id: str | None, sheet: Sheet) -> str:
    return "-" if message_id is None else masked_id(message_id, sheet.shorten)


def _placed(  # noqa: PLR0913, PLR0917 -- the parts of a line
    verb: str, rest: str, file: str, number: int, reason: str, sheet: Sheet
) -> Iterator[str]:
    """Put a place at the end of a line, then the reason, there or on lines of its own."""
    used = _VERB + columns(rest) + 2
    left = None if sheet.room is None else max(sheet.room - used, _LEAST_PLACE)
    place = cut_left(f"{safe_text(file)}:{number}", left)
    line = f"{verb} {rest} {place}"
    if left is None or columns(place) + columns(reason) <= left:
        yield line + reason
        return
    yield line
    if reason:
        yield from wrapped(reason.strip(), sheet.room, " " * _VERB, " " * (_VERB + 1))
