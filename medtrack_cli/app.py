"""The command line: global options, and the tuple of commands."""

from functools import cache
from importlib import import_module
from typing import Any

import typer

from medtrack_cli import __version__
from medtrack_cli.commands.options import (
    GLOBAL_OPTIONS,
    Panel,
    argument,
    as_parameter,
    command,
    help_when_alone,
    option,
    signed,
)
from medtrack_cli.commands.runtimes import Shared
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime

COMMANDS = (
    "publish",
    "listen",
    "validate",
    "replay",
    "stats",
    "schema",
    "doctor",
    "route",
    "topology",
    "queue",
    "archive",
    "simulate",
    "broker",
    "demo",
    "samples",
    "client",
    "config",
    "completion",
    "explain",
    "spec",
)
"""Each is a module of `commands`, and in it a command or a group; the order is that of the help."""

NAME = "medtrack"
SUMMARY = "Publish, listen, validate and replay MedTrack's events on RabbitMQ."
EXAMPLES = (
    "medtrack demo",
    "medtrack samples",
    "medtrack validate sample-events",
    "medtrack publish student.created --count 1",
    "medtrack listen 'student.*'",
)


def _version(context: typer.Context, wanted: bool) -> None:  # noqa: FBT001 -- typer's callback
    if wanted and not context.resilient_parsing:
        typer.echo(f"medtrack {__version__}")
        raise typer.Exit


VERSION = option(
    *(Panel.GENERAL, "--version", "Print the version."),
    default=False,
    callback=_version,
    is_eager=True,
)


def main(context: typer.Context, **options: object) -> None:
    """Keep the global options for the command, or print the help if there is none."""
    shared: Shared = context.obj
    shared.before = {name: options[name] for name in ("config", "profile", "quiet", "verbose")}
    help_when_alone(context)


OPTIONS = {**GLOBAL_OPTIONS, "version": (bool, VERSION)}
OPTIONS["help"] = OPTIONS.pop("help")  # comes last


@command(
    "help",
    "medtrack help",
    "medtrack help publish",
    "medtrack help schema show",
    effect="read",
    panel=Panel.SET_UP,
)
def show_help(
    runtime: Runtime,
    words: list[str] | None = argument("COMMAND…", "The command, as it is typed.", default=None),
) -> int:
    """Print the help of a command."""
    shared = Shared(runtime.world, runtime.colour)
    line = [*(words or ()), "--help"]
    return int(tree()(line, prog_name=NAME, standalone_mode=False, obj=shared) or 0)


@command("version", "medtrack version", effect="read", panel=Panel.SET_UP)
def show_version(runtime: Runtime) -> int:
    """Print the version, as --version does."""
    record = {"version": __version__}
    runtime.printer.show(Page(Kind.VERSION, record, f"medtrack {__version__}"))
    return ExitCode.DONE


@cache
def tree(name: str = "") -> Any:  # noqa: ANN401 -- typer's, not public
    """Build the commands; for a line that begins with the name of one, that one alone."""
    app = typer.Typer(
        name=NAME,
        invoke_without_command=True,
        rich_markup_mode=None,
        add_completion=False,  # `medtrack completion` has its own scripts
        pretty_exceptions_enable=False,  # tracebacks with locals would show secrets
        add_help_option=False,
    )
    options = [as_parameter(option, *declared) for option, declared in OPTIONS.items()]
    app.callback(help=SUMMARY, epilog="\n".join(EXAMPLES))(signed(main, options))
    is_one = name in COMMANDS
    for each in [name] if is_one else COMMANDS:
        getattr(import_module(f"medtrack_cli.commands.{each}"), each).add_to(app)
    if not is_one:
        show_help.add_to(app)
        show_version.add_to(app)
    return typer.main.get_command(app)
