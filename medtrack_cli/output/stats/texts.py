"""The texts of statistics: words, numbers and rows, the same on a terminal and on a page."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from medtrack_cli.core.statistics.counts import (
    Count,
    Found,
    Group,
    Names,
    Stats,
    most_common,
    most_frequent,
)
from medtrack_cli.core.statistics.timeline import Chart, Column, Gap
from medtrack_cli.core.times import from_seconds
from medtrack_cli.output.masking import masked, masked_pointer
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.plural import counted

MOST_ROWS = 20
"""The most rows of a table, or gaps, shown; the others are counted."""

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


class Row(NamedTuple):
    """One name in a table; `share` is its share of all events, from 0 to 1."""

    name: str
    counted: Count
    share: float


class FindingRow(NamedTuple):
    """Findings of one rule in one field, in the events of one type and service."""

    rule: str
    event_type: str
    field: str
    service: str
    findings: int
    first: str
    last: str
    places: tuple[str, ...]

    @property
    def when(self) -> str:
        day = f"{self.first[:10]} "
        last = "" if self.first == self.last else f" to {self.last.removeprefix(day)}"
        return f"{self.first}{last}"


ByType = list[tuple[str, Sequence[Column]]]


class Table(NamedTuple):
    """Events counted by one of their names, the most frequent first."""

    title: str
    rows: tuple[Row, ...]
    rest: str  # what isn't shown, in words; empty: all is


def facts(stats: Stats) -> Iterator[tuple[str, str]]:
    """Say, with a label each, what isn't in a table: how many, when, how large, what is unusual."""
    events = f"{stats.events:,}"
    files = f" in {counted(stats.files, 'file')}" if stats.files else ""
    yield ("events", f"{events}{files}")
    if stats.invalid:
        yield ("invalid", f"{stats.invalid:,} ({share(stats.invalid / stats.events)})")
    if (extent := stats.timeline.extent) is not None:
        yield ("first", _moment(extent[0]))
        yield ("last", _moment(extent[1]))
        yield ("span", _span(stats.events - stats.untimed, extent[1] - extent[0]))
    if stats.untimed:
        yield ("without a time", f"{stats.untimed:,}")
    sizes = stats.sizes
    median, largest = size(sizes.median), size(sizes.largest)
    yield ("size", f"{size(sizes.total)}; median {median}, largest {largest}")
    if stats.redelivered:
        yield ("redelivered", f"{stats.redelivered:,}")
    if stats.duplicates.found:
        least = "at least " if stats.duplicates.is_least else ""
        yield ("duplicates", f"{least}{stats.duplicates.found:,}, by their message ids")
    if stats.foreign:
        first = safe_text(stats.first_foreign)
        yield ("no event", f"{counted(stats.foreign, 'place')}, the first at {first}")


def tables(stats: Stats) -> Iterator[Table]:
    """Give the tables that have rows."""
    for field, names in (
        ("event_type", stats.types),
        ("service", stats.services),
        ("routing_key", stats.routing_keys),
    ):
        if set(names.apart) - {None}:
            yield _table(field, names, stats.events)


def rules(stats: Stats) -> list[tuple[str, str, int]]:
    """List each broken rule, with its severity and number of findings."""
    return [(rule, rule.severity, number) for rule, number in stats.rules.most_common()]


def findings(stats: Stats) -> tuple[list[FindingRow], str]:
    """List findings by rule, type, field and service, and say what isn't listed."""
    listed = most_common(stats.findings)
    left = stats.findings.others.findings + sum(each.findings for _, each in listed[MOST_ROWS:])
    return [_finding(*each) for each in listed[:MOST_ROWS]], f"{left:,} more" if left else ""


def rates(columns: Sequence[Column]) -> list[float]:
    """Give the share of invalid events in each column, from 0 to 1."""
    return [column.invalid / column.events if column.events else 0.0 for column in columns]


def by_type(chart: Chart) -> ByType:
    """Give the columns of each type, the most frequent first; those of the rest come last.

    A type of which no event has a time isn't among them.
    """
    dated = (each for each in chart.names.items() if any(column.events for column in each[1]))
    named: ByType = [(_name("event_type", name), each) for name, each in dated]
    named.sort(key=lambda each: -sum(column.events for column in each[1]))
    return [*named, ("all other types", chart.others)] if chart.others else named


