"""medtrack config show, init, path."""

import typer

from medtrack_cli.commands.options import command, group
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.shown import Page
from medtrack_cli.runtime import Runtime


def show(runtime: Runtime) -> int:
    """Show every setting with its source; secrets are masked."""
    rows = [(name, value.value, value.source) for name, value in runtime.config.values()]
    runtime.printer.rows(Kind.SETTING, ("name", "value", "source"), rows)
    return ExitCode.DONE


def init(runtime: Runtime) -> int:
    """Create your configuration file, with every setting explained."""
    from medtrack_cli.wiring.configuration import create_user_config

    path = create_user_config(runtime.world.environ)
    runtime.printer.show(Page(Kind.CREATED, {"path": str(path)}, f"created {path}"))
    return ExitCode.DONE


def path(runtime: Runtime) -> int:
    """Show which configuration files are looked for, and which exist."""
    rows = [(str(each.path), each.kind, each.exists) for each in runtime.config_files()]
    runtime.printer.rows(Kind.FILE, ("path", "belongs_to", "exists"), rows)
    return ExitCode.DONE


def register(app: typer.Typer) -> None:
    """Add the commands."""
    added = group(
        app,
        "config",
        "The profiles, and where each value came from.",
        examples=["medtrack config show", "medtrack config init"],
    )
    command(
        added,
        "show",
        examples=["medtrack config show", "medtrack config show --profile medtrack"],
        connects=True,
    )(show)
    command(added, "init", examples=["medtrack config init"])(init)
    command(added, "path", examples=["medtrack config path"])(path)
