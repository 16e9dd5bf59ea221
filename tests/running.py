"""The tool run in this process: a whole command line, in a world of the test's own."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medtrack_cli.core.ports import Clock
from medtrack_cli.dispatch import run as run_in
from medtrack_cli.world import SystemClock, World
from tests.cli.tool import Ran
from tests.contracts.fakes import MemoryBroker


def run(  # noqa: PLR0913 -- a world has as many parts
    *arguments: str | Path,
    stdin: bytes = b"",
    folder: Path | None = None,
    broker: MemoryBroker | None = None,
    environ: Mapping[str, str] = {},
    has_bug: bool = False,
    clock: Clock | None = None,
) -> Ran:
    """Run a command line to its end; nothing of this process's environment is in it.

    The folder is its home as well, unless HOME names another; without a broker in memory it
    looks for a real one.
    """
    out, err = io.StringIO(), io.StringIO()
    doors = broker or World
    world = World(
        stdin=io.BytesIO(stdin),
        stdout=out,
        stderr=err,
        environ={"HOME": str(folder), **environ} if folder else environ,
        cwd=folder or Path("/"),
        open_publisher=doors.open_publisher,
        open_consumer=doors.open_consumer,
        open_queue_reader=doors.open_queue_reader,
        clock=clock or SystemClock(),
    )
    code = run_in(world, [str(each) for each in arguments])
    assert ("a bug in medtrack" in err.getvalue()) is has_bug, err.getvalue()
    return Ran(code, out.getvalue(), err.getvalue())


def run_json(*arguments: str | Path, **given: Any) -> Ran:
    """Run a command line that is to print JSON."""
    return run(*arguments, "-o", "json", **given)
