"""Which of the recorded deliveries a replay sends, and why each of the others is left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.choices import Invalid
from medtrack_cli.core.conditions import Answer, Condition, judge
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.record import body_value
from medtrack_cli.core.times import EVER, TimeRange
from medtrack_cli.core.topics import key_matches


class LeftOut(StrEnum):
    """The condition that a delivery doesn't meet: the name it is counted by."""

    TIME = "left_out_time"
    KEY = "left_out_key"
    EXCLUDED = "left_out_exclude_key"
    TYPE = "left_out_type"
    SERVICE = "left_out_service"
    ID = "left_out_id"
    WHERE = "left_out_where"
    UNEVALUABLE = "unevaluable"  # --where uses what this delivery lacks
    INVALID = "invalid_skipped"
    LIMIT = "left_out_limit"


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions that a delivery must all meet; an empty one accepts everything."""

    window: TimeRange = EVER
    keys: tuple[str, ...] = ()  # topic patterns, of the key it was first published with
    excluded_keys: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()  # of the message, or of what its payload is about
    condition: Condition | None = None
    limit: int | None = None  # the first N that meet all others
    invalid: Invalid = Invalid.SEND

    def refuses_unread(self, delivery: Delivery) -> LeftOut | None:
        """Name the first unmet condition that doesn't need the body."""
        if not self.window.holds(delivery.received_at):
            return LeftOut.TIME
        if self.keys or self.excluded_keys:
            key = delivery.published_key
            if self.keys and not any(key_matches(each, key) for each in self.keys):
                return LeftOut.KEY
            if any(key_matches(each, key) for each in self.excluded_keys):
                return LeftOut.EXCLUDED
        return None

    def refuses(self, seen: CheckedDelivery) -> LeftOut | None:
        """Name the first of the other conditions that isn't met, except `limit`."""
        if self.types and seen.event_type not in self.types:
            return LeftOut.TYPE
        if self.services and _service(seen) not in self.services:
            return LeftOut.SERVICE
        if self.ids and not any(each in self.ids for each in ids_of(seen)):
            return LeftOut.ID
        answer = judge(seen, self.condition)
        if answer is not Answer.YES:
            return LeftOut.UNEVALUABLE if answer is Answer.UNEVALUABLE else LeftOut.WHERE
        if not seen.is_valid and self.invalid is Invalid.SKIP:
            return LeftOut.INVALID
        return None


EVERYTHING = Selection()


def ids_of(seen: CheckedDelivery) -> Iterator[str]:
    """Give the ids by which an event can be selected: the message's, and those of its payload."""
    if seen.delivery.message_id is not None:
        yield seen.delivery.message_id
    event = body_value(seen)
    payload = event.get("payload") if isinstance(event, dict) else None
    for name, value in payload.items() if isinstance(payload, dict) else ():
        if isinstance(value, str) and (name == "id" or name.endswith("_id")):
            yield value


def _service(seen: CheckedDelivery) -> object:
    event = body_value(seen)
    return event.get("service") if isinstance(event, dict) else None
