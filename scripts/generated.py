"""Files that are generated whole."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def write_or_check(name: str, text: str) -> None:
    """Write a file; with --check, fail when it isn't what would be written."""
    path = ROOT / name
    if "--check" not in sys.argv:
        path.write_text(text, encoding="utf-8")
    elif not path.exists() or path.read_text("utf-8") != text:
        sys.exit(f"{name} is out of date, run: make docs")
