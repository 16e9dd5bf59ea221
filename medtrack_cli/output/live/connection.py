"""The connection's story, as the live view tells it."""

from dataclasses import dataclass
from enum import Enum

from medtrack_cli.core.ports import Interrupted, Listening, Resumed


class Phase(Enum):
    """The state of the connection."""

    CONNECTING = "connecting"
    LISTENING = "listening"
    LOST = "interrupted"


@dataclass(slots=True)
class Connection:
    """The connection's story. Times are monotonic seconds."""

    since: float  # of the phase
    phase: Phase = Phase.CONNECTING
    ready_at: float | None = None  # the first time
    reason: str = ""  # of an interruption
    gaps: int = 0
    gap_seconds: float = 0.0

    def take(self, happening: Listening | Interrupted | Resumed, now: float) -> None:
        """Record what has just happened."""
        match happening:
            case Listening():
                self.phase, self.ready_at = Phase.LISTENING, now
            case Interrupted(_, reason):
                self.phase, self.reason = Phase.LOST, reason
                self.gaps += 1
            case Resumed(since, until, may_have_missed):
                self.phase = Phase.LISTENING
                if may_have_missed:
                    self.gap_seconds += (until - (since or until)).total_seconds()
                else:
                    self.gaps -= 1
        self.since = now
