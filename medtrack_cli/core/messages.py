"""What is sent, and the verdict on it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Outcome(StrEnum):
    """The verdict on one event of the input. Every event gets exactly one."""

    CONFIRMED = "confirmed"  # the broker has taken responsibility for it
    UNROUTABLE = "unroutable"  # returned: no queue wanted it
    REFUSED = "refused"  # the broker said no
    UNKNOWN = "unknown"  # sent, and no answer came
    INVALID = "invalid"  # never sent: it has findings
    UNSENT = "unsent"  # never sent: the run ended before its turn


class Message(NamedTuple):
    """An event ready to be sent.

    `index` counts the input's events from 1. `message_id` is fixed before the first try, so
    that every copy of the event carries the same. `properties` and `headers` are as in
    Delivery; None stands for a persistent JSON message with nothing but its id.
    """

    index: int
    file: str
    line: int
    event_type: str | None
    routing_key: str
    message_id: str
    body: bytes
    properties: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = None

    def receipt(self, outcome: Outcome, reason: str = "") -> "Receipt":
        return Receipt(
            self.index, self.file, self.line, self.event_type, self.message_id, outcome, reason
        )


class Receipt(NamedTuple):
    """The verdict on one event; `reason` is empty when it was confirmed at the first try."""

    index: int
    file: str
    line: int
    event_type: str | None
    message_id: str | None
    outcome: Outcome
    reason: str = ""
