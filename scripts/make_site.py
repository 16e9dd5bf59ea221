#!/usr/bin/env python3
"""Lay out README.md and docs/ as the pages of the site: build/site-pages.

On GitHub the pages are read where they lie. On the site README.md is the home page, what lies
outside of docs/ is no page, and a block says its language alone.
"""

import re
import shutil
from pathlib import Path, PurePosixPath
from posixpath import normpath

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build/site-pages"
PLACES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    ".github/CONTRIBUTING.md": "contributing.md",
    ".github/SECURITY.md": "security.md",
}
"""Pages outside of docs/, and where they are on the site."""

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
FENCE = re.compile(r"^(```\w+) (.+)$", re.MULTILINE)


def main() -> None:
    """Write every page, its links led to where their pages are on the site."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES, ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(ROOT / "scripts/site.css", PAGES)
    sources = [*PLACES, *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
    for source in sources:
        text = (ROOT / source).read_text()
        page = PAGES / placed(source)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(FENCE.sub(titled, linked(text, source)))


def placed(source: str) -> str:
    """Give a file's place on the site: a path that begins with .. isn't there."""
    return PLACES.get(source) or normpath(PurePosixPath("..") / source).removeprefix("../docs/")


def linked(text: str, source: str) -> str:
    """Rewrite a page's links for its place on the site; what is no page there keeps its words."""
    here = PurePosixPath(placed(source)).parent

    def lead(found: re.Match[str]) -> str:
        mark, words, target, anchor = found.groups()
        place = placed(normpath(PurePosixPath(source).parent / target))
        if place.startswith("..") or (ROOT / "docs" / place).is_dir():
            return str(words)
        up = "../" * len(here.parts)
        return f"{mark}[{words}]({up}{place}{anchor or ''})"

    blocks = re.split(r"(^```(?:.*\n)*?```$)", text, flags=re.MULTILINE)
    return "".join(each if each[:3] == "```" else LINK.sub(lead, each) for each in blocks)


def titled(fence: re.Match[str]) -> str:
    """Make a title of a block's file name; leave out what only the tests read."""
    language, more = fence.groups()
    return f'{language} title="{more}"' if re.fullmatch(r"[\w./-]+\.\w+", more) else language


if __name__ == "__main__":
    main()
