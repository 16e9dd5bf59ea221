"""What --help prints."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import TextIO

from medtrack_cli.command_line import Command, Parameter, command_line, command_of, inner
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.style import Style, marks_for
from medtrack_cli.output.terminal import width_of

MOST_COLUMNS = 100
"""Longer lines are hard to read, however wide the terminal is."""

MOST_OF_NAMES = 33
"""Columns; a longer name has a line of its own."""

_DOCS = (
    "docs/ in medtrack's source: docs/cli.md has every help, docs/configuration.md the profiles, "
    "docs/explain.md what each code means."
)

Sections = dict[str, list[tuple[str, str]]]
"""Headings, and rows of a name and its meaning; a row without a name is a paragraph."""


def help_text(path: str, stdout: TextIO, *, has_colours: bool) -> str:
    """Give the help of a command or a group; LookupError: there is none."""
    sheet = Sheet(width_of(stdout), marks_for(stdout.encoding), Style(on=has_colours))
    return "".join(f"{line}\n" for line in help_lines(command_of(path), sheet))


def help_lines(command: Command, sheet: Sheet) -> Iterator[str]:
    """Give the lines of a help. Those of examples stay whole, so that they can be copied."""
    width, style = min(sheet.width, MOST_COLUMNS), sheet.style
    commands = inner(command)
    yield from paragraph(command["summary"], width)
    yield ""
    yield style("Examples:", "bold")
    yield from (f"  {example}" for example in command["examples"])
    if commands:
        yield ""
        yield "new here? medtrack demo"
    yield ""
    first, *rest = paragraph(f"Usage: {usage(command)}", width)
    yield first.replace("Usage:", style("Usage:", "bold"))
    yield from rest
    for text in command["description"]:
        yield ""
        yield from paragraph(text, width)
    parameters = [*command["arguments"], *command["options"]]
    for part in (
        _sections((each["group"] or "", _command(each)) for each in commands),
        _sections((each["group"], described(each)) for each in parameters),
        *([] if " " in command["name"] else _closing()),
    ):
        widest = max((len(name) for rows in part.values() for name, _ in rows), default=0)
        column = min(widest + 4, MOST_OF_NAMES)
        for title, rows in part.items():
            yield ""
            yield style(f"{title}:", "bold")
            for row in rows:
                yield from _row(*row, column, width)


def usage(command: Command) -> str:
    """Give the form of a command's line."""
    operands = [
        each["metavar"] if each["required"] else f"[{each['metavar']}]"
        for each in command["arguments"]
    ]
    inside = [] if command["effect"] else ["COMMAND"]
    return " ".join([command["name"], *operands, *inside, "[OPTIONS]"])


def _sections(rows: Iterable[tuple[str, tuple[str, str]]]) -> Sections:
    sections: Sections = {}
    for title, row in rows:
        sections.setdefault(title, []).append(row)
    return sections


def _command(command: Command) -> tuple[str, str]:
    return command["name"].rpartition(" ")[2], command["summary"]


def described(parameter: Parameter) -> tuple[str, str]:
    """Give the names of an option and its value, and its meaning."""
    names, metavar, text = parameter["names"], parameter["metavar"], parameter["help"]
    if not names:
        return metavar, text
    if parameter["default"]:
        text = f"{text.rstrip('.')} [{parameter['default']}]."
    label = " " * 4 * names[0].startswith("--") + ", ".join(names)  # below "-f, --file"
    return f"{label} {metavar}".rstrip(), text


def _closing() -> list[Sections]:
    """End the help of medtrack itself: exit codes, variables, and further documentation."""
    known = command_line()
    rest = {"Environment": [*known["environment"].items()], "Docs": [("", _DOCS)]}
    return [{"Exit codes": [*known["exit_codes"].items()]}, rest]


def _row(name: str, text: str, column: int, width: int) -> Iterator[str]:
    """Write a name with its meaning beside it, or below it where there is too little room."""
    if not name:
        yield from paragraph(text, width, "  ")
        return
    is_narrow = column * 2 > width
    lines = paragraph(text, width, " " * (8 if is_narrow else column))
    if is_narrow or len(name) + 4 > column:
        yield f"  {name}"
    else:
        lines[0] = f"  {name:{column - 2}}{lines[0].lstrip()}"
    yield from lines


def paragraph(text: str, width: int, indent: str = "") -> list[str]:
    """Break a text into lines between words, never within one."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
