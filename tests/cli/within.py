"""The tool inside the test's own process: a command line that starts nothing costs no start."""

import io

from medtrack_cli.__main__ import run
from medtrack_cli.world import World
from tests.cli.tool import Ran, Tool
from tests.contracts.fakes import MemoryBroker


def within(tool: Tool, *arguments: str, broker: MemoryBroker | None = None, **environ: str) -> Ran:
    """Run to the end in the tool's folder and environment, with a broker in memory."""
    broker = broker or MemoryBroker(wants_all=True)
    out, err = io.StringIO(), io.StringIO()
    world = World(
        stdin=io.BytesIO(),
        stdout=out,
        stderr=err,
        environ={**tool.environ, **environ},
        cwd=tool.folder,
        open_publisher=broker.open_publisher,
        open_consumer=broker.open_consumer,
    )
    code = run(world, arguments)
    return Ran(code, out.getvalue(), err.getvalue())
