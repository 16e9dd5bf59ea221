"""Parts of the page: escaped texts, and tables that screen readers can read."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from medtrack_cli.output.safe_text import safe_text


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
