#!/usr/bin/env python3
"""Write the man pages of all commands into a folder: man_pages.py DIR."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from medtrack_cli import __version__
from medtrack_cli.command_line import Command, command_line, inner
from medtrack_cli.output.shown.help_page import described, usage

ESCAPES = str.maketrans(
    {"\\": "\\e", "-": "\\-", "…": "...", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti", "`": "\\(ga"}
)


def write_man_pages(folder: Path) -> None:
    """Write a page for each command, such as medtrack-queue-list.1."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in command_line()["commands"]:
        (folder / f"{title(command)}.1").write_text("\n".join(page(command)) + "\n", "ascii")


def page(command: Command) -> Iterator[str]:
    """Give the lines of a page."""
    yield f'.TH "{roff(title(command).upper())}" 1 "" "medtrack {__version__}" "medtrack"'
    yield from (".SH NAME", f"{roff(title(command))} \\- {roff(command['summary'].rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {roff(usage(command))}")
    if command["description"]:
        yield ".SH DESCRIPTION"
    for paragraph in command["description"]:
        yield from (".PP", roff(paragraph))
    if commands := inner(command):
        yield from (".SH COMMANDS", *terms((each["name"], each["summary"]) for each in commands))
    yield ".SH OPTIONS"
    parameters = [*command["arguments"], *command["options"]]
    for group, given in groupby(parameters, key=lambda each: each["group"]):
        yield from (f".SS {roff(group)}", *terms(map(described, given)))
    known = command_line()
    if commands:
        yield ".SH ENVIRONMENT"
        yield from terms(known["environment"].items())
    yield ".SH EXIT STATUS"
    codes = command["exit_codes"] if command["effect"] else [*map(int, known["exit_codes"])]
    yield from terms((str(code), known["exit_codes"][str(code)]) for code in codes)
    yield ".SH EXAMPLES"
    for example in command["examples"]:
        yield from (".PP", ".RS 4", ".nf", roff(example), ".fi", ".RE")
    others = [*commands, *(each for each in known["commands"] if command in inner(each))]
    if others:
        yield ".SH SEE ALSO"
        yield ", ".join(f"\\fB{roff(title(each))}\\fP(1)" for each in others)


def terms(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lay out names and their meanings."""
    for name, meaning in rows:
        yield from (".TP", f".B {roff(name.strip())}", roff(meaning))


def title(command: Command) -> str:
    """Name a page."""
    return command["name"].replace(" ", "-")


def roff(text: str) -> str:
    """Escape what roff would read as its own."""
    escaped = text.translate(ESCAPES)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    write_man_pages(Path(sys.argv[1]))
