"""An event as tests see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.record import body_value


@dataclass(frozen=True, slots=True)
class Event:
    """An event that was received or published, and what its check says.

    `event_type` and `payload` are empty where the body has none. `findings` say what is wrong,
    without any value. The repr shows no person's data.
    """

    event_type: str
    payload: Mapping[str, Any] = field(repr=False)
    is_valid: bool
    findings: tuple[str, ...]
    message_id: str | None
    routing_key: str
    headers: Mapping[str, Any] = field(repr=False)
    value: Any = field(repr=False)  # the whole body's JSON; None where it is none
    body: bytes = field(repr=False)  # as it was on the wire


def event_of(seen: CheckedDelivery) -> Event:
    """Make one of a delivery."""
    delivery, value = seen.delivery, body_value(seen)
    payload = value.get("payload") if isinstance(value, dict) else None
    return Event(
        event_type=seen.event_type or "",
        payload=payload if isinstance(payload, dict) else {},
        is_valid=seen.is_valid,
        findings=tuple(f"{each.pointer}: {each.message}" for each in seen.problems),
        message_id=delivery.message_id,
        routing_key=delivery.routing_key,
        headers=delivery.headers,
        value=value,
        body=delivery.body,
    )
