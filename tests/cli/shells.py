"""bash, zsh and fish as people use them: on a terminal, with a key for completion."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple, Self

from tests.cli.tool import ROOT

# What stands on PATH: it answers the scripts as medtrack does, and else writes down its words.
PROGRAM = """#!{python}
import json, sys
if sys.argv[1:2] == ["completion"]:
    sys.path.insert(0, {root!r})
    from medtrack_cli.__main__ import main
    main()
with open({told!r}, "a") as told:
    print(json.dumps(sys.argv[1:]), file=told)
"""
_FISH = """function fish_prompt; echo -n 'READY '; end
set -g fish_greeting
set -g fish_autosuggestion_enabled 0
"""


class Way(NamedTuple):
    """A shell, and how completion is set up in it: with docs/completion.md's lines."""

    command: list[str]
    file: str
    settings: str
    install: str


WAYS = {
    "bash": Way(
        ["bash", "--noprofile", "-i"],
        ".bashrc",
        'PS1="READY "\nHISTFILE=\n',
        """echo 'eval "$(medtrack completion bash)"' >> ~/.bashrc""",
    ),
    "zsh": Way(
        ["zsh", "-i"],
        ".zshrc",
        'PS1="READY "\n',
        """echo 'eval "$(medtrack completion zsh)"' >> ~/.zshrc""",
    ),
    "fish": Way(
        ["fish", "-i", "--private"],
        ".config/fish/config.fish",
        _FISH,
        "medtrack completion fish > ~/.config/fish/completions/medtrack.fish",
    ),
    "zsh, by fpath": Way(
        ["zsh", "-i"],
        ".zshrc",
        'PS1="READY "\nfpath+=~/functions\nautoload -Uz compinit && compinit -i\n',
        "mkdir ~/functions && medtrack completion zsh > ~/functions/_medtrack",
    ),
}
PATIENCE = 30.0  # seconds


class Shell:
    """A shell in a home of its own, where completion is set up as docs/completion.md says."""

    def __init__(self, way: Way, home: Path) -> None:
        self.home, self.told = home, home / "told.ndjson"
        program = home / "bin" / "medtrack"
        program.parent.mkdir()
        program.write_text(
            PROGRAM.format(python=sys.executable, root=str(ROOT), told=str(self.told))
        )
        program.chmod(0o755)
        settings = home / way.file
        (settings.parent / "completions").mkdir(parents=True)
        settings.write_text(way.settings)
        # Else fish reads all man pages of the machine, in a process that outlives it.
        (home / ".local/share/fish/generated_completions").mkdir(parents=True)
        inherited = {n: v for n, v in os.environ.items() if n in {"LANG", "COVERAGE_PROCESS_START"}}
        given = {
            **inherited,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        subprocess.run(["sh", "-c", way.install], env=given, check=True)
        self.seen = bytearray()
        self._pid, self._ours = pty.fork()
        if self._pid == 0:
            os.chdir(home)
            os.execvpe(way.command[0], way.command, given)
        termios.tcsetwinsize(self._ours, (50, 120))

    def __enter__(self) -> Self:
        self.await_text("READY ")
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._ours)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def await_text(self, text: str, since: int = 0) -> None:
        """Wait until the terminal has been sent a text."""
        until = time.monotonic() + PATIENCE
        while text.encode() not in self.seen[since:]:
            assert time.monotonic() < until, f"never showed {text!r}: {bytes(self.seen)!r}"
            self._read()

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.05)[0]:
            self.seen += os.read(self._ours, 65536)

    def given(self, typed: str) -> list[str]:
        """Press keys and Enter; give the words that the program got."""
        before = len(self.lines)
        self.type(f"{typed}\r")
        until = time.monotonic() + PATIENCE
        while len(self.lines) == before:
            assert time.monotonic() < until, f"{typed!r} ran nothing: {bytes(self.seen)!r}"
            self._read()
        words: list[str] = json.loads(self.lines[-1])
        return words

    @property
    def lines(self) -> list[str]:
        return self.told.read_text().splitlines() if self.told.exists() else []
