"""Configuration files: created, described, checked."""

from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.config.keys import json_schema
from medtrack_cli.config.loader import load
from medtrack_cli.config.locations import PROJECT_FILE, create_user_config
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.config.model import Config

__all__ = ["checked", "create_user_config", "json_schema"]


def checked(runtime: Runtime, file: Path | None) -> "Config":
    """Load the configuration that would be used, or a file; ConfigError, with its place.

    A medtrack.yaml is read as in its folder, as a project's file; any other as by --config.
    """
    if file is None:
        return runtime.config
    world, flags = runtime.world, {**runtime.flags, "config": str(file)}
    environ, cwd = dict(world.environ), world.cwd
    if file.name == PROJECT_FILE and (cwd / file).is_file():
        del flags["config"]
        environ.pop("MEDTRACK_CONFIG", None)
        cwd = (cwd / file).parent
    return load(flags=flags, environ=environ, cwd=cwd)
