"""Items of an input, and a clock, for tests of the use cases."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from medtrack_cli.events.findings import At, Finding, Path, Span
from tests.builders import NOON


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
