"""What a run writes: never one of its inputs, and never over a file that would be missed."""

import os
import re
import stat
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TextIO

from medtrack_cli.errors import CannotCreate
from medtrack_cli.files.known import GZIP, is_yaml, without_comments

_LOOKED_AT = 16 * 1024  # bytes by which a file is recognised
_CHECKPOINT = b'{"kind":"checkpoint",'
_RULE_LINE = rb"[^\n]*:[0-9]+:[0-9]+: (?:error|warning)\[[a-z_]+\]: "
_SUM_LINE = rb"checked [0-9,]+ (?:events? in [0-9,]+ files?|queues?, [0-9,]+ bindings?): "
_REPORT = re.compile(
    rb'\{"kind":"(?:finding","file|validated","files|linted","queues|error","code|note","message|'
    rb'(?:receipt|message)","index|(?:published|replayed|dry_run)","(?:total|profile))":|'
    rb'\{\s*"\$schema"\s*:\s*"[^"]*sarif|'
    rb'\[\s*\{(?=[^\n]*"check_name")(?=[^\n]*"fingerprint")|'  # GitLab's code quality
    rb"(?:<\?xml[^>]*>\s*)?<testsuites?\b|"
    rb"::(?:error|warning) title=medtrack |"
    rb"%b|%b|error: [^\n]*\n(?s:.*\n)?(?:%b|%b)" % (_RULE_LINE, _SUM_LINE, _RULE_LINE, _SUM_LINE)
)
_JSON = re.compile(rb'^[ \t]*(?:\{\s*(?:["}\w]|\Z)|\[\s*(?:[\[{\]]|\Z))', re.MULTILINE)


class Held(StrEnum):
    """What a file contains, by how it begins."""

    NOTHING = "nothing"
    REPORT = "a report"
    CHECKPOINT = "a checkpoint"
    JOURNAL = "a journal"
    RECORDING = "a recording"
    DATA = "events, a schema or a configuration"
    OTHER = "something else"


_BEGINNINGS = {
    _CHECKPOINT: Held.CHECKPOINT,
    b'{"kind":"journal",': Held.JOURNAL,
    b'{"kind":"recording",': Held.RECORDING,
    b'{"kind":"event",': Held.RECORDING,
}

OUR_OWN = frozenset({Held.REPORT, Held.CHECKPOINT, Held.JOURNAL})
"""What a run writes about its input, and is no input itself."""

_MISSED = frozenset({Held.CHECKPOINT, Held.JOURNAL, Held.RECORDING, Held.DATA})


def held(path: Path | str) -> Held:
    """Return what a regular file contains; an unreadable one may be anything, and is DATA."""
    try:
        text = _beginning(path)
    except (OSError, ValueError):
        return Held.DATA
    if text.rstrip() in {b"", b"[]"}:
        return Held.NOTHING
    if _CHECKPOINT.startswith(text):
        return Held.OTHER  # begun, and torn off
    for beginning, what in _BEGINNINGS.items():
        if text.startswith(beginning):
            return what
    if _REPORT.match(text):
        return Held.REPORT
    content = without_comments(text)
    is_data = not content or is_yaml(content) or _JSON.search(content)
    return Held.DATA if is_data else Held.OTHER


def _beginning(path: Path | str) -> bytes:
    """Read a file's first bytes as text, gzip and UTF-16 decoded."""
    with open(path, "rb") as stream:  # noqa: PTH123 -- any spelling of the name will do
        head = stream.read(_LOOKED_AT)
    if head.startswith(GZIP):
        with suppress(zlib.error):
            head = zlib.decompressobj(wbits=31).decompress(head, _LOOKED_AT)
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").lstrip()


class Written(NamedTuple):
    """All that a run writes: files, each with its purpose, and stdout by its descriptor."""

    outputs: Sequence[tuple[Path, str]] = ()
    stdout: int | None = None

    def holds(self, name: str) -> bool:
        """Return whether a file is one of them, whatever its name."""
        wanted = _identity(name)
        places = (self.stdout, *(path for path, _ in self.outputs))
        return wanted is not None and any(_identity(place) == wanted for place in places)

    def refuse(self, inputs: Iterable[str | Path | int]) -> None:
        """Raise CannotCreate where one is an input, or would replace a file of another kind."""
        stdout = _identity(self.stdout)
        if not (self.outputs or stdout):
            return
        taken = {_identity(each): each for each in inputs}
        taken.pop(None, None)
        hint = "write to another file"
        if stdout in taken:
            raise CannotCreate("the output is one of the inputs", str(taken[stdout]), hint=hint)
        for path, what in self.outputs:
            if _identity(path) in taken:
                raise CannotCreate(f"{what} would replace an input", str(path), hint=hint)
            found = held(path) if os.path.isfile(path) else Held.NOTHING
            if found in _MISSED and found != f"a {what}":
                raise CannotCreate(f"{what} would replace {found}", str(path), hint=hint)


NOTHING_WRITTEN = Written()


def descriptor(stream: TextIO) -> int | None:
    """Give a stream's descriptor, if it has one."""
    with suppress(OSError, ValueError):
        return stream.fileno()
    return None


def _identity(file: str | Path | int | None) -> tuple[int, int] | None:
    """Identify a file independently of its name; None for missing files and devices."""
    if file is None:
        return None
    try:
        status = os.stat(file)  # noqa: PTH116 -- of descriptors, too
    except (OSError, ValueError):
        return None
    is_kept = stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)
    return (status.st_dev, status.st_ino) if is_kept else None
