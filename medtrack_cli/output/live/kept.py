"""The last events, kept to be looked at again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.output.live.search import searched

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
        """List what is held."""
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
