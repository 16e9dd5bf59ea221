"""The whole command line as data, for help, `spec`, completion and the docs, without Typer.

`make docs` reads it off the commands into command_line.json.
"""

import json
from functools import cache
from typing import Any, Literal, TypedDict

Effect = Literal["read", "write", "destructive"]


class Parameter(TypedDict):
    """An argument, which has no names, or an option; a flag has no metavar."""

    names: list[str]
    metavar: str
    help: str
    group: str
    type: str
    choices: list[str]
    default: Any
    environment: str | None
    required: bool
    repeatable: bool
    hidden: bool
    completed_by: str | None


class Command(TypedDict):
    """A command, or a group, which has no effect of its own."""

    name: str
    summary: str
    description: list[str]
    examples: list[str]
    group: str | None
    effect: Effect | None
    kinds: list[str]
    exit_codes: list[int]
    arguments: list[Parameter]
    options: list[Parameter]


class CommandLine(TypedDict):
    """All commands, a group before those in it, and what they share."""

    commands: list[Command]
    exit_codes: dict[str, str]
    environment: dict[str, str]
    configuration: dict[str, str]


@cache
def command_line() -> CommandLine:
    """Read it, out of a zip file, too."""
    path = f"{__file__.rpartition('.')[0]}.json"
    known: CommandLine = json.loads(__loader__.get_data(path))  # type: ignore[name-defined]
    return known


def command_of(path: str) -> Command:
    """Find a command by its words, "medtrack queue list"; LookupError: there is none."""
    return {each["name"]: each for each in command_line()["commands"]}[path]


def inner(command: Command) -> list[Command]:
    """Give the commands in a group."""
    before = f"{command['name']} "
    found = [each for each in command_line()["commands"] if each["name"].startswith(before)]
    return [each for each in found if " " not in each["name"].removeprefix(before)]
