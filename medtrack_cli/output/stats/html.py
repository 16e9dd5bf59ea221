"""Statistics as one self-contained page of HTML: no script, no font, no network."""

import os
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from medtrack_cli import __version__
from medtrack_cli.core.statistics.counts import Stats
from medtrack_cli.errors import CannotCreate
from medtrack_cli.output.stats import texts
from medtrack_cli.output.stats.markup import Bar, Cell, Number, charts, shown, table_of

BEGINNING = "<!doctype html>"


def refuse_place(path: Path) -> None:
    """Raise CannotCreate where no page can be written, or where it would replace another file."""
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
    """Return whether a file begins like such a page, or is empty."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(BEGINNING)).lower() in {b"", BEGINNING.encode()}
    except OSError:
        return False


def stats_html(stats: Stats, subject: str) -> str:
    """Write the page; `subject` names what was read. All text in it is escaped and masked."""
    style = files(__package__).joinpath("stats.css").read_text("utf-8")
    title = shown(f"Statistics of {subject}")
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
            *charts(stats),
            *_tables(stats),
            *_findings(stats),
            *_gaps(stats),
            "</body>",
            "</html>\n",
        ]
    )


def _policy(style: str) -> str:
    """Allow only this style sheet."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    rules = (f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'")
    return "; ".join(["default-src 'none'", *rules])


def _facts(stats: Stats) -> Iterator[str]:
    yield '<dl class="facts">'
    for label, text in texts.facts(stats):
        kind = ' class="bad"' if label == "invalid" else ""
        yield f"<div{kind}><dt>{shown(label)}</dt><dd>{shown(text)}</dd></div>"
    yield "</dl>"


def _tables(stats: Stats) -> Iterator[str]:
    invalid = [Number("invalid")] if stats.invalid else []
    for table in texts.tables(stats):
        heads: list[Cell] = [
            table.title,
            Number("events"),
            *invalid,
            Number("share"),
            "share as a bar",
        ]
        rows = (_cells(row, has_invalid=stats.invalid > 0) for row in table.rows)
        yield f"<h2>By {shown(table.title)}</h2>"
        yield from table_of(f"Events by {table.title}, the most frequent first", heads, rows)
        if table.rest:
            yield f'<p class="quiet">{shown(table.rest)}</p>'


def _cells(row: texts.Row, *, has_invalid: bool) -> list[Cell]:
    events, invalid = row.counted.events, row.counted.invalid
    wrong = [Number(f"{invalid:,}", invalid > 0)] if has_invalid else []
    share = Number(texts.share(row.share))
    return [row.name, Number(f"{events:,}"), *wrong, share, Bar(row.share, invalid / events)]


def _findings(stats: Stats) -> Iterator[str]:
    if not stats.rules:
        return
    yield "<h2>Findings</h2>"
    by_rule: list[list[Cell]] = [
        [rule, kind, Number(f"{number:,}")] for rule, kind, number in texts.rules(stats)
    ]
    yield from table_of("Findings by rule", ["rule", "severity", Number("findings")], by_rule)
    groups, rest = texts.findings(stats)
    heads: list[Cell] = [
        "rule",
        "event type",
        "field",
        "service",
        Number("findings"),
        "when",
        "first places",
    ]
    caption = "Findings by rule, event type, field and service"
    yield from table_of(caption, heads, map(_group, groups))
    if rest:
        yield f'<p class="quiet">{shown(rest)}</p>'


def _group(row: texts.FindingRow) -> list[Cell]:
    names = (row.rule, row.event_type, row.field, row.service)
    return [*names, Number(f"{row.findings:,}"), row.when, ", ".join(row.places)]


def _gaps(stats: Stats) -> Iterator[str]:
    if gaps := texts.gaps(stats):
        yield "<h2>Gaps</h2>"
        yield '<p class="quiet">Pauses far longer than the usual one.</p><ul>'
        yield from (f"<li>{shown(gap)}</li>" for gap in gaps)
        yield "</ul>"
