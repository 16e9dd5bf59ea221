"""A condition of `--where`: a delivery, by the names that an expression uses."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from medtrack_cli.core.record import body_value
from medtrack_cli.core.times import rfc3339

if TYPE_CHECKING:
    from medtrack_cli.core.checked import CheckedDelivery


class Answer(Enum):
    """A condition's answer about a delivery."""

    YES = auto()
    NO = auto()
    UNEVALUABLE = auto()  # it uses what this delivery lacks


Condition = Callable[[Mapping[str, Any]], Answer]
"""Decides by the `names` of a delivery whether it is wanted."""


def judge(seen: "CheckedDelivery", condition: Condition | None) -> Answer:
    """Ask a condition about a delivery; without one, all are wanted."""
    return Answer.YES if condition is None else condition(names(seen))


def names(seen: "CheckedDelivery") -> dict[str, Any]:
    """Give all that a condition can use; `event` is the body's value, None without JSON.

    Header values of AMQP's own types are numbers, bytes, and RFC 3339 texts for times.
    """
    delivery = seen.delivery
    return {
        "event": body_value(seen),
        "headers": _plain(delivery.headers),
        "properties": _plain(delivery.properties),
        "routing_key": delivery.routing_key,
        "exchange": delivery.exchange,
        "redelivered": delivery.redelivered,
        "valid": seen.is_valid,
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 -- AMQP's values; one return a type
    match value:
        case None | bool() | str() | bytes():
            return value
        case int():
            return int(value)
        case float() | Decimal():
            return float(value)
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case _:
            return [_plain(item) for item in value]
