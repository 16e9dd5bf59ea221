"""The project's documents as text."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def blocks(text: str, kind: str) -> list[tuple[str, str]]:
    """Find the fenced blocks of a kind: what follows the kind's name, and the block's text."""
    return re.findall(rf"^```{kind} ?(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
