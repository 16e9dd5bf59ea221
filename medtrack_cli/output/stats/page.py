"""Statistics as a page of text: numbers, a chart, tables."""

from collections.abc import Iterator

from medtrack_cli.core.stats import Stats
from medtrack_cli.core.timeline import Chart, Column
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.stats import texts

CHART_HEIGHT = 8
"""Lines of the chart, its axis not counted."""

MOST_COLUMNS = 160
"""A chart grows no wider than this, however wide the terminal is."""

_LEAST_WIDTH = 40
_LONGEST_NAME = 44


def stats_page(stats: Stats, sheet: Sheet) -> Iterator[str]:
    """Write the page, line by line; none is wider than the sheet, from 40 columns on."""
    sheet = sheet._replace(width=max(sheet.width, _LEAST_WIDTH))
    facts = list(texts.facts(stats))
    width = max(len(fact.label) for fact in facts)
    for label, text in facts:
        padded = sheet.style(f"{label:<{width}}", "dim")
        yield f"{padded}  {sheet.style(text, 'red') if label == 'invalid' else text}"
    yield from _chart(stats, sheet)
    tables = list(texts.tables(stats))
    names = max((_name_width(table, sheet) for table in tables), default=0)
    for table in tables:
        yield from ["", *_table(table, sheet, names)]
    if stats.rules:
        yield from ["", _heading("findings", sheet)]
        yield from (f"{number:>9,}  {rule} ({kind})" for rule, kind, number in texts.rules(stats))
    if gaps := texts.gaps(stats):
        yield from ["", _heading("gaps, far longer than the usual pause", sheet)]
        yield from (f"  {line}" for line in gaps)


def _heading(text: str, sheet: Sheet) -> str:
    return sheet.style(text, "bold")


def _chart(stats: Stats, sheet: Sheet) -> Iterator[str]:
    """Draw events by time: the invalid ones are the red foot, where there are colours."""
    chart = stats.timeline.chart(min(sheet.width - 12, MOST_COLUMNS))
    if chart is None or len(chart.columns) < 2:
        return
    most = max(column.events for column in chart.columns)
    margin = len(f"{most:,}")
    thick = max(1, min((sheet.width - margin - 2) // len(chart.columns), 8))
    yield ""
    yield _heading(f"events by time (UTC), each column {texts.duration(chart.seconds)}", sheet)
    for level in range(CHART_HEIGHT - 1, -1, -1):
        label = f"{most:,}" if level == CHART_HEIGHT - 1 else "0" if level == 0 else ""
        cells = (_cell(column, level, most, thick, sheet) for column in chart.columns)
        line = "".join(cells)
        yield f"{sheet.style(label.rjust(margin), 'dim')}  {line}".rstrip()
    yield sheet.style(" " * (margin + 2) + _axis(chart, thick), "dim")


def _cell(column: Column, level: int, most: int, thick: int, sheet: Sheet) -> str:
    """Give a column's part in one line: what is there is seen, be it ever so little."""
    bars = sheet.marks.bars
    full = len(bars) - 1
    height = column.events * CHART_HEIGHT * full / most
    part = min(max(round(height) - level * full, 0), full)
    if level == 0 and column.events:
        part = max(part, 1)
    if part == 0:
        return bars[0] * thick
    is_red = level < round(column.invalid * CHART_HEIGHT / most)
    return sheet.style(bars[part] * thick, "red" if is_red else "cyan")


def _axis(chart: Chart, thick: int) -> str:
    """Write the times of the first and the last column below them."""
    first = texts.column_time(chart, 0)
    last = texts.column_time(chart, len(chart.columns) - 1)
    width = thick * len(chart.columns)
    if len(first) + len(last) + 2 > width:
        return f"{first} to {last}"
    return first + last.rjust(width - len(first))


def _name_width(table: texts.Table, sheet: Sheet) -> int:
    from rich.cells import cell_len

    longest = max(cell_len(text) for text in (table.title, *(row.name for row in table.rows)))
    return min(longest, _LONGEST_NAME, sheet.width - 29)


def _table(table: texts.Table, sheet: Sheet, width: int) -> Iterator[str]:
    """Write a table with names of this width."""
    from rich.cells import cell_len, set_cell_size

    has_invalid = any(row.counted.invalid for row in table.rows)
    title = f"{table.title:<{width}}  {'events':>9}   share"
    yield _heading(f"{title}{'  invalid' if has_invalid else ''}", sheet)
    room = min(sheet.width - width - (33 if has_invalid else 23), 40)
    for row in table.rows:
        name = row.name
        if cell_len(name) > width:
            name = set_cell_size(name, width - 1).rstrip() + sheet.marks.ellipsis
        line = f"{set_cell_size(name, width)}  {row.counted.events:>9,} {texts.share(row.share):>7}"
        if has_invalid:
            invalid = f"{row.counted.invalid:,}" if row.counted.invalid else ""
            line += sheet.style(f"{invalid:>9}", "red")
        bar = sheet.marks.bars[-1] * max(1, round(room * row.share)) if room >= 5 else ""
        yield f"{line}  {sheet.style(bar, 'cyan')}".rstrip() if bar else line.rstrip()
    if table.rest:
        yield sheet.style(f"{sheet.marks.ellipsis} {table.rest}", "dim")
