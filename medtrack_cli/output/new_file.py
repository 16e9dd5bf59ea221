"""Reports and pages, written into files that have their names only when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from medtrack_cli.errors import CannotCreate

_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


@contextmanager
def report_file(path: Path) -> Iterator[TextIO]:
    """Write a report to a temporary file, and move it into place when it is complete.

    What is no regular file, such as a pipe, is written to directly, and so is a stream of ours that
    a link leads to. Any other link is refused: in somebody else's repository it could lead to one
    of the user's own files.
    """
    if str(path).startswith(_STREAMS) or (os.path.exists(path) and not os.path.isfile(path)):
        with _created(path, path, "a") as out:
            yield out
        return
    if os.path.islink(path):
        hint = "name the file that it leads to"
        raise CannotCreate("report can't be created (it is a link)", str(path), hint=hint)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with _created(partial, path, "x") as out:
        try:
            yield out
            out.close()
            with _creating(path):
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _created(path: Path, wanted: Path, mode: str) -> TextIO:
    with _creating(wanted):
        # A file name may contain bytes that aren't UTF-8: they become escapes.
        return cast("TextIO", path.open(mode, errors="backslashreplace", encoding="utf-8"))


@contextmanager
def _creating(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "does the folder exist, and may you write to it?"
        what = f"report can't be created ({error.strerror})"
        raise CannotCreate(what, str(path), hint=hint) from None
