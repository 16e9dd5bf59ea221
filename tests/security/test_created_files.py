"""What is written, where, for whom; and what is never written over."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import numbered
from tests.cli.tool import Tool
from tests.running import run


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let new files be open to everybody, as far as their makers allow it."""
    before = os.umask(0)
    yield
    os.umask(before)


def files_of(folder: Path) -> dict[str, int]:
    """Map every file below a folder to its permissions."""
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o777
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("open_umask")
def test_only_what_is_named_is_written(connected: Tool) -> None:
    """Every command writes the files it was told to and no other; events are for their owner."""
    connected.write("e.ndjson", b"".join(numbered(3)))
    (connected.folder / "tmp").mkdir()
    connected.environ = {**connected.environ, "TMPDIR": str(connected.folder / "tmp")}
    before = files_of(connected.folder)
    listening = connected.start("listen", "--count", "3", "--record", "r.ndjson", "-o", "json")
    listening.await_text('"listening"')
    for arguments in (
        ("publish", "-f", "e.ndjson", "--checkpoint", "mark"),
        ("replay", "e.ndjson", "--speed", "max", "--dry-run"),
        ("validate", "e.ndjson", "-o", "junit=report.xml", "-o", "sarif"),
        ("config", "show"),
        ("schema", "list"),
    ):
        assert connected.run(*arguments).code == 0
    assert listening.end().code == 0

    made = {name: mode for name, mode in files_of(connected.folder).items() if name not in before}
    assert made.pop("report.xml") == 0o666
    assert made == {"r.ndjson": 0o600, "mark": 0o600, "1.out": 0o666, "1.err": 0o666}


TARGETS = ["precious", "link", "dangling", "loop", "folder", "fifo", "/dev/null", "/dev/stdout"]


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """Make what a stranger may have put where a file is to be made."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to("precious")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "e.json").write_bytes(next(numbered(1)))
    return tmp_path


def names(folder: Path) -> set[str]:
    """Name what is in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("option", ["--record", "--checkpoint"])
def test_nothing_is_written_over_or_through(traps: Path, option: str, target: str) -> None:
    """A recording or checkpoint in the place of something else is 73; all stays as it was."""
    command = ("listen",) if option == "--record" else ("publish", "-f", str(traps / "e.json"))
    given = (option, traps / target, "--retry-for", "0")
    before = names(traps)
    ran = run(*command, *given, folder=traps, environ={"MEDTRACK_URL": "amqp://u:p@127.0.0.1:1"})

    assert ran.code == (65 if (option, target) == ("--checkpoint", "precious") else 73), ran.err
    assert names(traps) == before
    assert (traps / "precious").read_text() == "precious"
    if option == "--record" and (traps / target).is_symlink():
        assert "name the file that it leads to" in ran.err


@pytest.mark.parametrize("target", ["link", "dangling", "loop", "folder"])
def test_a_report_is_written_through_no_link(traps: Path, target: str) -> None:
    """A report takes the place of a file, but not of a link or a folder."""
    before = names(traps)
    report = f"json={traps / target}"
    ran = run("validate", traps / "e.json", "-o", report, folder=traps)
    assert (ran.code, names(traps)) == (73, before)
    assert (traps / "precious").read_text() == "precious"

    report = f"json={traps / 'precious'}"
    assert run("validate", traps / "e.json", "-o", report, folder=traps).code == 0
    assert '"validated"' in (traps / "precious").read_text()


def test_the_first_configuration_follows_no_link(traps: Path) -> None:
    """`config init` writes nothing through a link that stands in its place."""
    (traps / "medtrack").mkdir()
    (traps / "medtrack/config.yaml").symlink_to(traps / "nowhere")
    ran = run("config", "init", folder=traps, environ={"XDG_CONFIG_HOME": str(traps)})

    assert ran.code == 73
    assert not (traps / "nowhere").exists()
