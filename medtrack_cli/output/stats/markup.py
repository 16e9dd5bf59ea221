"""Parts of the page: escaped texts, tables that screen readers can read, and charts."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from medtrack_cli.core.statistics.counts import Stats
from medtrack_cli.core.statistics.timeline import Chart, Column
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.stats import texts
from medtrack_cli.plural import counted

MOST_COLUMNS = 120
"""The most columns of a chart: on a phone each has three pixels."""

_HEIGHT = 100  # of a chart, in its own units


class Number(NamedTuple):
    """A numeric cell, or the heading of such a column; `is_bad` marks what is wrong."""

    text: str
    is_bad: bool = False


class Bar(NamedTuple):
    """A cell that draws a share, from 0 to 1, and how much of it is invalid."""

    share: float
    invalid: float


Cell = str | Number | Bar


def shown(text: str) -> str:
    """Make a text safe, and escape its markup."""
    return escape(safe_text(text))


def table_of(caption: str, heads: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write a table; the first cell of each row is its heading."""
    yield '<div class="wide"><table>'
    yield f"<caption>{shown(caption)}</caption>"
    yield f"<thead><tr>{''.join(map(_head, heads))}</tr></thead><tbody>"
    for first, *others in rows:
        heading = shown(first if isinstance(first, str) else "")
        yield f'<tr><th scope="row">{heading}</th>{"".join(map(_cell, others))}</tr>'
    yield "</tbody></table></div>"


def _head(head: Cell) -> str:
    if isinstance(head, Number):
        return f'<th scope="col" class="number">{shown(head.text)}</th>'
    return f'<th scope="col">{shown(head) if isinstance(head, str) else ""}</th>'


def _cell(cell: Cell) -> str:
    if isinstance(cell, Number):
        kind = "number bad" if cell.is_bad else "number"
        return f'<td class="{kind}">{shown(cell.text)}</td>'
    if isinstance(cell, Bar):
        wide = max(100 * cell.share, 0.5)
        return (
            '<td class="share" aria-hidden="true">'
            '<svg viewBox="0 0 100 1" preserveAspectRatio="none">'
            f'<rect x="0" y="0" width="{wide:.2f}" height="1"/>'
            f'<rect class="bad" x="0" y="0" width="{wide * cell.invalid:.2f}" height="1"/>'
            "</svg></td>"
        )
    return f"<td>{shown(cell)}</td>"


def charts(stats: Stats) -> Iterator[str]:
    """Draw events by time, their invalid share, each type; then write all as numbers.

    There is none where all events came at one moment.
    """
    chart = stats.timeline.chart(MOST_COLUMNS)
    if chart is None or len(chart.columns) < 2:
        return
    yield "<h2>Events by time</h2>"
    yield from _framed(chart, _events(chart, chart.columns), _most(chart.columns), "events")
    legend = f"each column {texts.duration(chart.seconds)}"
    if stats.invalid:
        legend += '<i class="bar"></i> valid <i class="invalid"></i> invalid, at the foot, outlined'
    yield f'<p class="quiet legend">{legend}</p>'
    if any(rates := texts.rates(chart.columns)):
        yield "<h2>Share of invalid events by time</h2>"
        yield from _framed(
            chart, _rates(chart, rates), texts.share(max(rates)), "share of invalid events"
        )
    if len(types := texts.by_type(chart)) > 1:
        yield "<h2>Event types by time</h2>"
        yield '<p class="quiet">The same times, each with a scale of its own.</p>'
        yield '<div class="multiples">'
        for name, columns in types:
            yield from _multiple(chart, name, columns)
        yield "</div>"
    yield from _numbers(chart)


def _most(columns: Sequence[Column]) -> str:
    return f"{max(column.events for column in columns):,}"


