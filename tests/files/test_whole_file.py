"""Files of ours are there whole or not at all: a full disk leaves nothing that blocks the next."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medtrack_cli import whole_file
from medtrack_cli.config.locations import INITIAL
from tests.cli.tool import COMMAND, Tool


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("write", [whole_file.create, whole_file.replace])
def test_a_full_disk_leaves_nothing(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    """What can't be written to its end leaves neither a part of it nor a draft."""
    path = tmp_path / "file"
    with full_disk(10), pytest.raises(OSError, match="File too large"):
        write(path, "x" * 11)
    assert list(tmp_path.iterdir()) == []
    write(path, "x" * 11)
    assert path.read_text() == "x" * 11
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A new file never replaces one, nor a link; a replacement that fails leaves the old one."""
    for name in ("old", "link"):
        path = tmp_path / name
        path.write_text("old") if name == "old" else path.symlink_to("nowhere")
        with pytest.raises(FileExistsError):
            whole_file.create(path, "new")
    with full_disk(2), pytest.raises(OSError, match="File too large"):
        whole_file.replace(tmp_path / "old", "new")
    assert (tmp_path / "old").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"old", "link"}


def test_a_writer_that_is_killed_leaves_no_file(tmp_path: Path) -> None:
    """A process that ends while it writes leaves no file of that name."""
    code = """
import pathlib, resource, signal, sys
from medtrack_cli import whole_file
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system kills whoever writes too much
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
whole_file.create(pathlib.Path(sys.argv[1]), "x" * 11)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], check=False)
    assert done.returncode == -signal.SIGXFSZ
    assert not (tmp_path / "file").exists()
    whole_file.create(tmp_path / "file", "x")


def test_a_first_configuration_on_a_full_disk(tool: Tool) -> None:
    """`config init` that finds no room is 73 and leaves nothing; with room it works."""
    line = f"ulimit -f 1; exec {' '.join(COMMAND)} config init"
    environ = {**tool.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # modules would be cut off, too
    done = subprocess.run(
        ["sh", "-c", line], cwd=tool.folder, env=environ, capture_output=True, check=False
    )
    folder = tool.folder / "config/medtrack"
    assert (done.returncode, b"File too large" in done.stderr) == (73, True), done.stderr
    assert list(folder.iterdir()) == []
    assert tool.run("config", "init").code == 0
    assert (folder / "config.yaml").read_text("utf-8") == INITIAL
