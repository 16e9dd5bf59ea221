"""Which texts of an event a search covers, and what names its publisher."""

from collections.abc import Iterator, Mapping
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.record import body_value
from medtrack_cli.output.masking import is_uuid

MAX_SEARCHED = 16 * 1024
"""Bytes of the largest body that is searched: a thousand of them must take no time."""


def searched(seen: CheckedDelivery) -> str:
    """Join all that isn't personal: key, type, service, ids, rules; in lower case."""
    return "\n".join(_words(seen)).lower()


def _words(seen: CheckedDelivery) -> Iterator[str]:
    delivery, event = seen.delivery, _event(seen)
    yield delivery.routing_key
    yield seen.event_type or ""
    yield service_in(event)
    yield delivery.message_id or ""
    for value in (delivery.properties.get("correlation_id"), delivery.headers.get("traceparent")):
        yield value if isinstance(value, str) else ""
    yield from (problem.rule for problem in seen.problems)
    yield from _ids(event)


def ids_of(seen: CheckedDelivery) -> Iterator[str]:
    """Give the ids in an event's payload."""
    return _ids(_event(seen))


def _ids(event: Mapping[str, Any]) -> Iterator[str]:
    payload = event.get("payload")
    for value in payload.values() if isinstance(payload, dict) else ():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and is_uuid(item):
                yield item


def service_of(seen: CheckedDelivery) -> str:
    """Name the service that published an event, as the event says; empty if it doesn't."""
    return service_in(_event(seen))


def service_in(event: Mapping[str, Any]) -> str:
    """Name the service that a parsed event says."""
    service = event.get("service")
    return service if isinstance(service, str) else ""


def _event(seen: CheckedDelivery) -> dict[str, Any]:
    value = body_value(seen) if len(seen.body) <= MAX_SEARCHED else None
    return value if isinstance(value, dict) else {}
