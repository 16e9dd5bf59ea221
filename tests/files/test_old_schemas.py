"""Schemas as they were, at a git revision or in another folder."""

import subprocess
from pathlib import Path

import pytest

from medtrack_cli.errors import InputMissing
from medtrack_cli.files.schemas.revisions import as_they_were


def git(folder: Path, *arguments: str) -> None:
    """Run git with an author of our own and no configuration of the machine's."""
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null"},
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository whose branch `before` holds one schema, changed since."""
    git(tmp_path, "init", "-q", "-b", "main")
    folder = tmp_path / "deep" / "schemas"
    (folder / "a.b").mkdir(parents=True)
    (folder / "a.b/1.0.json").write_text("old")
    (tmp_path / "other.txt").write_text("not asked for")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    git(tmp_path, "branch", "before")
    (folder / "a.b/1.0.json").write_text("new")
    (folder / "c.d").mkdir()
    (folder / "c.d/1.0.json").write_text("later")
    return folder


def files(folder: Path) -> dict[str, str]:
    """Read all files of a folder."""
    paths = (each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_text() for each in paths}


@pytest.mark.parametrize("revision", ["before", "HEAD", "main~0", "refs/heads/before"])
def test_a_revision_is_unpacked(repository: Path, revision: str) -> None:
    """What stood in the folder at the revision is there, and gone afterwards."""
    with as_they_were(revision, [repository]) as [folder]:
        assert files(folder) == {"a.b/1.0.json": "old"}
    assert not folder.exists()
    assert files(repository)["a.b/1.0.json"] == "new"


def test_a_folder_that_was_not_there_yet_is_empty(repository: Path) -> None:
    """Of a folder that the revision doesn't know there is nothing, in the order asked for."""
    later = repository.parent / "later"
    later.mkdir()
    (later / "1.0.json").write_text("new")
    with as_they_were("before", [later, repository]) as folders:
        assert [files(each) for each in folders] == [{}, {"a.b/1.0.json": "old"}]


def test_a_folder_stands_for_itself(repository: Path) -> None:
    """A folder to compare with is given as it is."""
    with as_they_were(str(repository), [Path("elsewhere")]) as folders:
        assert folders == [repository]


@pytest.mark.parametrize("revision", ["nowhere", "--output=stolen", "-h", "before:deep", "HEAD~9"])
def test_no_revision_and_no_folder(repository: Path, revision: str) -> None:
    """What is neither is InputMissing, and never taken for an option of git's."""
    with pytest.raises(InputMissing, match="neither a folder nor a git revision"):  # noqa: SIM117
        with as_they_were(revision, [repository]):
            pytest.fail("there is nothing to compare with")
    assert sorted(each.name for each in repository.iterdir()) == ["a.b", "c.d"]


def test_outside_of_a_repository(tmp_path: Path) -> None:
    """Without a repository no revision is known."""
    with pytest.raises(InputMissing), as_they_were("HEAD", [tmp_path]):
        pytest.fail("there is nothing to compare with")


def test_links_in_a_revision_lead_nowhere_else(repository: Path) -> None:
    """A link, which may lead out of the folder, is refused with its name."""
    (repository / "a.b/2.0.json").symlink_to("/etc/hostname")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "a link")
    with (
        pytest.raises(InputMissing, match=r"can't be unpacked \('a.b/2.0.json' is a link"),
        as_they_were("HEAD", [repository]),
    ):
        pytest.fail("it was unpacked")
