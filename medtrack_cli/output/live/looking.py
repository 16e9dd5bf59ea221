"""The kept events, what the keys have set, and which of the events are shown."""

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.output.live.controls import Around, Controls, Pane, nearest, pressed
from medtrack_cli.output.live.kept import Entry, Kept
from medtrack_cli.output.live.statistics import Statistics


class Looking:
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
