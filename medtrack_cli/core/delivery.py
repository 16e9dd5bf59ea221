"""A message received, as it was on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message received, byte for byte.

    `properties` holds those of AMQP's basic properties that were set, by their AMQP names,
    without `headers`, which stand apart. Values keep their AMQP types: int, bool, str, bytes,
    float, Decimal, aware datetime (whole seconds), list, dict, None.
    """

    received_at: datetime
    exchange: str
    routing_key: str
    redelivered: bool
    body: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message_id(self) -> str | None:
        return self.properties.get("message_id")
