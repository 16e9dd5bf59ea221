"""From the paths on a command line to the files they name."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path

from medtrack_cli.errors import EmptyInput, HoldsNoEvents, InputMissing
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.written import OUR_OWN, held
from medtrack_cli.walk import matches, walk

STDIN = "<stdin>"
EVENT_SUFFIXES = (
    *(".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz"),
    *(".yaml", ".yml"),
)
_SUFFIXES_HINT = "event files are *.json, *.ndjson, *.jsonl (also .gz), *.yaml and *.yml"

_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_VARIABLE = re.compile(r"\$[A-Za-z_{]")

Fingerprint = tuple[int, int, int]
"""Size, time of modification in ns, inode: they show whether a file has changed."""


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to read: a file or, without a path, standard input."""

    name: str  # as the user named it
    path: Path | None = None
    fingerprint: Fingerprint | None = None  # None for what can be read only once
    start: int = 0  # the byte where reading of NDJSON begins
    lines_before: int = 0
    content: bytes | None = None  # where it was read before, and is taken from memory

    @property
    def is_regular(self) -> bool:
        """Whether it can be read twice."""
        return self.fingerprint is not None

    @property
    def has_lines(self) -> bool:
        """Whether it has an event a line, by its name."""
        return self.name.lower().endswith((".ndjson", ".jsonl"))

    @property
    def in_memory(self) -> "Source":
        """Read its bytes for all further reading; itself if it can't be read."""
        try:
            return self if self.path is None else replace(self, content=self.path.read_bytes())
        except OSError:
            return self

    def has_changed(self) -> bool:
        """Return whether the file was replaced or changed since it was found."""
        if self.path is None or self.fingerprint is None:
            return False
        try:
            return _fingerprint(self.path.stat()) != self.fingerprint
        except OSError:
            return True


LeaveOut = Callable[[str], bool]
"""Decides for a file from a folder or glob whether it is passed over."""


def expand(
    paths: Sequence[str], leave_out: LeaveOut = lambda _name: False
) -> Iterator[Source | InputMissing]:
    """Find the files that paths, folders, globs and `-` name, lazily and each once.

    Folders are searched recursively in sorted order; hidden files and folders in them, and links to
    folders, are passed over. A path that can't be read is an error among the values, so that the
    caller may continue with the others.
    """
    first: dict[object, Path] = {}
    real: set[str] = set()  # only files of the same fingerprint can be one

    def is_new(found: Source) -> bool:
        place = found.path or Path(STDIN)
        earlier = first.setdefault(found.fingerprint if found.path else STDIN, place)
        if earlier is place:
            return True
        real.add(os.path.realpath(earlier))
        before = len(real)
        real.add(os.path.realpath(place))
        return len(real) > before

    for path in paths:
        for found in _expand_one(path, leave_out):
            if not isinstance(found, Source) or is_new(found):
                yield found


def _expand_one(path: str, leave_out: LeaveOut) -> Iterable[Source | InputMissing]:
    if path == "-":
        return [Source(STDIN)]
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        if hint := _left_to_the_shell(path):
            return [InputMissing("no such file or folder", path, hint=hint)]
        if has_magic(path):
            return _expand_glob(path, leave_out)
        return [_missing(path, error)]
    return _expand_folder(path, leave_out) if stat.S_ISDIR(mode) else [_source_named(path)]


def _left_to_the_shell(path: str) -> str:
    """Explain how to pass what only a shell expands, outside of quotes; empty for other paths."""
    if _BRACES.search(path):
        return "only the shell expands {a,b}: leave out the quotes, or name each by itself"
    if path.startswith("~") or _VARIABLE.match(path):
        return f"only the shell expands {'~' if path[0] == '~' else '$'}: leave out the quotes"
    is_at = path.startswith("@") and os.path.exists(path[1:])
    return "leave out the @" if is_at else ""


def _expand_glob(pattern: str, leave_out: LeaveOut) -> Iterator[Source | InputMissing]:
    errors: list[OSError] = []
    names = sorted(set(matches(pattern, errors.append)))
    nothing = EmptyInput("no event file matches", pattern, hint=_SUFFIXES_HINT)
    return _event_files(names, errors, leave_out, nothing)


def _expand_folder(folder: str, leave_out: LeaveOut) -> Iterator[Source | InputMissing]:
    errors: list[OSError] = []
    below = walk(folder, errors.append)
    names = (os.path.join(parent, name) for parent, names in below for name in names)  # noqa: PTH118 -- `./a` stays `./a`
    nothing = EmptyInput("no event file in this folder", folder, hint=_SUFFIXES_HINT)
    return _event_files(names, errors, leave_out, nothing)


def _event_files(
    names: Iterable[str], errors: list[OSError], leave_out: LeaveOut, nothing: InputMissing
) -> Iterator[Source | InputMissing]:
    is_empty = True
    for name in names:
        if not name.lower().endswith(EVENT_SUFFIXES) or (found := _source_within(name)) is None:
            continue
        if isinstance(found, Source) and leave_out(name):
            continue
        is_empty = False
        yield found
    yield from (_missing(str(error.filename), error) for error in errors)
    if is_empty and not errors:
        yield nothing


def _source_within(name: str) -> Source | InputMissing | None:
    """Take a file from a folder or glob, but no pipe: it might wait for a writer for ever."""
    found = _source(name)
    if isinstance(found, Source) and not found.is_regular:
        return InputMissing("a pipe is read only by its own name", name, hint="name it, or move it")
    return None if isinstance(found, InputMissing) and os.path.isdir(name) else found


def _source_named(name: str) -> Source | InputMissing:
    """Take a file by its own name; what a run has written is no input, except for recordings."""
    found = _source(name)
    if isinstance(found, Source) and found.is_regular and (what := held(name)) in OUR_OWN:
        return HoldsNoEvents(f"{what} holds no events", name, hint="name what it was made of")
    return found


def _source(name: str) -> Source | InputMissing:
    path = Path(name)
    try:
        status = path.stat()
    except OSError as error:
        return _missing(name, error)
    if not os.access(path, os.R_OK):
        return _unreadable(name, owner=status.st_uid)
    if stat.S_ISREG(status.st_mode):
        return Source(name, path, _fingerprint(status))
    if stat.S_ISFIFO(status.st_mode):
        return Source(name, path)
    return InputMissing("neither a file, a folder nor a pipe", name, hint="name a file of events")


def _unreadable(name: str, owner: int) -> InputMissing:
    hint = "allow yourself to read it: chmod u+r"
    if owner != (own := os.geteuid()):  # as in a container, where no name tells
        hint = f"it belongs to user {owner}, and you are user {own}"
    return InputMissing("can't be read", name, hint=hint)


def _fingerprint(status: os.stat_result) -> Fingerprint:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _missing(name: str, error: OSError | ValueError) -> InputMissing:
    if isinstance(error, FileNotFoundError):
        hint = f"paths start at {Path.cwd()}" if not Path(name).is_absolute() else "check the path"
        if name in built_in().names:
            hint = "an event type is no path: publish TYPE -f FILE, validate FILE --as TYPE"
        return InputMissing("no such file or folder", name, hint=hint)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return InputMissing(f"can't be read ({reason})", name, hint="check the path and its rights")
