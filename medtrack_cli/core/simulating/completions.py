"""The end of a placement, as MedTrack emits it: stage.completed, with an id that never changes."""

from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from medtrack_cli.core.messages import Message
from medtrack_cli.core.times import rfc3339
from medtrack_cli.core.validating.examine import compact

EVENT_TYPE = "stage.completed"
_NAMESPACE = uuid5(NAMESPACE_URL, "medtrack:simulated:stage.completed")


class Completion(NamedTuple):
    """A stage.completed in the outbox; `sent_at` None: not confirmed yet."""

    stage_id: str
    student_id: str
    message_id: str
    body: bytes
    made_at: str
    sent_at: str | None = None

    def message(self, position: int = 1) -> Message:
        """Give what is sent, always the same."""
        place = ("outbox", position, EVENT_TYPE, EVENT_TYPE, self.message_id)
        return Message(position, *place, body=self.body)


def completion(stage_id: str, student_id: str, now: datetime) -> Completion:
    """Make the event of a stage that ends now."""
    event = {
        "event_type": EVENT_TYPE,
        "payload": {
            "student_id": student_id,
            "completion_date": now.date().isoformat(),
            "stage_id": stage_id,
        },
        "service": "medtrack-simulated",
        "timestamp": rfc3339(now),
        "version": "1.0",
    }
    message_id = str(uuid5(_NAMESPACE, stage_id))
    return Completion(stage_id, student_id, message_id, compact(event), rfc3339(now))
