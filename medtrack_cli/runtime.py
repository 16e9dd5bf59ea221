"""What a command is given: its world, and the values of the options that all commands share.

`wiring/` uses it to put adapters together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from medtrack_cli.core.choices import Colour
from medtrack_cli.core.ports import Note
from medtrack_cli.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from medtrack_cli.config.locations import LookedAt
    from medtrack_cli.config.model import Config
    from medtrack_cli.core.connection_settings import ConnectionSettings
    from medtrack_cli.events.registry import Registry
    from medtrack_cli.output.printer import Printer
    from medtrack_cli.output.terminal import Terminal


@dataclass(frozen=True)
class Runtime:
    """A command's world, seen through the options that all commands share.

    `flags` are the connection and configuration options typed, by name.
    """

    world: World
    flags: Mapping[str, str] = field(default_factory=dict)
    output: str = "human"  # the format of stdout
    told: str = "human"  # the format of stderr
    quiet: bool = False
    verbose: int = 0
    colour: Colour = Colour.AUTO
    typed: Sequence[str] = ()  # the whole command line

    @cached_property
    def printer(self) -> "Printer":
        """Where the command prints."""
        if self.output != "json":
            return self._for_people()
        from medtrack_cli.output.json_printer import JsonPrinter

        people = None if self.told == "json" else self._for_people()
        out, err = self.world.stdout, self.world.stderr
        return JsonPrinter(out, err, quiet=self.quiet, people=people)

    def _for_people(self) -> "Printer":
        world = self.world
        from medtrack_cli.output.human_printer import HumanPrinter

        return HumanPrinter(
            world.stdin,
            world.stdout,
            world.stderr,
            quiet=self.quiet,
            verbose=self.verbose,
            wants_colour=self.wants_colour,
            can_draw=world.environ.get("TERM") != "dumb",
        )

    def wants_colour(self, stream: TextIO) -> bool:
        """Return whether output on a stream is coloured."""
        from medtrack_cli.output.style import wants_colour

        return wants_colour(stream, self.world.environ, self.colour)

    def print_help(self, path: str) -> None:
        """Print the help of a command, without the printers, whose import takes too long."""
        from medtrack_cli.output.shown.help_page import help_text

        stdout = self.world.stdout
        stdout.write(help_text(path, stdout, has_colours=self.wants_colour(stdout)))
        stdout.flush()

    @cached_property
    def terminal(self) -> "Terminal":
        """Where a person can be asked."""
        from medtrack_cli.output.terminal import Terminal

        return Terminal(self.world.stdin, self.world.stderr)

    @cached_property
    def config(self) -> "Config":
        """Flags, environment and files, read once, on first use."""
        from medtrack_cli.config.loader import load

        def private() -> Mapping[str, str]:
            from medtrack_cli.private_broker import settings

            return settings(self.world.environ)

        return load(
            flags=self.flags,
            environ=self.world.environ,
            cwd=self.world.cwd,
            prompt=self.terminal.ask_secret if self.terminal.has_person else None,
            private=private,
        )

    def tell_what_is_set_aside(self) -> None:
        """Name the variables that lead to another broker than the typed profile."""
        from medtrack_cli.config.loader import set_aside

        if names := set_aside(self.flags, self.world.environ):
            self.printer.warning(f"--profile counts, not {', '.join(names)}")

    @cached_property
    def registry(self) -> "Registry":
        """The known event types: the built-in ones and those of the `schemas` folders.

        Raises BrokenSchema when a schema there can't be used.
        """
        from medtrack_cli.events.registry import built_in

        if not self.schema_folders:
            return built_in()
        from medtrack_cli.files.schemas.folders import registry_of

        return registry_of(self.schema_folders)

    @cached_property
    def schema_folders(self) -> "Sequence[Path]":
        """The folders of added event types.

        Without a file none is named, and the rest of the configuration isn't read.
        """
        has_file = any(each.exists or each.kind == "explicit" for each in self.config_files())
        return self.config.schemas if has_file else ()

    @cached_property
    def connection(self) -> "ConnectionSettings":
        """The broker to connect to. Warns once when the password would be sent unencrypted."""
        import random

        settings = self.config.connection(random.Random())  # noqa: S311 -- spreads load
        if self.config.password_is_typed:
            self.printer.warning(
                "the password in --url can be read by every user of this machine: use MEDTRACK_URL"
            )
        own = "profile" in self.flags and self.config.password_is_profiles
        if own and self.world.environ.get("MEDTRACK_PASSWORD"):
            self.printer.warning("--profile counts, not MEDTRACK_PASSWORD: it has its own password")
        for warning in settings.warnings:
            self.printer.warning(warning)
        return settings

    def config_files(self) -> "Sequence[LookedAt]":
        """List the configuration files that are searched."""
        from medtrack_cli.config.locations import paths

        return paths(self.world.environ, self.world.cwd, self.flags.get("config"))

    @property
    def trace(self) -> Note | None:
        """Where details are printed with -v."""
        return self.printer.note if self.verbose else None
