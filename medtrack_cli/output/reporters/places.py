"""Names of files as code hosts want them."""

import os
from collections.abc import Callable, Mapping

FilePlace = Callable[[str], str]
"""From a file's name as the user gave it to its name in a report."""

STDIN = "<stdin>"


def file_places(environ: Mapping[str, str]) -> FilePlace:
    """Name files relative to the checkout's root on GitHub or GitLab, wherever the command runs.

    A file outside of it, and every file elsewhere, keeps its name.
    """
    workspace = environ.get("GITHUB_WORKSPACE") or environ.get("CI_PROJECT_DIR")
    if not workspace:
        return str
    root = os.path.realpath(workspace)

    def from_root(name: str) -> str:
        path = os.path.abspath(name)  # noqa: PTH100 -- a link keeps its name, as in the checkout
        is_inside = name != STDIN and os.path.commonpath([root, path]) == root
        return os.path.relpath(path, root) if is_inside else name

    return from_root
