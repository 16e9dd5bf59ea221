"""The pages for contributors name files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("docs/architecture.md", ".github/CONTRIBUTING.md")


@pytest.mark.parametrize("page", PAGES)
def test_named_files_are_there(page: str) -> None:
    """What is named with a folder stands in the package, or below the project's root."""
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`([a-z_]+/[a-z_/]*[a-z_.]+)`", text))
    assert named
    missing = {
        name
        for name in named
        if not any((folder / name).exists() for folder in (ROOT, ROOT / "medtrack_cli"))
    }
    assert not missing
