"""The journal of a replay: all that is needed to resume it, or to report its outcome."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.messages import Receipt
from medtrack_cli.core.ports import Clock, Stop
from medtrack_cli.core.publishing.positions import Positions
from medtrack_cli.core.publishing.runs import Cursor, State
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import CannotWrite
from medtrack_cli.files.state.journal import Journal, Noted
from medtrack_cli.files.state.sealed_file import Nature, SealedFile

JOURNAL = Nature(
    Kind.JOURNAL,
    2,
    "another replay has this name now",
    hint="medtrack replay --runs lists the others; begin anew under another name",
)

OWN_KEY = "pseudonym_key"
"""The header's member with the random key of a run's fakes, until the run has ended for good."""

_LOOK_SECONDS = 0.2  # between two checks for a request to cancel


class ReplayJournal(Journal):
    """A replay's journal while it runs."""

    _anew = "run"

    def __init__(self, file: SealedFile, clock: Clock, *, is_new: bool = False) -> None:
        super().__init__(file)
        self.is_new = is_new
        self._clock = clock
        self.header: Mapping[str, Any] = file.header or {}
        self.was_checked = checked_of(file.records)
        self._cancel = cancel_file(file.path)
        self._sources: dict[str, int] = {}
        self._counts: Callable[[], Mapping[str, int]] = dict
        self.cursor, self._gone = cursor_of(file.records)
        if self.cursor and self.cursor.before:
            self._before.add_range(1, self.cursor.before)
        self._done_so_far = Positions((first, last) for first, last in self._before.ranges)
        # The last event before which all is done, and how many come before those of its line.
        self._last: tuple[int, Noted, int | None] | None = None
        self._is_running = False
        self.is_cancelled = False
        self._looked_at = 0.0

    @property
    def was_done(self) -> int:
        return super().was_done - self._gone

    def pass_over(self, line: int) -> None:
        """Continue at this line: what was before it is gone, and is not counted as done.

        Positions continue after all that were done: nobody knows which events the others were.
        """
        if self.cursor:
            last = self._before.ranges[-1][1]
            self._gone += last - len(self._before)
            self.cursor = self.cursor._replace(line=line, before=last)
            self._before.add_range(1, last)
            self._done_so_far.add_range(1, last)

    @property
    def can_be_resumed(self) -> bool:
        """Whether its source can be read again."""
        return self.header["input"] is not None

    def runs(self, sources: Iterable[str], counts: Callable[[], Mapping[str, int]]) -> None:
        """Record that it runs, the current names of its sources, and what counts its events."""
        self._sources = {name: number for number, name in enumerate(sources)}
        self._counts = counts
        with suppress(FileNotFoundError):
            self._cancel.unlink()  # left behind by an earlier run
        self._tell(State.RUNNING, pid=os.getpid())
        self._is_running = True
        self._saved_at = float("-inf")  # the first event is saved at once

    def checked(self, events: int, omitted: Mapping[str, int], plan: Mapping[str, Any]) -> None:
        """Record the result of the check of all events, so that it isn't repeated."""
        if self._is_running:
            self._file.add({"checked": events, "omitted": omitted, "plan": plan})

    def ended(self, state: State, reason: str) -> None:
        """Record the outcome, as far as the disk has room, and unlock the journal."""
        self._save(is_last=True)
        with suppress(CannotWrite):
            self._tell(state, reason=reason, counts=dict(self._counts()))
        with suppress(FileNotFoundError):
            self._cancel.unlink()
        try:
            if state in {State.COMPLETED, State.CANCELLED}:
                self._file.blank(OWN_KEY)
        finally:
            self.close()

    def discard(self) -> None:
        """Remove it: nothing was sent."""
        with suppress(FileNotFoundError):
            self._file.path.unlink()
        self.close()

    def watch(
        self, receipts: Iterable[Receipt], is_done: Callable[[Receipt], bool], stop: Stop
    ) -> Iterator[Receipt]:
        """Do the same, and end when asked to cancel."""
        stop.when(self._wants_to_end)
        return super().watch(receipts, is_done, stop)

    def _wants_to_end(self) -> bool:
        now = self._clock.monotonic()
        if not self.is_cancelled and now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self.is_cancelled = self._cancel.exists()
        return self.is_cancelled

    def _tell(self, state: State, **more: object) -> None:
        self._file.add({"state": state, "at": rfc3339(self._clock.now()), **more})

    def _beside(self, ranges: list[list[int]]) -> dict[str, Any]:
        """Add where reading may begin next time, and the counts so far."""
        for first, last in ranges:
            self._done_so_far.add_range(first, last)
        self._move(ranges)
        at = {"at": self.cursor} if self.cursor else {}
        gone = {"gone": self._gone} if self._gone else {}
        return {**at, **gone, "counts": dict(self._counts())}

    def _move(self, ranges: list[list[int]]) -> None:
        """Move the cursor to the last event before which all is done, the first of its line."""
        first, end = self._done_so_far.ranges[0]
        if first > 1:
            return
        position = max((min(last, end) for begin, last in ranges if begin <= end), default=0)
        noted = self._noted.get(position)
        if noted is None or noted.delivery is None:
            return
        before = self._before_line(position, noted)
        self._last = position, noted, before
        if before is not None and (number := self._sources.get(noted.file)) is not None:
            self.cursor = Cursor(number, noted.line, before, rfc3339(noted.delivery.received_at))

    def _before_line(self, position: int, noted: Noted) -> int | None:
        """Count the events before those of an event's line; None if unknown."""
        begin = position
        while (before := self._noted.get(begin - 1)) and _is_beside(before, noted):
            begin -= 1
        if before is not None or begin == 1:
            return begin - 1
        if self._last is None or self._last[0] != begin - 1:
            return None
        return self._last[2] if _is_beside(self._last[1], noted) else begin - 1


def _is_beside(one: Noted, other: Noted) -> bool:
    return (one.line, one.file) == (other.line, other.file)


def cancel_file(path: Path) -> Path:
    """Name the file whose existence asks a run to end."""
    return path.with_suffix(".cancel")


def cursor_of(records: Iterable[Mapping[str, Any] | None]) -> tuple[Cursor | None, int]:
    """Find the last cursor, and how many events before it were gone."""
    found: tuple[Cursor | None, int] = (None, 0)
    for record in records:
        if record and "done" in record and (at := record.get("at")):
            with suppress(ValueError, TypeError):
                source, line, before, time = at
                cursor = Cursor(int(source), int(line), int(before), str(time))
                found = cursor, int(record.get("gone", 0))
    return found


def checked_of(
    records: Iterable[Mapping[str, Any] | None],
) -> tuple[int, dict[str, int], dict[str, Any]] | None:
    """Find the result of the check: the events, what is left out, the plan."""
    for record in records:
        if record and "checked" in record:
            return record["checked"], record["omitted"], record["plan"]
    return None
