"""Paths, folders, globs and `-` become sources."""

import os
import socket
from pathlib import Path

import pytest

from medtrack_cli.errors import InputMissing
from medtrack_cli.files.reading.sources import Source, expand


def names(found: list[Source | InputMissing]) -> list[str]:
    """The names of the sources among what was found."""
    return [each.name for each in found if isinstance(each, Source)]


def make(folder: Path, *names: str) -> None:
    """Make files, with their folders."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


def test_folders_are_searched_in_order(tmp_path: Path) -> None:
    """A folder gives its event files, sorted, deep ones too; hidden and other files are not."""
    make(
        tmp_path,
        *("b.json", "a.NDJSON", "z/y.yml", "z/x.jsonl.gz", "c.yaml.gz", "n.txt"),
        *(".git/h.json", ".hidden.yaml"),
    )
    found = names(list(expand([str(tmp_path)])))
    assert found == [
        str(tmp_path / name) for name in ("a.NDJSON", "b.json", "z/x.jsonl.gz", "z/y.yml")
    ]


def test_globs_and_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quoted glob is expanded, `**` included, and names stay as the user spelled them."""
    make(tmp_path, "in/b.json", "in/deep/a.yaml", "in/n.txt", "we[i]rd.json")
    monkeypatch.chdir(tmp_path)
    assert names(list(expand(["in/**"]))) == ["in/b.json", "in/deep/a.yaml"]
    assert names(list(expand(["./in/*.json", "we[i]rd.json"]))) == ["./in/b.json", "we[i]rd.json"]


def test_globs_follow_no_links_to_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that form cycles end no glob late; a wildcard leads through none, a typed one is."""
    make(tmp_path, "loop/a/e.json", "other/o.json")
    for name in ("x", "y"):
        (tmp_path / "loop/a" / name).symlink_to("..")
    (tmp_path / "loop/out").symlink_to("../other")
    monkeypatch.chdir(tmp_path)
    assert names(list(expand(["loop/**/*.json"]))) == ["loop/a/e.json"]
    assert names(list(expand(["loop/**"]))) == ["loop/a/e.json"]
    assert names(list(expand(["loop/*/*.json", "loop/?/?/*/*.json"]))) == ["loop/a/e.json"]
    assert names(list(expand(["loop/out/*.json"]))) == ["loop/out/o.json"]


def test_folders_may_be_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file 1,500 folders down is found by its folder and by globs, in however many ways."""
    monkeypatch.chdir(tmp_path)
    for _ in range(1500):
        Path("d").mkdir()
        os.chdir("d")
    Path("e.json").write_text("{}")
    os.chdir(tmp_path)
    paths = ("d", "d/**/*.json", "d/**/**/d/**/*.json")
    (folder,), (matched,), (often,) = (list(expand([path])) for path in paths)
    assert isinstance(folder, Source)
    assert folder == matched == often
    Path(folder.name).unlink()
    for _ in range(1500):  # rmtree of Python 3.11 doesn't get so deep
        os.chdir("d")
    for _ in range(1500):
        os.chdir("..")
        Path("d").rmdir()


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that a folder or a glob holds is told at once; only its own name opens it."""
    make(tmp_path, "in/good.json")
    os.mkfifo(tmp_path / "in/pipe.json")
    for path in (tmp_path / "in", tmp_path / "in/*.json"):
        good, pipe = expand([str(path)])
        assert isinstance(good, Source)
        assert isinstance(pipe, InputMissing)
        assert pipe.subject.endswith("in/pipe.json")


def test_every_file_is_read_once(tmp_path: Path) -> None:
    """A file named twice, by itself, its folder or another spelling, is one source."""
    make(tmp_path, "a.json", "n.txt")
    paths = [
        f"{tmp_path}/a.json",
        str(tmp_path),
        f"{tmp_path}/./n.txt",
        f"{tmp_path}/n.txt",
        "-",
        "-",
    ]
    assert names(list(expand(paths))) == [f"{tmp_path}/a.json", f"{tmp_path}/./n.txt", "<stdin>"]


def test_bad_paths_are_values_among_the_good(tmp_path: Path) -> None:
    """What can't be read is told with its name and a hint, and the others still come."""
    make(tmp_path, "good.json")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.json"))
        bad = [
            *("missing.json", "empty", "no*.json", "loop", "dangling.json", "s.json"),
            "nul\0.json",
        ]
        paths = [f"{tmp_path}/{name}" for name in bad] + ["/dev/null", f"{tmp_path}/good.json"]
        found = list(expand(paths))
    assert [isinstance(each, InputMissing) for each in found] == [True] * 8 + [False]
    errors = [each for each in found if isinstance(each, InputMissing)]
    assert [each.subject for each in errors] == paths[:-1]
    assert all(each.hint for each in errors)


def test_change_is_noticed(tmp_path: Path) -> None:
    """A source knows when its file has been written, replaced or removed since."""
    make(tmp_path, "a.json", "other.json")
    path = tmp_path / "a.json"

    def found() -> Source:
        (source,) = expand([str(path)])
        assert isinstance(source, Source)
        return source

    source = found()
    assert source.is_regular
    assert not source.has_changed()
    path.write_text("{ }")
    assert source.has_changed()
    source = found()
    (tmp_path / "other.json").replace(path)
    assert source.has_changed()
    source = found()
    path.unlink()
    assert source.has_changed()


def test_pipes_are_sources_read_once(tmp_path: Path) -> None:
    """A FIFO and standard input can be read, but not twice."""
    os.mkfifo(tmp_path / "f.ndjson")
    found = list(expand([str(tmp_path / "f.ndjson"), "-"]))
    assert names(found) == [str(tmp_path / "f.ndjson"), "<stdin>"]
    assert not any(isinstance(each, Source) and each.is_regular for each in found)
