"""Adds the man pages to the wheel. They are made with what Python has: no requirement is needed."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface):
    """Makes the pages before the wheel, and removes them after it."""

    folder: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, and say where they belong."""
        if version == "editable":  # a checkout's help changes, its pages would not
            return
        sys.path[:0] = [self.root, f"{self.root}/scripts"]
        from man_pages import write_man_pages

        self.folder = Path(tempfile.mkdtemp())
        write_man_pages(self.folder)
        for page in sorted(self.folder.iterdir()):
            build_data["shared_data"][str(page)] = f"share/man/man1/{page.name}"

    def finalize(self, *_: object) -> None:
        """Remove them."""
        if self.folder:
            shutil.rmtree(self.folder)
