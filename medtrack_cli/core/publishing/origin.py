"""Where a recording was made, by its header: whose events are replayed, and to what target."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class Origin(NamedTuple):
    """A broker (host:port, several joined by ", "; no login), its exchange, and the recorder.

    A replay's target is one, too: `is_same_place` compares the two.
    """

    broker: str
    vhost: str
    exchange: str
    is_protected: bool = False
    is_pseudonymized: bool = False  # what is recorded there; never of a target

    @classmethod
    def read(cls, header: Mapping[str, Any]) -> Self | None:
        """Read it from a recording's header; None if it isn't there, as in older ones."""
        match header:
            case {
                "broker": str(broker),
                "vhost": str(vhost),
                "exchange": str(exchange),
                "protected": bool(protected),
            }:
                is_pseudonymized = header.get("pseudonymized") is True
                return cls(broker, vhost, exchange, protected, is_pseudonymized)
        return None

    def to_header(self) -> dict[str, object]:
        told: dict[str, object] = {
            "broker": self.broker,
            "vhost": self.vhost,
            "exchange": self.exchange,
            "protected": self.is_protected,
        }
        return told | ({"pseudonymized": True} if self.is_pseudonymized else {})

    def is_same_place(self, other: Self) -> bool:
        """Return whether both are one exchange of one broker, as far as names tell."""
        ours, theirs = ((each.vhost, each.exchange) for each in (self, other))
        return ours == theirs and self.is_same_broker(other)

    def is_same_broker(self, other: Self) -> bool:
        """Return whether both are one broker, whatever the exchange."""
        brokers, others = ({*each.broker.split(", ")} for each in (self, other))
        return not brokers.isdisjoint(others)
