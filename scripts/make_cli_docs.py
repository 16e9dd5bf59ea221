#!/usr/bin/env python3
"""Print the body of docs/cli.md, the real --help of every command. Called by cog, too."""

import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any, cast

import typer

from medtrack_cli.__main__ import run
from medtrack_cli.app import app
from medtrack_cli.world import World


def paths(command: Any, *path: str) -> Iterator[list[str]]:  # noqa: ANN401 -- typer's own Click
    """Name every command there is, a group before what is in it."""
    yield list(path)
    for name, inner in getattr(command, "commands", {}).items():
        yield from paths(inner, *path, name)


def help_of(path: list[str]) -> str:
    """Give a command's help as a terminal of 80 columns shows it."""
    world = World(stdout=StringIO(), environ={})
    run(world, [*path, "--help"])
    return cast("StringIO", world.stdout).getvalue().strip()


def pages() -> str:
    """Give a section for each command."""
    return "\n\n".join(
        f"## {' '.join(['medtrack', *path])}\n\n```text\n{help_of(path)}\n```"
        for path in paths(typer.main.get_command(app))
    )


if __name__ == "__main__":
    sys.stdout.write(pages() + "\n")
