#!/usr/bin/env python3
"""Print the body of docs/cli.md, the real --help of every command. Called by cog, too."""

import sys
from io import StringIO
from typing import cast

from medtrack_cli.command_line import command_line
from medtrack_cli.dispatch import run
from medtrack_cli.world import World


def help_of(name: str) -> str:
    """Give a command's help as a terminal of 80 columns shows it."""
    world = World(stdout=StringIO(), environ={})
    run(world, [*name.split()[1:], "--help"])
    return cast("StringIO", world.stdout).getvalue().strip()


def pages() -> str:
    """Give a section for each command."""
    return "\n\n".join(
        f"## {each['name']}\n\n```text\n{help_of(each['name'])}\n```"
        for each in command_line()["commands"]
    )


if __name__ == "__main__":
    sys.stdout.write(pages() + "\n")
