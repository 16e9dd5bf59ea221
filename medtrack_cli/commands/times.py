"""Times of the command line: --since and --until."""

from datetime import datetime, timedelta

import typer

from medtrack_cli.commands.numbers import seconds
from medtrack_cli.core.times import TimeRange, from_rfc3339, rfc3339
from medtrack_cli.errors import UsageError


def window_of(since: str | None, until: str | None, now: datetime) -> TimeRange:
    """Read both; UsageError if there is no time between them."""
    window = TimeRange(_time("--since", since, now), _time("--until", until, now))
    if window.since and window.until and window.since >= window.until:
        raise UsageError("--since is not before --until", str(since), hint="swap the two times")
    return window


def fixed(since: str | None, until: str | None, now: datetime) -> list[str | None]:
    """Turn a time before now into a fixed moment."""
    moments = zip((since, until), window_of(since, until, now), strict=True)
    return [rfc3339(at) if at and text and text.startswith("-") else text for text, at in moments]


def _time(option: str, text: str | None, now: datetime) -> datetime | None:
    """Read a time, or a duration before now; a time without an offset is UTC."""
    if not text:
        return None
    try:
        if text.startswith("-"):
            return now - timedelta(seconds=seconds(text[1:]))
        return from_rfc3339(text)
    except (ValueError, OverflowError, typer.BadParameter):
        hint = f"{option} 2025-01-15T10:00:00Z, or {option} -2h for two hours ago"
        raise UsageError(f"{option} is a time", text, hint=hint) from None