def gaps(stats: Stats) -> list[str]:
    """Describe the longest gaps, in order of time."""
    found = stats.timeline.gaps()
    longest = sorted(found, key=lambda gap: -gap.seconds)[:MOST_ROWS]
    lines = [_gap(gap) for gap in sorted(longest)]
    if len(found) > len(longest):
        lines.append(f"and {len(found) - len(longest):,} shorter ones")
    return lines


def column_time(chart: Chart, number: int) -> str:
    """Write when a chart's column begins, as precisely as its width requires."""
    moment = from_seconds(chart.start + number * chart.seconds)
    if chart.seconds >= 86400:
        return f"{moment:%Y-%m-%d}"
    last = from_seconds(chart.start + len(chart.columns) * chart.seconds)
    day = "" if from_seconds(chart.start).date() == last.date() else f"{moment:%m-%d} "
    if chart.seconds < 1:
        return day + f"{moment:%H:%M:%S.%f}"[:-4]
    return day + (f"{moment:%H:%M}" if chart.seconds >= 60 else f"{moment:%H:%M:%S}")


def share(part: float) -> str:
    """Write a share as a percentage; only nothing is 0 %, and only all is 100 %."""
    percent = 100 * part
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.0f} %" if percent in {0, 100} else f"{percent:.1f} %"


def size(octets: float) -> str:
    """Write a number of bytes, in units of a thousand."""
    if octets < 1000:
        return f"{octets:.0f} B"
    for unit in ("kB", "MB", "GB"):
        octets /= 1000
        if octets < 999.5:
            return f"{octets:.3g} {unit}"
    return f"{octets / 1000:,.1f} TB"


def duration(seconds: float) -> str:
    """Write a duration in its two largest units."""
    for (least, unit), (smaller, name) in zip(_UNITS, (*_UNITS[1:], (1.0, "s")), strict=True):
        if seconds >= least:
            whole, rest = divmod(int(seconds), int(least))
            parts = rest // int(smaller)
            return f"{whole:,} {unit}" + (f" {parts} {name}" if parts else "")
    return f"{seconds:.3g} s"


def _span(events: int, seconds: float) -> str:
    if not seconds:
        return "all at one moment"
    return f"{duration(seconds)}; on average {_rate(events / seconds)}"


def _rate(each_second: float) -> str:
    for seconds, name in ((1, "a second"), (60, "a minute"), (3600, "an hour")):
        if each_second * seconds >= 1:
            return f"{each_second * seconds:,.1f} {name}"
    return f"{each_second * 86400:.2g} a day"


def _gap(gap: Gap) -> str:
    since, until = from_seconds(gap.since), from_seconds(gap.until)
    end = f"{until:%H:%M:%S}Z" if since.date() == until.date() else _moment(gap.until)
    return f"{_moment(gap.since)} to {end}, {duration(gap.seconds)}"


def _moment(seconds: float) -> str:
    return f"{from_seconds(seconds):%Y-%m-%d %H:%M:%S}Z"


def _table(field: str, names: Names, events: int) -> Table:
    listed = most_frequent(names)
    rows = tuple(
        Row(_name(field, name), each, each.events / events) for name, each in listed[:MOST_ROWS]
    )
    left = names.others.events + sum(each.events for _, each in listed[MOST_ROWS:])
    more = len(listed) - len(rows)
    least = "over " if names.others.events else ""
    rest = f"{least}{more:,} more, with {left:,} events" if left else ""
    return Table(field.replace("_", " "), rows, rest)


def _finding(group: Group, found: Found) -> FindingRow:
    return FindingRow(
        group.rule,
        _name("event_type", group.event_type),
        safe_text(masked_pointer(group.field)) or "(whole event)",
        _name("service", group.service),
        found.findings,
        "" if found.first is None else _moment(found.first),
        "" if found.last is None else _moment(found.last),
        tuple(_places(found.places)),
    )


def _places(places: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Write places; a file that was just named isn't named again."""
    before = ""
    for file, line in places:
        yield f":{line}" if file == before else safe_text(f"{file}:{line}")
        before = file


def _name(field: str, name: str | None) -> str:
    return "(none)" if name is None else safe_text(masked(field, name))
