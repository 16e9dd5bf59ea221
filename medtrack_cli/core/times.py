"""Times as text: RFC 3339 in UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    """Write an aware time in UTC with microseconds: 2025-01-15T10:00:00.000000Z."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time; a naive one counts as UTC. Raises ValueError when it is none."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def from_seconds(seconds: float) -> datetime:
    """Give the time so many seconds after 1970 began; far beyond, the first year or the last."""
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return datetime(1 if seconds < 0 else 9999, 1, 1, tzinfo=UTC)
