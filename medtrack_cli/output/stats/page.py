"""Statistics as a page of text: numbers, charts, tables."""

from collections.abc import Iterator, Sequence

from medtrack_cli.core.statistics.counts import Stats
from medtrack_cli.core.statistics.timeline import Chart
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.stats import texts
from medtrack_cli.output.wrapping import columns, cut_left, cut_right, wrapped

CHART_HEIGHT, RATE_HEIGHT = 8, 3
"""Lines of the charts, without their axis."""

MOST_COLUMNS = 160
"""The widest a chart gets, however wide the terminal is."""

_LEAST_WIDTH = 40
_LONGEST_NAME = 44


def stats_page(stats: Stats, sheet: Sheet) -> Iterator[str]:
    """Write the page, line by line; none is wider than the sheet, from 40 columns on."""
    sheet = sheet._replace(width=max(sheet.width, _LEAST_WIDTH))
    yield from _facts(stats, sheet)
    yield from _charts(stats, sheet)
    tables = list(texts.tables(stats))
    names = max((_name_width(table, sheet) for table in tables), default=0)
    for table in tables:
        yield from ["", *_table(table, sheet, names)]
    yield from _findings(stats, sheet)
    if gaps := texts.gaps(stats):
        yield from ["", _heading("gaps, far longer than the usual pause", sheet)]
        for line in gaps:
            yield from wrapped(line, sheet.width, "  ", "    ")


def _heading(text: str, sheet: Sheet) -> str:
    return sheet.style(text, "bold")


def _facts(stats: Stats, sheet: Sheet) -> Iterator[str]:
    facts = list(texts.facts(stats))
    width = max(len(label) for label, _ in facts) + 2
    indent = " " * width
    for label, text in facts:
        words = (cut_left(word, sheet.width - width, sheet.marks.ellipsis) for word in text.split())
        first, *others = wrapped(" ".join(words), sheet.width, indent, indent)
        said = first.removeprefix(indent)
        shown = sheet.style(said, "red") if label == "invalid" else said
        yield f"{sheet.style(label.ljust(width), 'dim')}{shown}"
        yield from others


