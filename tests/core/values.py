"""Messages, deliveries and a clock for tests of the use cases."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message
from medtrack_cli.events.findings import At, Finding, Path, Span

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)


def message(position: int = 1, **changes: Any) -> Message:
    """Make a message; its id and body tell its position."""
    values: dict[str, Any] = {
        "position": position,
        "file": "events.ndjson",
        "line": position,
        "event_type": "student.deleted",
        "routing_key": "student.deleted",
        "message_id": f"id-{position}",
        "body": b'{"position":%d}' % position,
    }
    return Message(**values | changes)


def delivery(body: bytes = b"{}", **changes: Any) -> Delivery:
    """Make a delivery."""
    values: dict[str, Any] = {
        "received_at": NOON,
        "exchange": "medtrack.events",
        "routing_key": "student.created",
        "redelivered": False,
    }
    return Delivery(**values | {"body": body} | changes)


@dataclass(frozen=True)
class Read:
    """An item of an input, as a reader makes it."""

    body: bytes | None
    file: str = "events.ndjson"
    line: int = 1
    exact: bool = True
    findings: tuple[Finding, ...] = ()
    recorded: object | None = None

    def span(self, where: Path | int, at: At = At.VALUE) -> Span:  # noqa: ARG002 -- the port's names
        """Place everything at the line's start."""
        return Span(self.line, 1, 2)


@dataclass
class FakeClock:
    """Time that passes only in sleep."""

    moment: float = 1000.0
    naps: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.moment - 1000.0)

    def monotonic(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.naps.append(seconds)
        self.moment += seconds
