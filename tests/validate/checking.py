"""Running `medtrack validate` in this process: the whole command, in a world of the test's own."""

import io
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from medtrack_cli.commands import validate as command
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World
from tests.cli.tool import Ran
from tests.running import run

validate = partial(run, "validate")


def findings(name: str, content: bytes | str, as_type: str | None = None) -> list[dict[str, Any]]:
    """Check one file of this name and content, the command line left out: it takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        out = io.StringIO()
        world = World(stdout=out, stderr=io.StringIO(), environ={}, cwd=Path(folder))
        command.validate(
            *(Runtime(world), [str(path)]),
            checking=command.Checking(as_type=as_type),
            reporting=command.Reporting(output=["json"], reveal=True),
        )
        return Ran(0, out.getvalue(), "").of_kind("finding")


def rules(found: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Only the rules and pointers, sorted."""
    return sorted((each["rule"], each["pointer"]) for each in found)


def places(found: Iterable[dict[str, Any]]) -> list[tuple[str, int, int, int]]:
    """Only the rules and places."""
    return [(each["rule"], each["line"], each["column"], each["end_column"]) for each in found]
