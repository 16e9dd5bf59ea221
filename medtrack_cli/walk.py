"""Walking folders: the same for folders of events, of schemas, and for globs."""

import fnmatch
import os
from collections.abc import Callable, Iterator
from glob import has_magic

OnError = Callable[[OSError], object]


def walk(top: str, on_error: OnError) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder and all in it, in sorted order, each with the names of its other files.

    Hidden names and links to folders are skipped, so that no cycle is followed. Any depth works,
    without recursion. Paths begin as `top` is spelled.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        inner, names = _listed(folder, on_error)
        yield folder, names
        waiting += [_join(folder, name) for name in reversed(inner)]


def matches(pattern: str, on_error: OnError) -> Iterator[str]:
    """Give the names that a glob matches, as the shell does; `**` is any number of folders.

    But no wildcard leads through a link to a folder: only a typed link is followed. Names are
    spelled as the pattern is, and may occur more than once.
    """
    parts = [part for part in pattern.split("/") if part]
    seen: set[tuple[str, int]] = set()  # `**/*/**` leads to a folder in very many ways
    waiting = [("/" if pattern.startswith("/") else "", 0)]
    while waiting:
        parent, number = waiting.pop()
        if (parent, number) in seen:
            continue
        seen.add((parent, number))
        is_last, is_deep = number == len(parts) - 1, parts[number] == "**"
        if is_deep and not is_last:
            waiting.append((parent, number + 1))
        for name, is_folder in _named(parent, parts[number], on_error):
            if is_last:
                yield name
            if is_folder and (is_deep or not is_last):
                waiting.append((name, number if is_deep else number + 1))


def _named(parent: str, part: str, on_error: OnError) -> Iterator[tuple[str, bool]]:
    """Give what one part of a pattern matches in a folder, and whether it leads further."""
    if not has_magic(part):
        if os.path.lexists(name := _join(parent, part)):
            yield name, True
    elif os.path.isdir(parent or "."):
        inner, names = _listed(parent, on_error, hidden=part.startswith("."))
        wanted = "*" if part == "**" else part
        yield from ((_join(parent, name), True) for name in fnmatch.filter(inner, wanted))
        yield from ((_join(parent, name), False) for name in fnmatch.filter(names, wanted))


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
