"""medtrack config show, init, path, check, schema."""

import json
from pathlib import Path

from medtrack_cli.commands.options import Group, Panel, argument, command
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode
from medtrack_cli.output.shown.shown import Page, Rows
from medtrack_cli.runtime import Runtime


@command(
    "show",
    "medtrack config show",
    "medtrack config show --profile medtrack",
    effect="read",
    connects=True,
)
def show(runtime: Runtime) -> int:
    """Show every setting, and where it comes from.

    Secrets are masked.
    """
    rows = [(name, value.value, value.source) for name, value in runtime.config.values()]
    runtime.printer.show(Rows(Kind.SETTING, ("name", "value", "source"), rows))
    return ExitCode.DONE


@command("init", "medtrack config init", effect="write")
def init(runtime: Runtime) -> int:
    """Create your configuration file.

    Every setting is explained in it.
    """
    from medtrack_cli.wiring.configuration import create_user_config

    path = create_user_config(runtime.world.environ)
    runtime.printer.show(Page(Kind.CREATED, {"path": str(path)}, f"created {path}"))
    return ExitCode.DONE


@command("path", "medtrack config path", effect="read")
def path(runtime: Runtime) -> int:
    """List the files that are looked for."""
    rows = [(str(each.path), each.kind, each.exists) for each in runtime.config_files()]
    runtime.printer.show(Rows(Kind.FILE, ("path", "belongs_to", "exists"), rows))
    return ExitCode.DONE


@command("check", "medtrack config check", "medtrack config check -o json", effect="read")
def check(
    runtime: Runtime,
    file: Path | None = argument("FILE", "Check this file.", default=None),
) -> int:
    """Check the configuration; no broker is asked.

    It is the one that would be used here, or FILE: a medtrack.yaml as in its folder, any other
    as by --config. Exit code 78, with the file and the line, when it can't be used.
    """
    from medtrack_cli.wiring.configuration import checked

    config = checked(runtime, file)
    files = [str(each.path) for each in config.files if each.exists]
    record = {"files": files, "profile": config.profile, "profiles": list(config.profiles)}
    text = f"the profile {config.profile} can be used, of {', '.join(config.profiles)}"
    read = [f"{each} is right" for each in files] or ["there is no configuration file"]
    runtime.printer.show(Page(Kind.CONFIGURATION, record, "\n".join([*read, text])))
    return ExitCode.DONE


@command("schema", "medtrack config schema > medtrack.schema.json", effect="read")
def schema(runtime: Runtime) -> int:
    """Print a JSON Schema of medtrack.yaml.

    It is for editors. Those with the YAML language server find it by a file's first line: #
    yaml-language-server: $schema=medtrack.schema.json
    """
    from medtrack_cli.wiring.configuration import json_schema

    runtime.world.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
    return ExitCode.DONE


config = Group(
    "config",
    "Show and set up the connection profiles.",
    ["medtrack config show", "medtrack config init"],
    Panel.SET_UP,
    (show, init, path, check, schema),
)
