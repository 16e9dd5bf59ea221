"""The last events, kept to be looked at again: which are shown, and which a search finds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.output.live.controls import Around, Controls, Pane, nearest, pressed
from medtrack_cli.output.live.statistics import Statistics, event_of, service_of
from medtrack_cli.output.masking import is_uuid

MOST, MOST_BYTES = 1_000, 64 * 1024 * 1024
"""The most events kept, and bytes of their bodies; one event is always kept."""


@dataclass(slots=True)
class Entry:
    """An event, with its number among all received."""

    number: int
    seen: CheckedDelivery
    _searched: str | None = field(default=None, init=False)

    def holds(self, query: str) -> bool:
        """Return whether a search matches; the query is in lower case."""
        if self._searched is None:
            self._searched = "\n".join(_words(self.seen)).lower()
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


def _words(seen: CheckedDelivery) -> Iterator[str]:
    """Give all that isn't personal: key, type, service, ids, rules."""
    delivery, event = seen.delivery, event_of(seen)
    yield delivery.routing_key
    yield seen.event_type or ""
    yield service_of(event)
    yield delivery.message_id or ""
    for value in (delivery.properties.get("correlation_id"), delivery.headers.get("traceparent")):
        yield value if isinstance(value, str) else ""
    yield from (problem.rule for problem in seen.problems)
    yield from ids_of(event)


def ids_of(event: Mapping[str, Any]) -> Iterator[str]:
    """Give the ids in an event's payload."""
    payload = event.get("payload")
    for value in payload.values() if isinstance(payload, dict) else ():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and is_uuid(item):
                yield item


class History:
    """Keeps the last events, and holds those that are looked at."""

    def __init__(self, statistics: Statistics, *, has_bodies: bool) -> None:
        self.controls = Controls(has_bodies=has_bodies)
        self._statistics = statistics
        self._kept = Kept()
        self._held_at = 0  # how many had been received when the log was held

    @property
    def held(self) -> list[Entry]:
        return self._kept.held

    @property
    def shown(self) -> list[Entry]:
        """List what is held and passes the filter."""
        return [entry for entry in self._kept.held if self.controls.wants(entry.seen)]

    @property
    def kept(self) -> list[CheckedDelivery]:
        """List all that is kept, held or not."""
        return [entry.seen for entry in self._kept]

    @property
    def missing(self) -> int:
        """Count what came between the held events and the newer ones, and is no longer kept."""
        numbers = [entry.number for entry in self._kept]
        return numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0

    @property
    def selected(self) -> CheckedDelivery | None:
        shown = self.shown if self.controls.pane is Pane.LIST else self.held
        if not self.controls.selected or not shown:
            return None
        return shown[nearest([entry.number for entry in shown], self.controls.selected)].seen

    @property
    def whole(self) -> CheckedDelivery | None:
        """Give the event that is open, if it is still held."""
        number = self.controls.selected
        return next((entry.seen for entry in self.held if entry.number == number), None)

    @property
    def new(self) -> int:
        """Count what came since the log is held."""
        return self._statistics.received - self._held_at

    def take(self, seen: CheckedDelivery) -> bool:
        """Keep what was received last, and return whether it passes the filter."""
        entry = Entry(self._statistics.received, seen)
        self._kept.add(entry)
        seen.line = ""  # made again when wanted: a kept event takes no more memory than its body
        if self.controls.query:
            self._statistics.found += entry.holds(self.controls.query)
        return self.controls.wants(seen)

    def press(self, key: str, page: int, lines: int) -> None:
        """Do what a key means; `page` and `lines` count the rows of a page and of what is open."""
        before = self.controls
        if before.pane is None:
            self._kept.hold()
        self.controls = after = pressed(before, key, self._around(page, lines))
        if after.pane is None:
            self._kept.release()
        elif before.pane is None:
            self._held_at = self._statistics.received
        if after.query != before.query:
            found = sum(entry.holds(after.query) for entry in self._kept) if after.query else 0
            self._statistics.found = found

    def _around(self, page: int, lines: int) -> Around:
        shown = self.shown
        return Around(
            list(self._statistics.by_type.apart),
            [entry.number for entry in shown],
            lambda query: [entry.number for entry in shown if entry.holds(query)],
            page,
            lines,
        )
