"""What holds for the repository as a whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from medtrack_cli import __version__

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ("runtime.txt", "dev.txt", "site.txt", "release.txt")


def pins(name: str) -> dict[str, str]:
    """Map each `name==version` to its hashes, one a line."""
    text = (ROOT / "requirements" / name).read_text()
    lines = "".join(line for line in text.splitlines(keepends=True) if line.lstrip()[:1] != "#")
    return dict(
        re.findall(r"^(\S+).*\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)*)", lines, re.MULTILINE)
    )


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_pinned_and_hashed(name: str) -> None:
    """Each requirement has one exact version and at least one hash."""
    pinned = pins(name)

    assert pinned
    assert [pin for pin, hashes in pinned.items() if "==" not in pin or not hashes] == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_name_no_place(name: str) -> None:
    """Where packages come from is the user's own configuration: no index, host or folder."""
    text = (ROOT / "requirements" / name).read_text()

    assert "://" not in text
    assert re.findall(r"^-.*", text, re.MULTILINE) == []


def test_tests_run_what_users_get() -> None:
    """The versions tested with are those a release is tried with."""
    assert pins("runtime.txt").items() <= pins("dev.txt").items()


def test_no_file_names_a_machine() -> None:
    """No tracked file holds a path that is only right on the machine it was written on."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    of_a_machine = re.compile(r"(?<![\w.$}~-])/(?:work|root|tmp/venv)/")

    assert paths
    assert [
        str(path)
        for path in paths
        if path.is_file() and of_a_machine.search(path.read_text(errors="replace"))
    ] == []


def test_changelog_and_version_agree() -> None:
    """`[Unreleased]` comes first; the version is the newest release's, or the next one's."""
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    released = [Version(heading) for heading in headings[1:]]

    assert headings[:1] == ["Unreleased"]
    assert released == sorted(set(released), reverse=True)
    assert all(Version(__version__) >= version for version in released)


CHANGES = f"## [Unreleased]\n\n## [{__version__}] - 2026-12-01\n\n- All.\n"


@pytest.mark.parametrize(
    ("tag", "changes", "wrong"),
    [
        (f"v{__version__}", CHANGES, ""),
        ("v99.0.0", CHANGES, "the tag is v99.0.0"),
        (f"v{__version__}", CHANGES.replace(__version__, "99.0.0"), "CHANGELOG.md is 99.0.0"),
        (f"v{__version__}", CHANGES.replace(" - 2026-12-01", ""), "of None"),
        (f"v{__version__}", CHANGES.replace("\n\n##", "\n\n- New.\n\n##"), "[Unreleased]"),
    ],
)
def test_a_release_is_what_its_change_log_says(
    tmp_path: Path, tag: str, changes: str, wrong: str
) -> None:
    """Nothing is released under another version than its tag and the head of CHANGELOG.md."""
    file = tmp_path / "CHANGELOG.md"
    file.write_text(changes)
    command = [sys.executable, str(ROOT / "scripts/check_release.py"), tag, str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, wrong in ran.stderr) == (int(bool(wrong)), True)
