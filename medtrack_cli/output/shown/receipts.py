"""Receipts of what was sent, and what a dry run would send."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.record import exact
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.findings import ShownFinding
from medtrack_cli.output.shown.shown import Record, Sheet

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
    is_data: bool = True

    def records(self) -> Iterator[Record]:
        receipt = self.receipt
        for found in receipt.findings:
            yield from ShownFinding(found).records()
        yield {
            "kind": Kind.RECEIPT,
            "index": receipt.position,
            "file": receipt.file,
            "line": receipt.line,
            "event_type": receipt.event_type,
            "routing_key": receipt.routing_key,
            "message_id": receipt.message_id,
            "outcome": receipt.outcome,
            "reason": receipt.reason,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        receipt = self.receipt
        if sheet.quiet and not sheet.verbose and receipt.outcome is Outcome.CONFIRMED:
            return
        for found in receipt.findings:
            yield from ShownFinding(found).lines(sheet)
        place = f"{safe_text(receipt.file)}:{receipt.line}"
        name = safe_text(receipt.event_type or "?")
        if receipt.routing_key not in {None, receipt.event_type}:
            name += f" as {safe_text(masked('routing_key', receipt.routing_key))}"
        outcome = sheet.style(f"{receipt.outcome:<10}", _COLOURS[receipt.outcome])
        reason = f" ({safe_text(receipt.reason)})" if receipt.reason else ""
        yield f"{outcome} {name:<18} {_id(receipt.message_id):<36} {place}{reason}"


class ShownMessage(NamedTuple):
    """One message that a dry run would send, and whom it would reach; None: can't be told."""

    message: Message
    queues: Sequence[str] | None
    is_data: bool = True

    def records(self) -> Iterator[Record]:
        message = self.message
        yield {
            "kind": Kind.MESSAGE,
            "index": message.position,
            "file": message.file,
            "line": message.line,
            "routing_key": message.routing_key,
            "message_id": message.message_id,
            **exact(message.body),
            "queues": self.queues,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:  # noqa: ARG002 -- alike on any
        message = self.message
        place = f"{safe_text(message.file)}:{message.line}"
        size = f"{len(message.body):,} bytes"
        name = safe_text(masked("routing_key", message.routing_key))
        yield f"would send {name:<18} {_id(message.message_id)} {size:>12} {place}"
        if self.queues is not None:
            reached = ", ".join(map(safe_text, self.queues)) or "no queue: not delivered"
            yield f"           to {reached}"


def _id(message_id: str | None) -> str:
    return safe_text(masked("message_id", message_id)) if message_id else "-"
