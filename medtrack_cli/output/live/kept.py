"""The last events, kept to be looked at again, and the texts of them that a search covers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.record import body_value
from medtrack_cli.output.masking import is_uuid

MOST, MOST_BYTES = 1_000, 64 * 1024 * 1024
"""The most events kept, and bytes of their bodies; one event is always kept."""

MAX_SEARCHED = 16 * 1024
"""Bytes of the largest body that is searched: a thousand of them must take no time."""


@dataclass(slots=True)
class Entry:
    """An event, with its number among all received."""

    number: int
    seen: CheckedDelivery
    _searched: str | None = field(default=None, init=False)

    def holds(self, query: str) -> bool:
        """Return whether a search matches; the query is in lower case."""
        if self._searched is None:
            self._searched = searched(self.seen)
        return query in self._searched


class Kept:
    """The last events within bounds. Those that are held stay; newer ones are kept beside them."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._held = 0  # the number of held events, from the first on
        self._bytes = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held(self) -> list[Entry]:
        return self._entries[: self._held]

    def add(self, entry: Entry) -> None:
        """Keep an event, dropping the oldest that aren't held to make room."""
        self._entries.append(entry)
        self._bytes += size_of(entry.seen)
        self._trim()

    def hold(self) -> None:
        """Keep what is here now until it is released."""
        self._held = self._held or len(self._entries)

    def release(self) -> None:
        """Drop what was held and is over the bounds."""
        self._held = 0
        self._trim()

    def _trim(self) -> None:
        spared = max(self._held, 1)
        going = self._held
        while len(self._entries) - self._held > MOST or (
            self._bytes > MOST_BYTES and len(self._entries) > spared
        ):
            self._bytes -= size_of(self._entries.pop(going).seen)


def size_of(seen: CheckedDelivery) -> int:
    """Count the bytes of a body, and of the compressed one that it came as."""
    came = seen.delivery.body
    return len(seen.body) + (0 if came is seen.body else len(came))


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
