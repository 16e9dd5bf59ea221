"""Starting private brokers in tests, and looking at their processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

from medtrack_cli import private_broker as private
from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.private_broker import node as private_node
from medtrack_cli.private_broker.server import Server

START = """
import json, os, sys
from pathlib import Path
from medtrack_cli import private_broker as private
started = private.start(Path(sys.argv[1]), environ=os.environ, announce=print)
print(json.dumps([started.already_running, started.pid, started.amqp_port]))
"""


def start(state: Path, **environ: str) -> PrivateBroker:
    """Start a broker with a few variables more than the suite's own."""
    return private.start(state, environ={**os.environ, **environ}, announce=print)


def start_process(state: Path) -> subprocess.Popen[str]:
    """Start a broker from a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", START, state], stdout=subprocess.PIPE, text=True, process_group=0
    )


def command_lines() -> str:
    """List the command line of every process."""
    listed = subprocess.run(
        ["ps", "axww", "-o", "args="], capture_output=True, text=True, check=True
    )
    return listed.stdout


def token(state: Path) -> str:
    """Read the mark of a folder's processes."""
    node = private_node.load(state)
    assert node is not None
    return node.token


def await_runtime(state: Path) -> None:
    """Wait until a starting broker's Erlang runtime is up."""
    until = time.monotonic() + 20
    while (node := private_node.load(state)) is None or Server(node, state).pid is None:
        assert time.monotonic() < until, "the broker never got as far as its runtime"
        time.sleep(0.02)
