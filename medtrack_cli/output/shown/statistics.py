"""What recordings contain."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.statistics.counts import (
    Found,
    Group,
    Names,
    Stats,
    most_common,
    most_frequent,
)
from medtrack_cli.core.statistics.timeline import Chart, Column
from medtrack_cli.core.times import from_seconds, rfc3339
from medtrack_cli.output.shown.shown import Record, Sheet, picked

MOST_COLUMNS = 120
"""The most columns of the chart in JSON."""


class ShownStats(NamedTuple):
    """Statistics in numbers, tables and a chart."""

    stats: Stats

    def records(self) -> Iterator[Record]:
        stats = self.stats
        extent, duplicates = stats.timeline.extent, stats.duplicates
        yield {
            "kind": Kind.STATS,
            **picked(stats, "files", "left_out", "events", "invalid"),
            **picked(stats, "foreign", "unreadable", "redelivered"),
            "duplicates": duplicates.found,
            "duplicates_are_least": duplicates.is_least,
            "without_message_id": duplicates.without_id,
            "without_time": stats.untimed,
            "first": _time(extent and extent[0]),
            "last": _time(extent and extent[1]),
            "bytes": picked(stats.sizes, "total", "median", "largest"),
            "event_types": _names(stats.types),
            "services": _names(stats.services),
            "routing_keys": _names(stats.routing_keys),
            "rules": dict(stats.rules.most_common()),
            "findings": {
                "groups": [_group(*each) for each in most_common(stats.findings)],
                "others": stats.findings.others.findings,
            },
            "gaps": [
                {
                    "since": _time(gap.since),
                    "until": _time(gap.until),
                    "seconds": round(gap.seconds, 3),
                }
                for gap in stats.timeline.gaps()
            ],
            "chart": _chart(stats.timeline.chart(MOST_COLUMNS)),
            "exit_code": int(stats.exit_code),
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        from medtrack_cli.output.stats.page import stats_page

        return stats_page(self.stats, sheet)


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(from_seconds(seconds))


def _chart(chart: Chart | None) -> Record | None:
    return chart and {
        "start": _time(chart.start),
        "seconds": chart.seconds,
        **_columns(chart.columns),
        "event_types": {
            "names": [{"name": name, **_columns(each)} for name, each in chart.names.items()],
            "others": _columns(chart.others),
        },
    }


def _columns(columns: Sequence[Column]) -> Record:
    return {
        "events": [column.events for column in columns],
        "invalid": [column.invalid for column in columns],
    }


def _group(group: Group, found: Found) -> Record:
    return {
        **group._asdict(),
        "findings": found.findings,
        "first": _time(found.first),
        "last": _time(found.last),
        "places": [{"file": file, "line": line} for file, line in found.places],
    }


def _names(names: Names) -> Record:
    return {
        "names": [{"name": name, **asdict(count)} for name, count in most_frequent(names)],
        "others": asdict(names.others),
    }
