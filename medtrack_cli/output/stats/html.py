"""Statistics as one page of HTML that needs nothing else: no script, no font, no network."""

import os
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from medtrack_cli import __version__
from medtrack_cli.core.stats import Stats
from medtrack_cli.core.timeline import Chart
from medtrack_cli.errors import CannotCreate
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.stats import texts
from medtrack_cli.plural import counted

MOST_COLUMNS = 120
"""So many columns has the chart at most: on a phone three pixels each."""

BEGINNING = "<!doctype html>"

_HEIGHT = 100  # of the chart, in its own units


def refuse_place(path: Path) -> None:
    """Raise CannotCreate where no page can be, and where one would replace what is no page."""
    if os.path.islink(path):
        hint = "name the file that it leads to"
        raise CannotCreate("page can't be created (it is a link)", str(path), hint=hint)
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        hint = "name a file in a folder that exists"
        raise CannotCreate("page can't be created", str(path), hint=hint)
    if os.path.isfile(path) and not _is_page(path):
        hint = "choose another name; only a page of HTML is overwritten"
        raise CannotCreate("the file exists and is no page", str(path), hint=hint)


def _is_page(path: Path) -> bool:
    """Tell whether a file begins as a page does, or holds nothing."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(BEGINNING)).lower() in {b"", BEGINNING.encode()}
    except OSError:
        return False


def stats_html(stats: Stats, subject: str) -> str:
    """Write the page; `subject` names what was read. Every text in it is escaped and masked."""
    style = files(__package__).joinpath("stats.css").read_text("utf-8")
    title = _text(f"Statistics of {subject}")
    return "\n".join(
        [
            BEGINNING,
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            f"<h1>{title}</h1>",
            f'<p class="quiet">Made by medtrack {__version__}. Times are in UTC.</p>',
            *_facts(stats),
            *_chart(stats),
            *_tables(stats),
            *_rules(stats),
            *_gaps(stats),
            "</body>",
            "</html>\n",
        ]
    )


def _policy(style: str) -> str:
    """Allow this very style sheet, and nothing else."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    rules = (f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'")
    return "; ".join(["default-src 'none'", *rules])


def _text(text: str) -> str:
    return escape(safe_text(text))


def _facts(stats: Stats) -> Iterator[str]:
    yield '<dl class="facts">'
    for label, text in texts.facts(stats):
        kind = ' class="bad"' if label == "invalid" else ""
        yield f"<div{kind}><dt>{_text(label)}</dt><dd>{_text(text)}</dd></div>"
    yield "</dl>"


def _chart(stats: Stats) -> Iterator[str]:
    chart = stats.timeline.chart(MOST_COLUMNS)
    if chart is None or len(chart.columns) < 2:
        return
    most = max(column.events for column in chart.columns)
    width = len(chart.columns)
    yield "<h2>Events by time</h2>"
    yield '<div class="chart">'
    yield f'<div class="scale"><span>{most:,}</span><span>0</span></div>'
    yield (
        f'<svg viewBox="0 0 {width} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="events by time, at most {most:,} in a column">'
    )
    yield from _columns(chart, most)
    yield "</svg>"
    times = (0, (width - 1) // 2, width - 1) if width > 4 else (0, width - 1)
    marks = "".join(f"<span>{texts.column_time(chart, number)}</span>" for number in times)
    yield f'<div class="times">{marks}</div>'
    yield "</div>"
    legend = f"each column {texts.duration(chart.seconds)}"
    if stats.invalid:
        legend += '<i class="bar"></i> valid <i class="invalid"></i> invalid'
    yield f'<p class="quiet legend">{legend}</p>'


def _columns(chart: Chart, most: int) -> Iterator[str]:
    """Draw each column, its invalid events at its foot, and what the mouse finds over it."""
    for number, column in enumerate(chart.columns):
        if not column.events:
            continue
        height = max(_HEIGHT * column.events / most, 1)
        bad = height * column.invalid / column.events
        said = f"{texts.column_time(chart, number)}: {counted(column.events, 'event')}"
        if column.invalid:
            said += f", {column.invalid:,} invalid"
        yield _rect(number, height - bad, bad)
        if bad:
            yield _rect(number, bad, 0, "bad")
        yield (
            f'<rect class="column" x="{number}" y="0" width="1" height="{_HEIGHT}">'
            f"<title>{_text(said)}</title></rect>"
        )


def _rect(number: int, height: float, above: float, kind: str = "") -> str:
    """Draw a bar so high, so far above the ground."""
    styled = f' class="{kind}"' if kind else ""
    top = _HEIGHT - above - height
    return f'<rect{styled} x="{number}.08" y="{top:.2f}" width="0.84" height="{height:.2f}"/>'


def _tables(stats: Stats) -> Iterator[str]:
    invalid = '<th class="number">invalid</th>' if stats.invalid else ""
    for table in texts.tables(stats):
        yield f"<h2>By {_text(table.title)}</h2>"
        yield "<table><thead><tr>"
        yield f'<th>{_text(table.title)}</th><th class="number">events</th>'
        yield f'{invalid}<th class="number">share</th>'
        yield '<th class="share"></th></tr></thead><tbody>'
        yield from (_row(row, has_invalid=stats.invalid > 0) for row in table.rows)
        yield "</tbody></table>"
        if table.rest:
            yield f'<p class="quiet">{_text(table.rest)}</p>'


def _row(row: texts.Row, *, has_invalid: bool) -> str:
    events, invalid = row.counted
    kind = "number bad" if invalid else "number"
    cell = f'<td class="{kind}">{invalid:,}</td>' if has_invalid else ""
    broken = 100 * row.share * invalid / events
    return (
        f'<tr><td class="name">{_text(row.name)}</td><td class="number">{events:,}</td>'
        f'{cell}<td class="number">{_text(texts.share(row.share))}</td>'
        '<td class="share"><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect x="0" y="0" width="{max(100 * row.share, 0.5):.2f}" height="1"/>'
        f'<rect class="bad" x="0" y="0" width="{broken:.2f}" height="1"/></svg></td></tr>'
    )


def _rules(stats: Stats) -> Iterator[str]:
    if not stats.rules:
        return
    yield "<h2>Findings</h2>"
    yield '<table><thead><tr><th>rule</th><th>severity</th><th class="number">findings</th>'
    yield "</tr></thead><tbody>"
    for rule, severity, number in texts.rules(stats):
        yield (
            f'<tr><td>{_text(rule)}</td><td>{severity}</td><td class="number">{number:,}</td></tr>'
        )
    yield "</tbody></table>"


def _gaps(stats: Stats) -> Iterator[str]:
    if gaps := texts.gaps(stats):
        yield "<h2>Gaps</h2>"
        yield '<p class="quiet">Pauses far longer than the usual one.</p><ul>'
        yield from (f"<li>{_text(gap)}</li>" for gap in gaps)
        yield "</ul>"