def _charts(stats: Stats, sheet: Sheet) -> Iterator[str]:
    """Draw events by time: the invalid ones are red at the bottom, and their rate stands below."""
    chart = stats.timeline.chart(min(sheet.width - 12, MOST_COLUMNS))
    if chart is None or len(chart.columns) < 2:
        return
    most = max(column.events for column in chart.columns)
    rates = texts.rates(chart.columns)
    scale, top = f"{most:,}", texts.share(max(rates))
    margin = max(len(scale), len(top) if any(rates) else 0)
    thick = max(1, min((sheet.width - margin - 2) // len(chart.columns), 8))
    red = [column.invalid * CHART_HEIGHT / most for column in chart.columns]
    yield ""
    yield _heading(f"events by time (UTC), each column {texts.duration(chart.seconds)}", sheet)
    heights = [column.events / most for column in chart.columns]
    yield from _graph(heights, CHART_HEIGHT, red, (scale.rjust(margin), "0"), thick, sheet)
    yield sheet.style(" " * (margin + 2) + _axis(chart, thick), "dim")
    if any(rates):
        yield _heading("share of invalid events", sheet)
        shares = [rate / max(rates) for rate in rates]
        whole = [float(RATE_HEIGHT)] * len(rates)
        yield from _graph(shares, RATE_HEIGHT, whole, (top.rjust(margin), "0 %"), thick, sheet)
    yield from _multiples(stats, texts.by_type(chart), sheet)


def _graph(  # noqa: PLR0913, PLR0917 -- what a graph is made of
    heights: Sequence[float],
    lines: int,
    red: Sequence[float],
    scale: tuple[str, str],
    thick: int,
    sheet: Sheet,
) -> Iterator[str]:
    """Draw columns of heights from 0 to 1, in a number of lines; the lowest `red` lines are red.

    The scale's top and bottom stand on the left, the bottom below the top's end.
    """
    for level in range(lines - 1, -1, -1):
        label = scale[0] if level == lines - 1 else scale[1] if level == 0 else ""
        cells = (
            sheet.style(
                _bar(height, level, lines, sheet.marks.bars) * thick,
                "red" if level < round(reddened) else "cyan",
            )
            for height, reddened in zip(heights, red, strict=True)
        )
        line = "".join(cells)
        yield f"{sheet.style(label.rjust(len(scale[0])), 'dim')}  {line}".rstrip()


def _bar(height: float, level: int, lines: int, bars: str) -> str:
    """Give a column's part in one line; a height above 0 always shows."""
    full = len(bars) - 1
    part = min(max(round(height * lines * full) - level * full, 0), full)
    return bars[max(part, 1) if level == 0 and height else part]


def _axis(chart: Chart, thick: int) -> str:
    """Write the times of the first and the last column below a chart."""
    first = texts.column_time(chart, 0)
    last = texts.column_time(chart, len(chart.columns) - 1)
    width = thick * len(chart.columns)
    if len(first) + len(last) + 2 > width:
        return f"{first} to {last}"
    return first + last.rjust(width - len(first))


def _multiples(stats: Stats, types: texts.ByType, sheet: Sheet) -> Iterator[str]:
    """Draw a small chart for each type, if there are several: same times, different scales."""
    width = min(_LONGEST_NAME, sheet.width - 30, max(columns(name) for name, _ in types))
    chart = stats.timeline.chart(min(sheet.width - width - 11, MOST_COLUMNS))
    if chart is None or len(types) < 2:
        return
    yield ""
    span = texts.duration(chart.seconds)
    yield _heading(f"event types by time, each column {span}", sheet)
    yield sheet.style(f"{'':<{width}}  {'at most':>7}", "dim")
    for name, each in texts.by_type(chart):
        most = max(column.events for column in each)
        line = "".join(_bar(column.events / most, 0, 1, sheet.marks.bars) for column in each)
        yield from _named(name, width, f"  {most:>7,}  {sheet.style(line, 'cyan')}", sheet)


def _name_width(table: texts.Table, sheet: Sheet) -> int:
    longest = max(columns(text) for text in (table.title, *(row.name for row in table.rows)))
    return min(longest, _LONGEST_NAME, sheet.width - 29)


def _named(name: str, width: int, rest: str, sheet: Sheet) -> Iterator[str]:
    """Write a row; a name too long for its column gets the line before."""
    if columns(name) > width:
        yield cut_right(name, sheet.width, sheet.marks.ellipsis)
        name = ""
    yield f"{name}{' ' * (width - columns(name))}{rest}".rstrip()


def _table(table: texts.Table, sheet: Sheet, width: int) -> Iterator[str]:
    """Write a table with a given width for names."""
    has_invalid = any(row.counted.invalid for row in table.rows)
    title = f"{table.title:<{width}}  {'events':>9}   share"
    yield _heading(f"{title}{'  invalid' if has_invalid else ''}", sheet)
    room = min(sheet.width - width - (33 if has_invalid else 23), 40)
    for row in table.rows:
        line = f"  {row.counted.events:>9,} {texts.share(row.share):>7}"
        if has_invalid:
            invalid = f"{row.counted.invalid:,}" if row.counted.invalid else ""
            line += sheet.style(f"{invalid:>9}", "red")
        bar = sheet.marks.bars[-1] * max(1, round(room * row.share)) if room >= 5 else ""
        line += f"  {sheet.style(bar, 'cyan')}" if bar else ""
        yield from _named(row.name, width, line, sheet)
    if table.rest:
        yield sheet.style(f"{sheet.marks.ellipsis} {table.rest}", "dim")


def _findings(stats: Stats, sheet: Sheet) -> Iterator[str]:
    """Write how often each rule is broken, and below it by whom, where in the event, and when."""
    if not stats.rules:
        return
    groups, rest = texts.findings(stats)
    yield from ["", _heading("findings", sheet)]
    for rule, severity, number in texts.rules(stats):
        yield f"{number:>9,}  {rule} ({severity})"
        for each in groups:
            if each.rule == rule:
                yield from _group(each, sheet)
    if rest:
        yield sheet.style(f"{sheet.marks.ellipsis} {rest}", "dim")


def _group(row: texts.FindingRow, sheet: Sheet) -> Iterator[str]:
    indent = " " * 15
    room, mark = sheet.width - len(indent), sheet.marks.ellipsis
    words = (row.event_type, f"at {row.field}", f"from {row.service}")
    shown = " ".join(cut_right(word, room, mark) for word in words)
    yield from wrapped(shown, sheet.width, f"{row.findings:>13,}  ", indent)
    places = ", ".join(cut_left(place, room - 1, mark) for place in row.places)
    said = f"{row.when}, {places}" if row.when else places
    for line in wrapped(said, sheet.width, indent, indent):
        yield sheet.style(line, "dim")
