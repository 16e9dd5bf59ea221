"""Times as text, RFC 3339 in UTC, and ranges of them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    """Write an aware time in UTC with microseconds: 2025-01-15T10:00:00.000000Z.

    One that can't be converted, such as 0001-01-01T00:00:00+01:00, keeps its offset.
    """
    if moment.tzinfo is UTC:
        return _in_utc(moment)
    try:
        return _in_utc(moment.astimezone(UTC))
    except OverflowError:
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=8)  # what came together has one time
def _in_utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def sortable(moment: datetime) -> str:
    """Write an aware time so that it sorts, as text, among those that `rfc3339` writes in UTC.

    One that can't be converted is before all of them, or after all.
    """
    text = rfc3339(moment)
    if text.endswith("Z"):
        return text
    return "" if moment < EPOCH else "~"


def from_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time; a naive one counts as UTC. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def from_seconds(seconds: float) -> datetime:
    """Give the time in seconds after 1970; beyond the calendar, its first or last."""
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return FIRST if seconds < 0 else LAST


def named_time(event: object) -> str | None:
    """Give the time that an event says of itself, as it stands there."""
    timestamp = event.get("timestamp") if isinstance(event, dict) else None
    return timestamp if isinstance(timestamp, str) else None


def time_of(event: object) -> datetime | None:
    """Give the time that an event says of itself; None where it says none that can be read."""
    return time_named(named_time(event) or "")


def time_named(text: str) -> datetime | None:
    """Read a time as an event says it; None where it is none."""
    try:
        return from_rfc3339(text)
    except ValueError:
        return None


class TimeRange(NamedTuple):
    """From `since` on, up to but without `until`; None: no bound. Aware times."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        return (self.since is None or moment >= self.since) and (
            self.until is None or moment < self.until
        )


EVER = TimeRange()
