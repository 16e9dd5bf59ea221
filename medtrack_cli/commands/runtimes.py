"""From what is typed before a command, and the options that it shares, to its Runtime."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import typer

from medtrack_cli.commands.forms import Output, forms
from medtrack_cli.core.choices import Colour
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World

NO_FLAGS = frozenset({"quiet", "verbose", "color", "no_color", "help"})  # of the configuration


class Shared:
    """What came before the command: the world, all that was typed, its global options."""

    def __init__(
        self, world: World, colour: Colour = Colour.AUTO, typed: Sequence[str] = ()
    ) -> None:
        self.world, self.colour, self.typed = world, colour, typed
        self.before: dict[str, Any] = {}

    def print_help(self, context: typer.Context) -> None:
        """Print the help of a command or a group."""
        Runtime(self.world, colour=self.colour).print_help(context.command_path)


def runtime_for(
    shared: Shared, typed: Mapping[str, Any], output: StrEnum | None, piped: Output
) -> Runtime:
    """Make the Runtime of a command; `typed` are the options that it shares with others."""
    before = shared.before
    # A text typed as "" is kept: it is a vhost's name, or an error, but never a default.
    merged = {
        name: before.get(name) if value in {None, False} else value for name, value in typed.items()
    }
    out, err = forms(shared.world, output, piped)
    flags = {name: value for name, value in merged.items() if name not in NO_FLAGS}
    return Runtime(
        world=shared.world,
        flags={name: str(value) for name, value in flags.items() if value not in {None, False}},
        output=out,
        told=err,
        quiet=bool(merged["quiet"]),
        verbose=typed["verbose"] + before.get("verbose", 0),
        colour=shared.colour,
        typed=shared.typed,
    )
