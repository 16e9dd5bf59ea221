"""What the screen shows while the log is held: the kept events, one of them, or the help."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.text import Text

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.output.event_rows import routing_key
from medtrack_cli.output.live.controls import Controls, nearest
from medtrack_cli.output.live.kept import Entry
from medtrack_cli.output.live.keyboard import HELP
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.wrapping import aligned
from medtrack_cli.plural import counted

CURSOR = 2
"""Columns before a row of the list."""


def listing(
    shown: Sequence[Entry],
    controls: Controls,
    row_of: Callable[[CheckedDelivery], Text],
    cursor: str,
    height: int,
) -> list[Text]:
    """List the kept events around the selected one, which has a cursor."""
    place = nearest([entry.number for entry in shown], controls.selected)
    first = max(0, min(place - height // 2, len(shown) - height))
    rows = []
    for number, entry in enumerate(shown[first : first + height], start=first):
        row = row_of(entry.seen)
        highlight(row, controls.query)
        line = Text.assemble((f"{cursor if number == place else ' '} ", "bold yellow"), row)
        if number == place:
            line.stylize("bold")
        rows.append(line)
    return rows


def highlight(row: Text, query: str) -> None:
    """Mark what a search has found."""
    if query:
        row.highlight_words([query], "reverse", case_sensitive=False)


def reading(title: Text, lines: Sequence[Text], controls: Controls, height: int) -> list[Text]:
    """Show the lines that fit, from the one scrolled to.

    The title says which if they aren't all.
    """
    top = max(0, min(controls.top, len(lines) - height))
    part = lines[top : top + height]
    if len(part) < len(lines):
        title.append(f"  lines {top + 1:,} to {top + len(part):,} of {len(lines):,}", "dim")
    return [line.copy() for line in part]


def help_lines(width: int) -> list[Text]:
    """Name all keys, their meanings broken between words."""
    texts = []
    for (keys, _), lines in zip(HELP, aligned(HELP, width), strict=True):
        first, *rest = map(Text, lines)
        first.stylize("bold", 0, len(keys))
        texts += [first, *rest]
    return texts


def prompt(typed: str, width: int) -> Text:
    """Show the end of what is being typed."""
    room = max(width - 2, 1)
    shown = safe_text(typed)[-room:]
    while cell_len(shown) > room:
        shown = shown[1:]
    return Text.assemble((f"/{shown}", "bold"), ("_", "bold yellow"))


def list_title(shown: Sequence[Entry], kept: int, controls: Controls, *, reveal: bool) -> Text:
    """Describe what is listed."""
    part = "" if len(shown) == kept else f"{len(shown):,} of "
    title = Text(f"{part}the last {counted(kept, 'event')}", "bold")
    if controls.only is not None:
        only = routing_key(controls.only, reveal=reveal)
        title.append(f", only {only}", "bold yellow")
    if controls.query:
        found = sum(entry.holds(controls.query) for entry in shown)
        title.append(f", {found:,} with {safe_text(controls.query)}", "bold yellow")
    return title
