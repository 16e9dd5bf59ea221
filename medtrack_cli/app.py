"""The command line: global options, and the tuple of commands."""

from typing import Annotated

import typer

from medtrack_cli import __version__
from medtrack_cli.commands import (
    broker,
    config,
    demo,
    explain,
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
    help_when_alone,
    with_examples,
)

COMMANDS = (publish, listen, validate, replay, stats, schema, config, broker, demo, explain)
"""Each has a `register(app)`; the order is that of the help."""

SUMMARY = "Publish, listen, validate and replay MedTrack's events on RabbitMQ."
EXAMPLES = (
    "medtrack demo",
    "medtrack validate sample-events",
    "medtrack publish student.created --count 1",
    "medtrack listen 'student.*'",
)

app = typer.Typer(
    name="medtrack",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # tracebacks with locals would show secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 -- typer's callback
    if wanted:
        typer.echo(f"medtrack {__version__}")
        raise typer.Exit


@app.callback(help=with_examples(SUMMARY, EXAMPLES))
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
    """Keep the global options for the command, or print the help where none was typed."""
    shared: Shared = context.obj
    shared.before = {
        "config": config,
        "profile": profile,
        "quiet": quiet,
        "verbose": verbose,
        "no_color": no_color,
    }
    help_when_alone(context)


for module in COMMANDS:
    module.register(app)
