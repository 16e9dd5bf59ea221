"""Folders that are gone afterwards."""

import tempfile

from medtrack_cli.errors import CannotCreate


def temporary_folder(purpose: str) -> "tempfile.TemporaryDirectory[str]":
    """Make a folder for a `with` to enter, or raise CannotCreate."""
    try:
        return tempfile.TemporaryDirectory(prefix=f"medtrack-{purpose}-")
    except OSError as error:  # as in a container that may write nowhere
        what = f"a temporary folder can't be made ({error.strerror})"
        raise CannotCreate(what, hint="TMPDIR names another place") from None
