"""Making .venv says what it does, and on a terminal that it lives."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.pty_run import on_terminal
from tests.cli.tool import Tool

ROOT = Path(__file__).parents[2]

# Stands for the real one, which may take minutes: the step that installs takes two seconds.
UV = """#!/bin/sh
case "$*" in
*--require-hashes*) [ -z "$FAILS" ] && sleep 2.2 ;;
*) mkdir -p .venv ;;
esac
"""
LINES = [
    "env: making .venv with uv",
    "env: installing requirements/dev.txt",
    "env: installing medtrack itself",
]


@pytest.fixture
def script(tool: Tool) -> Path:
    """Give the script in a folder of its own, with a slow uv first on PATH."""
    (tool.folder / "scripts").mkdir()
    copied = Path(shutil.copy(ROOT / "scripts/make_env.sh", tool.folder / "scripts"))
    uv = tool.folder / "bin/uv"
    uv.parent.mkdir()
    uv.write_text(UV)
    uv.chmod(0o755)
    return copied


def test_a_terminal_sees_that_it_lives(tool: Tool, script: Path) -> None:
    """Seconds are counted while a step lasts, and cleared after it."""
    path = f"{script.parents[1]}/bin:{os.environ['PATH']}"
    code, seen = on_terminal(tool, command=["bash", str(script)], PATH=path)
    assert code == 0
    assert b"\r\x1b[Kenv: 1 s" in seen
    shown = [line.rpartition("\x1b[K")[2] for line in seen.decode().split("\r\n")]
    assert [line for line in shown if line] == LINES
    assert (tool.folder / ".venv/made").exists()


def test_a_log_gets_plain_lines(tool: Tool, script: Path) -> None:
    """Elsewhere each step has one line; one that fails ends it, with nothing made."""
    path = f"{script.parents[1]}/bin:/usr/bin:/bin"
    environ = {**tool.environ, "PATH": path, "FAILS": "yes", "PYTHON": "false"}
    ran = subprocess.run(["bash", script], env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[:2] == LINES[:2]
    assert "\r" not in ran.stderr
    assert not (tool.folder / ".venv/made").exists()
