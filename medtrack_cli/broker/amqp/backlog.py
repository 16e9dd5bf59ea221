"""Since when events wait in a tap: they are missing when it is gone, or drops its oldest."""

from datetime import UTC, datetime


class Backlog:
    """What was published before `since` has been handled; None: that began before we came.

    The queue's depth is asked once a second while there may be a backlog. If nothing waits, what
    was published before the question is at most on its way, and has arrived before the next answer.
    A queue of others may not be asked about: when twice nothing has come for a moment, nothing
    waits there.
    """

    def __init__(self, *, is_asked: bool = True) -> None:
        self._is_asked = is_asked
        self.since: datetime | None = None
        self.is_there = True
        self._empty_at: datetime | None = None  # asked then, without another answer since
        self._has_moved = False
        self._is_idle = False

    def end(self) -> None:
        """Begin with a queue in which nothing waits."""
        self.since, self.is_there, self._empty_at = datetime.now(UTC), False, None

    def took(self, count: int, waited_from: datetime) -> None:
        """Note a handled batch, even an empty one: nothing had come since then."""
        if count:
            self.is_there = self._has_moved = True
        elif not self.is_there or (self._is_idle and not self._is_asked):
            self.since, self.is_there = waited_from, False
        self._is_idle = not count

    def answered(self, waiting: int, asked_at: datetime) -> None:
        """Note how many messages waited; all batches before the answer are handled."""
        if self._empty_at is not None:
            self.since = self._empty_at
            self.is_there = bool(waiting) or self._has_moved
        self._empty_at, self._has_moved = (None if waiting else asked_at), False

    def restart(self) -> None:
        """Forget earlier answers: what was on its way comes again."""
        self._empty_at, self.is_there, self._is_idle = None, True, False
