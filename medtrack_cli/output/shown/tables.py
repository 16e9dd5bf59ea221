"""Tables that fit a terminal: where it has no room for all columns, some are left out."""

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain

from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.wrapping import aligned, columns, longest_word


def table(
    sheet: Sheet,
    cells: Mapping[str, Sequence[str]],
    left_out_first: Sequence[str],
    broken: Container[str] = (),
    *,
    heading: bool = True,
) -> Iterator[str]:
    """Give the lines of columns, each with its title first; some may be `broken` between words.

    JSON has all that is left out.
    """
    kept = dict(cells)
    for name in left_out_first:
        least = (
            max(map(longest_word if each in broken else columns, column))
            for each, column in kept.items()
        )
        if sheet.room is None or sum(least) + 2 * len(kept) - 2 <= sheet.room:
            break
        del kept[name]
    rows = list(zip(*kept.values(), strict=True))
    whole = [each not in broken for each in kept]
    titles, *lines = aligned(rows, sheet.room, whole=whole)
    if heading:
        yield from (sheet.style(line, "dim") for line in titles)
    yield from chain.from_iterable(lines)
