"""Go through folders: one walk for folders of events, of schemas, and for globs."""

import fnmatch
import os
from collections.abc import Callable, Iterable, Iterator
from glob import has_magic

OnError = Callable[[OSError], object]


def walk(top: str, on_error: OnError) -> Iterator[tuple[str, list[str]]]:
    """Give a folder and all in it, in sorted order, each with the names of what else it holds.

    Hidden names and links to folders are passed by, so that no cycle is followed. However deep
    they are, no stack grows. Paths begin as `top` is spelled.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        inner, names = _listed(folder, on_error)
        yield folder, names
        waiting += [_join(folder, name) for name in reversed(inner)]


def matches(pattern: str, on_error: OnError) -> Iterator[str]:
    """Give the names that a glob stands for, as the shell does; `**` is any number of folders.

    But no wildcard leads through a link to a folder: only a link that is typed is followed. Names
    are spelled as the pattern is, and come more than once where `**` does.
    """
    parts = [part for part in pattern.split("/") if part]
    found: Iterable[str] = ["/" if pattern.startswith("/") else ""]
    for number, part in enumerate(parts, 1):
        found = _step(found, part, on_error, is_last=number == len(parts))
    return iter(found)


def _step(parents: Iterable[str], part: str, on_error: OnError, *, is_last: bool) -> Iterator[str]:
    """Go on from each parent by one part of a pattern; only its last part may lead to a file."""
    for parent in parents:
        if not has_magic(part):
            if os.path.lexists(name := _join(parent, part)):
                yield name
        elif not os.path.isdir(parent or "."):
            continue
        elif part == "**":
            for folder, names in walk(parent, on_error):
                yield folder
                yield from (_join(folder, name) for name in names if is_last)
        else:
            inner, names = _listed(parent, on_error, hidden=part.startswith("."))
            fitting = fnmatch.filter([*inner, *names] if is_last else inner, part)
            yield from (_join(parent, name) for name in fitting)


def _listed(folder: str, on_error: OnError, *, hidden: bool = False) -> tuple[list[str], list[str]]:
    """List the folders in a folder, without links, and its other names; both sorted."""
    inner: list[str] = []
    names: list[str] = []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if hidden == entry.name.startswith("."):
                    (inner if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    except OSError as error:
        on_error(error)
    return sorted(inner), sorted(names)


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118 -- `./a` stays `./a`
