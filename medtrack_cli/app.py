"""The command line: global options, and the tuple of commands."""

from typing import Annotated

import typer

from medtrack_cli import __version__
from medtrack_cli.commands import (
    broker,
    config,
    demo,
    listen,
    publish,
    replay,
    schema,
    stats,
    validate,
)
from medtrack_cli.commands.options import (
    ConfigOption,
    NoColorOption,
    ProfileOption,
    QuietOption,
    Shared,
    VerboseOption,
)

COMMANDS = (publish, listen, validate, replay, stats, schema, config, broker, demo)
"""Each has a `register(app)`; the order is that of the help."""

app = typer.Typer(
    name="medtrack",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # tracebacks with locals would show secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 -- typer's callback
    if wanted:
        typer.echo(f"medtrack {__version__}")
        raise typer.Exit


@app.callback()
def main(  # noqa: PLR0913 -- one parameter an option
    context: typer.Context,
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = 0,
    no_color: NoColorOption = False,
    version: Annotated[  # noqa: ARG001 -- its callback has done all
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Publish, listen, validate and replay MedTrack's events on RabbitMQ."""
    shared: Shared = context.obj
    shared.before = {
        "config": config,
        "profile": profile,
        "quiet": quiet,
        "verbose": verbose,
        "no_color": no_color,
    }


for module in COMMANDS:
    module.register(app)