def _framed(chart: Chart, drawn: Iterator[str], top: str, what: str) -> Iterator[str]:
    """Put a chart between its scale and its times."""
    width = len(chart.columns)
    times = (0, (width - 1) // 2, width - 1) if width > 4 else (0, width - 1)
    marks = "".join(f"<span>{texts.column_time(chart, number)}</span>" for number in times)
    is_rate = top.endswith("%")
    kind, zero = ("chart rate", "0 %") if is_rate else ("chart", "0")
    yield f'<div class="{kind}">'
    yield f'<div class="scale"><span>{shown(top)}</span><span>{zero}</span></div>'
    yield from _svg(width, f"{what} by time, at most {top} in a column", drawn)
    yield f'<div class="times">{marks}</div>'
    yield "</div>"


def _svg(width: int, label: str, drawn: Iterator[str]) -> Iterator[str]:
    yield (
        f'<svg viewBox="0 0 {width} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{shown(label)}">'
    )
    yield from drawn
    yield "</svg>"


def _multiple(chart: Chart, name: str, columns: Sequence[Column]) -> Iterator[str]:
    events, invalid = (sum(each) for each in zip(*columns, strict=True))
    said = f"{counted(events, 'event')}, {invalid:,} invalid; at most {_most(columns)} in a column"
    yield f"<figure><figcaption>{shown(name)}<small>{said}</small></figcaption>"
    yield from _svg(len(columns), said, _events(chart, columns))
    yield "</figure>"


def _events(chart: Chart, columns: Sequence[Column]) -> Iterator[str]:
    """Draw each column, its invalid events at the bottom, and its text shown on hover."""
    most = max(column.events for column in columns)
    for number, column in enumerate(columns):
        if not column.events:
            continue
        height = max(_HEIGHT * column.events / most, 1)
        bad = height * column.invalid / column.events
        said = counted(column.events, "event")
        if column.invalid:
            said += f", {column.invalid:,} invalid"
        yield _rect(number, height - bad, bad)
        if bad:
            yield _rect(number, bad, 0, "bad")
        yield _named(chart, number, said)


def _rates(chart: Chart, rates: Sequence[float]) -> Iterator[str]:
    for number, rate in enumerate(rates):
        if rate:
            yield _rect(number, max(_HEIGHT * rate / max(rates), 1), 0, "bad")
            yield _named(chart, number, f"{texts.share(rate)} invalid")


def _rect(number: int, height: float, above: float, kind: str = "") -> str:
    """Draw a bar of a height, at a distance above the base line."""
    styled = f' class="{kind}"' if kind else ""
    top = _HEIGHT - above - height
    return f'<rect{styled} x="{number}.08" y="{top:.2f}" width="0.84" height="{height:.2f}"/>'


def _named(chart: Chart, number: int, said: str) -> str:
    """Say what a column holds, shown on hover."""
    return (
        f'<rect class="column" x="{number}" y="0" width="1" height="{_HEIGHT}">'
        f"<title>{shown(f'{texts.column_time(chart, number)}: {said}')}</title></rect>"
    )


def _numbers(chart: Chart) -> Iterator[str]:
    """Write all charts as one table, collapsed at first."""
    types = texts.by_type(chart)
    heads = map(Number, ["events", "invalid", "share", *(name for name, _ in types)])
    span = texts.duration(chart.seconds)
    yield "<details><summary>The charts as numbers</summary>"
    yield from table_of(
        f"Events in each {span}, the invalid ones, their share, and the events of each type",
        ["begins (UTC)", *heads],
        (_span(chart, number, types) for number in range(len(chart.columns))),
    )
    yield "</details>"


def _span(chart: Chart, number: int, types: texts.ByType) -> list[Cell]:
    events, invalid = chart.columns[number]
    return [
        texts.column_time(chart, number),
        Number(f"{events:,}"),
        Number(f"{invalid:,}", invalid > 0),
        Number(texts.share(invalid / events) if events else ""),
        *(Number(f"{columns[number].events:,}") for _, columns in types),
    ]
