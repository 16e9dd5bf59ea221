"""What is built from a checkout: the same everywhere, and with all that belongs to it."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

from medtrack_cli import __version__
from tests.cli.tool import ROOT

SHARED = {
    "share/bash-completion/completions/medtrack": "bash",
    "share/zsh/site-functions/_medtrack": "zsh",
    "share/fish/vendor_completions.d/medtrack.fish": "fish",
}


def build(folder: Path, umask: int, age: int) -> Path:
    """Copy what git tracks, with other times and rights, and build there; give the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    before = os.umask(umask)
    try:
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
                os.utime(folder / name, (age, age))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "made"]
        environ = {name: value for name, value in os.environ.items() if "EPOCH" not in name}
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environ)
    finally:
        os.umask(before)
    return folder / "made"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build once for all tests."""
    return build(tmp_path_factory.mktemp("one") / "medtrack", 0o022, 1_600_000_000)


@pytest.fixture(scope="module")
def wheel(made: Path) -> Iterator[ZipFile]:
    """Open the wheel."""
    (path,) = made.glob("*.whl")
    with ZipFile(path) as opened:
        yield opened


def hashes(folder: Path) -> dict[str, str]:
    """Hash each file that was built."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_two_builds_are_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """Neither the folder nor the times and rights of its files, nor the day, make a difference."""
    again = build(tmp_path / "elsewhere", 0o077, 1_700_000_000)
    assert hashes(made) == hashes(again)
    assert sorted(hashes(made)) == [
        f"medtrack-{__version__}-py3-none-any.whl",
        f"medtrack-{__version__}.tar.gz",
    ]


def test_shells_and_man_find_what_is_theirs(wheel: ZipFile) -> None:
    """The completions that `completion` prints, and a page for each command."""
    data = f"medtrack-{__version__}.data/data/"
    for place, shell in SHARED.items():
        script = ROOT / f"medtrack_cli/shells/medtrack.{shell}"
        assert wheel.read(data + place) == script.read_bytes()
    pages = {name for name in wheel.namelist() if name.startswith(f"{data}share/man/man1/")}
    assert {f"{data}share/man/man1/medtrack{each}.1" for each in ("", "-queue-list")} <= pages
    assert f'"medtrack {__version__}"'.encode() in wheel.read(min(pages))


def test_the_wheel_holds_the_package_alone(wheel: ZipFile) -> None:
    """No test, script or page of the docs is installed."""
    tops = {
        name.partition("/")[0].removeprefix(f"medtrack-{__version__}") for name in wheel.namelist()
    }
    assert tops == {"medtrack_cli", ".dist-info", ".data"}


def test_its_metadata_is_whole(wheel: ZipFile) -> None:
    """What an index shows of it; only addresses that the project has."""
    metadata = message_from_bytes(wheel.read(f"medtrack-{__version__}.dist-info/METADATA"))
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert {"rabbitmq", "amqp", "events"} <= set(metadata["Keywords"].split(","))
    classifiers = metadata.get_all("Classifier") or []
    assert f"Programming Language :: Python :: 3.{sys.version_info.minor}" in classifiers
    assert metadata.get_all("Project-URL") is None
