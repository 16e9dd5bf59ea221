"""The programs that medtrack starts: how they run, and their environment."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


def run(  # noqa: PLR0913 -- what a program runs with
    command: Sequence[str | Path],
    *,
    seconds: float | None = None,
    environ: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: IO[bytes] | IO[str] | int = subprocess.PIPE,
    stderr: IO[bytes] | IO[str] | int = subprocess.PIPE,
    start_new_session: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, without a shell and without input.

    For `environ` and `more` see `for_others`. Raises OSError where it can't be started, and
    TimeoutError, which is one, when it was killed for taking too long.
    """
    try:
        return subprocess.run(  # noqa: S603 -- no shell; each caller knows what it starts
            command,
            env=for_others(environ, more),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            timeout=seconds,
            start_new_session=start_new_session,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{Path(command[0]).name} took over {seconds:.0f} s") from None


def for_others(
    environ: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Leave out every MEDTRACK_… variable (any may hold a password), then add `more`."""
    given = os.environ if environ is None else environ
    kept = {name: text for name, text in given.items() if not name.startswith("MEDTRACK_")}
    return kept | dict(more or {})
