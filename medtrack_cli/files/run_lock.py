"""One process at a time under a run's name."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from medtrack_cli.files.locked_file import open_locked
from medtrack_cli.files.state.folder import state_folder


def runs_folder(environ: Mapping[str, str]) -> Path:
    """Name the folder of replays."""
    return state_folder(environ, "replays")


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Keep a name for this process; the system drops a dead one's lock.

    Raises CannotCreate when another process has it. The file stays: erased, it could be locked
    by two.
    """
    with suppress(OSError):  # said of the file
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    busy = "another replay has this name now"
    descriptor = open_locked(path, "the run's lock", busy=busy, subject=name)
    try:
        yield
    finally:
        os.close(descriptor)
