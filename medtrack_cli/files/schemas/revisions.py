"""Schemas as they were: in another folder, or at a git revision."""

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from medtrack_cli import programs
from medtrack_cli.errors import InputMissing
from medtrack_cli.temporary import temporary_folder

GIT_SECONDS = 60


@contextmanager
def as_they_were(against: str, folders: Sequence[Path]) -> Iterator[list[Path]]:
    """Give the folders to compare with: `against` itself if it is one, else those at that git ref.

    git's answer is unpacked into a temporary folder. A folder that didn't exist at that revision is
    empty. Raises InputMissing and CannotCreate.
    """
    if os.path.isdir(against):  # never raises
        yield [Path(against)]
        return
    with temporary_folder("schemas") as name:
        unpacked = []
        for number, folder in enumerate(folders):
            target = Path(name, str(number))
            target.mkdir()
            _unpack(against, folder, target)
            unpacked.append(target)
        yield unpacked


def _unpack(revision: str, folder: Path, target: Path) -> None:
    commit = _git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if commit is None:
        hint = "name a folder, or a revision of the repository that the schemas are in"
        raise InputMissing("neither a folder nor a git revision", revision, hint=hint)
    packed = _git(folder, "archive", "--format=tar", commit.decode().strip(), "--", ".")
    if packed is not None:
        try:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                _extract(archive, target)
        except tarfile.TarError as error:
            hint = "compare with a folder instead"
            raise InputMissing(f"can't be unpacked ({error})", revision, hint=hint) from None


def _extract(archive: tarfile.TarFile, target: Path) -> None:
    """Unpack plain files; TarError for anything else: a link may lead anywhere.

    Python 3.11 has a filter for that only since its fourth patch release.
    """
    for member in archive:
        path = Path(os.path.normpath(target / member.name))
        content = archive.extractfile(member) if member.isreg() else None
        if content is not None and path.is_relative_to(target):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())
        elif not member.isdir():
            kind = "a link" if member.issym() or member.islnk() else "no plain file"
            raise tarfile.TarError(f"{member.name!r} is {kind}")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Run git in a folder; None when it fails."""
    try:
        done = programs.run(["git", "-C", folder, *arguments], seconds=GIT_SECONDS)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
