#!/usr/bin/env python3
"""See that a tag, the version and CHANGELOG.md agree: check_release.py v1.0.0 [CHANGELOG]."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from medtrack_cli import __version__

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
HEADING = re.compile(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)


def problems(tag: str, changelog: str) -> Iterator[str]:
    """Say what has to be mended before a release."""
    if tag != f"v{__version__}":
        yield f"the tag is {tag}, the version {__version__}"
    _, *parts = HEADING.split(changelog)
    sections = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    unreleased = next((text for name, _, text in sections if name == "Unreleased"), "")
    if unreleased.strip():
        yield "CHANGELOG.md has changes under [Unreleased]"
    name, date, _ = next((each for each in sections if each[0] != "Unreleased"), ("none", None, ""))
    if name != __version__ or not date:
        yield f"the newest release of CHANGELOG.md is {name} of {date}, the version {__version__}"


def main() -> None:
    """Check, and say all that is wrong."""
    tag, *file = sys.argv[1:]
    if found := list(problems(tag, Path(*file or [CHANGELOG]).read_text("utf-8"))):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
