"""Lines of a page or a help, run as a person would type them."""

import shlex
import subprocess
from itertools import groupby

from tests.cli.tool import COMMAND, Tool
from tests.running import run


def ended(tool: Tool, line: str) -> tuple[int, str]:
    """Run a line, in this process where all of it is ours; give its exit code and stderr."""
    words = shlex.split(line)
    last = words.index(">") if ">" in words else len(words)
    parts = [list(part) for is_pipe, part in groupby(words[:last], "|".__eq__) if not is_pipe]
    if "<" in words or any(program != "medtrack" for program, *_ in parts):
        return ended_in_bash(tool, line)
    passed = ""
    for _, *arguments in parts:
        ran = run(*arguments, stdin=passed.encode(), folder=tool.folder, environ=tool.environ)
        passed = ran.out
        if ran.code:
            break
    for name in words[last + 1 :]:
        tool.write(name, passed)
    return ran.code, ran.err


def ended_in_bash(tool: Tool, line: str) -> tuple[int, str]:
    """Run a line in bash, where `medtrack` is this checkout; give its exit code and stderr."""
    program = f'medtrack() {{ {shlex.join(COMMAND)} "$@"; }}; set -o pipefail; {line}'
    done = subprocess.run(
        ["bash", "-c", program],
        env=tool.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr
