"""Times up to both edges of the calendar, in whatever offset."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.core.times import FIRST, LAST, from_rfc3339, from_seconds, rfc3339, sortable

EDGES = [
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00.000001+23:59",
    "0001-01-01T00:00:00Z",
    "2025-01-15T10:00:00+01:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.999999-00:01",
    "9999-12-31T23:59:59.999999-23:59",
]

near_edges = st.one_of(
    st.datetimes(),
    st.datetimes(max_value=datetime(1, 1, 3)),  # noqa: DTZ001 -- the strategy's zone comes on
    st.datetimes(min_value=datetime(9999, 12, 30)),  # noqa: DTZ001
)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.builds(lambda moment, zone: moment.replace(tzinfo=zone), near_edges, offsets)


@given(times, times)
def test_any_time_is_written_and_read(one: datetime, other: datetime) -> None:
    """A time is read back as it was written, and as text two sort as they do in time."""
    assert from_rfc3339(rfc3339(one)) == one
    assert (one < other) >= (sortable(one) < sortable(other))
    assert sortable(one) in {rfc3339(one), "", "~"}


def test_what_only_its_offset_holds_keeps_it() -> None:
    """A time that UTC's calendar lacks is written with its offset; all others in UTC."""
    written = [rfc3339(from_rfc3339(each)) for each in EDGES]
    assert [each for each in written if not each.endswith("Z")] == [
        "0001-01-01T00:00:00.000000+14:00",
        "0001-01-01T00:00:00.000001+23:59",
        "9999-12-31T23:59:59.999999-00:01",
        "9999-12-31T23:59:59.999999-23:59",
    ]
    assert written[3] == "2025-01-15T09:00:00.000000Z"


@pytest.mark.parametrize("text", EDGES)
def test_seconds_stay_in_the_calendar(text: str) -> None:
    """Seconds since 1970 are a time again: the same, or the nearest that there is."""
    moment = from_rfc3339(text)
    nearest = min(max(moment, FIRST), LAST)
    assert abs(from_seconds(moment.timestamp()) - nearest) < timedelta(milliseconds=1)
