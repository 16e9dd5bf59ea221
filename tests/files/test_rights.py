"""What may not be read or written, as in a container, is told with what helps."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medtrack_cli.errors import InputMissing
from medtrack_cli.files.reading.sources import expand
from tests.builders import numbered_deliveries
from tests.contracts.fakes import MemoryBroker
from tests.recording.recorded import record
from tests.running import run

NOBODY = 65534


@contextmanager
def nobody() -> Iterator[None]:
    """Be another user than root for a while."""
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a while")
@pytest.mark.parametrize(
    ("owner", "mode", "hint"),
    [
        (0, 0o600, f"it belongs to user 0, and you are user {NOBODY}"),
        (NOBODY, 0o200, "allow yourself to read it: chmod u+r"),
    ],
)
def test_who_may_not_read_is_told_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int, hint: str
) -> None:
    """For a file of one's own it is chmod; of another user's it is said whose it is."""
    tmp_path.chmod(0o755)
    path = tmp_path / "a.json"
    path.touch(mode)
    os.chown(path, owner, owner)
    monkeypatch.chdir(tmp_path)
    with nobody():
        (found,) = expand(["a.json"])
    assert isinstance(found, InputMissing)
    assert (found.what, found.hint) == ("can't be read", hint)


def test_journals_without_a_place_name_another(tmp_path: Path) -> None:
    """A replay says why the folder of its journal can't be made, and where else it could be."""
    recorded = tmp_path / "r.ndjson"
    record(recorded, numbered_deliveries(1))
    broker = MemoryBroker()
    nowhere = {"XDG_STATE_HOME": str(recorded)}
    ran = run("replay", recorded, folder=tmp_path, broker=broker, environ=nowhere)
    assert (ran.code, broker.sent) == (73, [])
    assert f"can't be made (Not a directory): {recorded}" in ran.err
    assert "XDG_STATE_HOME" in ran.err


def test_no_place_for_temporary_files_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo needs a temporary folder; where none can be made it says how to name another."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    ran = run("demo", folder=tmp_path)
    assert ran.code == 73
    assert "TMPDIR" in ran.err
