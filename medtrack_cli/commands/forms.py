"""The forms of output, chosen by what was typed and by where stdout and stderr lead."""

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

from medtrack_cli.core.choices import Colour
from medtrack_cli.world import World


class Output(StrEnum):
    """The forms of output that every command has."""

    HUMAN = "human"
    JSON = "json"


def form_of(output: StrEnum | list[str] | None) -> StrEnum | None:
    """Choose the form of notes and errors when a command has outputs of its own."""
    if isinstance(output, list):
        return Output.JSON if Output.JSON in output else Output.HUMAN
    return output


def forms(world: World, output: StrEnum | None, piped: StrEnum) -> tuple[StrEnum, StrEnum]:
    """Choose the forms of stdout and stderr by what was asked for, and by where they lead.

    Without a wish, a person before stderr reads sentences there whatever stdout gets.
    """
    if output is not None:
        return output, output
    out = Output.HUMAN if world.stdout.isatty() else piped
    return out, Output.HUMAN if world.stderr.isatty() else out


def asked_for(arguments: Sequence[str]) -> Output | None:
    """Find the form that a command line asks for, be the rest of it as it may."""
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
    """Find the last --color or --no-color, wherever it stands; Typer refuses wrong values."""
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
