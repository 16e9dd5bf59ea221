"""The formats of output, chosen by options and by where stdout and stderr lead."""

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from medtrack_cli.core.choices import Colour
from medtrack_cli.world import World


class Output(StrEnum):
    """The formats of output that every command has."""

    HUMAN = "human"
    JSON = "json"


def form_of(output: StrEnum | list[str] | None) -> StrEnum | None:
    """Choose the format of notes and errors for a command with its own outputs."""
    if isinstance(output, list):
        return Output.JSON if Output.JSON in output else Output.HUMAN
    return output


def forms(world: World, output: StrEnum | None, piped: StrEnum) -> tuple[StrEnum, StrEnum]:
    """Choose the formats of stdout and stderr by options, and by where they lead.

    By default, a person's terminal on stderr gets sentences, whatever stdout gets.
    """
    if output is not None:
        return output, output
    out = Output.HUMAN if world.stdout.isatty() else piped
    return out, Output.HUMAN if world.stderr.isatty() else out


def asked_for(arguments: Sequence[str]) -> Output | None:
    """Find the format that a command line asks for, even if the rest of it is wrong."""
    asked = None
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        if found := re.fullmatch("(?:-[qv]*o|--output=)=?(.*)|--output", word):
            asked = found[1] or next(words, None)
    if asked is None:
        return None
    return Output.JSON if asked == Output.JSON else Output.HUMAN


def typed_colour(arguments: Sequence[str]) -> Colour:
    """Find the last --color or --no-color, wherever it is; Typer refuses wrong values."""
    asked = Colour.AUTO
    for text, following in pairwise([*arguments, ""]):
        name, equals, value = text.partition("=")
        if text == "--":
            break
        if text == "--no-color":
            asked = Colour.NEVER
        elif name == "--color" and (found := value if equals else following) in list(Colour):
            asked = Colour(found)
    return asked
