"""A queue's dead letters: where they died, why and when."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from medtrack_cli.core.bounded import BoundedCounts
from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.dead_letters import Death
from medtrack_cli.core.times import rfc3339

MOST_CAUSES = 100
MOST_IDS = 3


class Cause(NamedTuple):
    """How dead letters are grouped."""

    queue: str
    reason: str
    event_type: str | None
    is_valid: bool


@dataclass(slots=True)
class Group:
    """The dead letters of one cause: how many, the times of death, and the first ids."""

    messages: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    ids: list[str] = field(default_factory=list)

    def add(self, death: Death, message_id: str | None) -> None:
        self.messages += 1
        if death.at is not None:
            self.oldest = min(self.oldest or death.at, death.at)
            self.newest = max(self.newest or death.at, death.at)
        if message_id is not None and len(self.ids) < MOST_IDS:
            self.ids.append(message_id)


class Deaths:
    """Dead letters by cause; causes beyond the first hundred are counted together."""

    def __init__(self) -> None:
        self._groups: BoundedCounts[Cause, Group] = BoundedCounts(MOST_CAUSES, Group)

    def add(self, death: Death, seen: CheckedDelivery) -> None:
        """Count one."""
        cause = Cause(death.queue, death.reason, seen.event_type, seen.is_valid)
        self._groups.of(cause).add(death, seen.delivery.message_id)

    def to_json(self) -> dict[str, Any]:
        """Give the groups, the largest first."""
        groups = sorted(self._groups.apart.items(), key=lambda pair: -pair[1].messages)
        return {
            "causes": [
                {
                    "queue": cause.queue,
                    "reason": cause.reason,
                    "event_type": cause.event_type,
                    "valid": cause.is_valid,
                    "messages": group.messages,
                    "oldest": group.oldest and rfc3339(group.oldest),
                    "newest": group.newest and rfc3339(group.newest),
                    "message_ids": group.ids,
                }
                for cause, group in groups
            ],
            "others": self._groups.others.messages,
        }
