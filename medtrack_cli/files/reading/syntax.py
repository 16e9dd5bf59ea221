"""Events out of a source, whatever its syntax."""

import json
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from gzip import BadGzipFile, GzipFile
from typing import BinaryIO

from medtrack_cli.core.items import Item, no_events_in
from medtrack_cli.errors import InputMissing
from medtrack_cli.events import findings
from medtrack_cli.files.known import LOOKED_AT, known
from medtrack_cli.files.reading.json_reader import MAX_LINE, Skip, broken, read_document, read_lines
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.reading.streams import BOM, open_source

WantsText = Callable[[str | None, findings.Path, str | None], bool]
"""Whether a field of an event type keeps a plain YAML scalar's text: `cin: 01234567`."""

_SYNTAXES = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".yaml": "yaml",
    ".yml": "yaml",
}
SMALL = 64 * 1024
"""Bytes of a JSON file from which it is read in parts, and not looked at as one event first."""

_RECORDED = (b'{"kind":"recording",', b'{"kind":"event",')  # reading a part of a recording again
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


class CutOff(InputMissing):
    """Gzip that is cut off or damaged from `line` on, None where that is unknown."""

    line: int | None = None


def read(
    source: Source,
    *,
    wants_text: WantsText,
    as_type: str | None = None,
    open_stdin: Callable[[], BinaryIO],
    skip: Skip | None = None,
) -> Iterator[Item]:
    """Read a source's events lazily, in order, no further ahead than its syntax demands.

    `as_type` is the type of bare payloads. The name decides the syntax, else the first line; a
    recording is read as one whatever its name. NDJSON lines, and small JSON files of one event
    that aren't gzip, for which `skip` is true make no item; a source without events makes one that
    says so. Raises InputMissing when the source can't be opened or read any more, CutOff for gzip,
    after yielding what came before.
    """
    try:
        with open_source(source, open_stdin) as stream:
            yield from _items(stream, source, wants_text, as_type, skip)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "the gzip is cut off or damaged"
        hint = "is the file complete, and is it yours to read?"
        is_cut = isinstance(error, EOFError | zlib.error | BadGzipFile)
        kind = CutOff if is_cut else InputMissing
        missing = kind(f"can't be read ({reason})", source.name, hint=hint)
        if isinstance(missing, CutOff) and source.is_regular:
            missing.line = _readable_lines(source, open_stdin) + 1
        raise missing from error


def _readable_lines(source: Source, open_stdin: Callable[[], BinaryIO]) -> int:
    """Count the lines before the damage: readers don't know where lines were passed over."""
    count = 0
    with suppress(OSError, EOFError, zlib.error), open_source(source, open_stdin) as stream:
        for piece in iter(partial(stream.readline, MAX_LINE), b""):
            count += piece.endswith(b"\n")
    return count


def _items(
    stream: BinaryIO, source: Source, wants_text: WantsText, as_type: str | None, skip: Skip | None
) -> Iterator[Item]:
    name = source.name
    if not source.start and (said := known(stream.peek(LOOKED_AT))):  # type: ignore[attr-defined] # by open_source
        return iter([broken(name, findings.Span(1, 1, 2), *said)])
    syntax = _SYNTAXES.get(os.path.splitext(name.lower().removesuffix(".gz"))[1])  # noqa: PTH122 -- for names alone
    head: list[bytes] = []
    if syntax is None:
        head = _first_line(stream)
        syntax = _sniff(head[-1]) if head else "ndjson"
    elif syntax != "ndjson":
        start = stream.read(len(_RECORDED[0]))
        if start.startswith(_RECORDED):
            syntax, start = "ndjson", start + stream.readline(MAX_LINE)
        head = [start]
    if syntax == "ndjson":
        return read_lines(stream, name, deque(head), skip=skip, lines_before=source.lines_before)
    start = b"".join(head)
    if syntax == "json":
        if skip is not None and _is_plain(source, stream) and start.startswith(b"{"):
            start += stream.read(SMALL - len(start))
            if len(start) < SMALL and skip(start, 1):
                return iter(())
        return or_nothing(read_document(stream, name, start), name)
    from medtrack_cli.files.reading import json_in_yaml

    start, is_json = json_in_yaml.take(stream, start)
    if is_json:
        return or_nothing(json_in_yaml.read_json_in_yaml(start, name), name)
    from medtrack_cli.files.reading.yaml_reader import read_yaml

    items = read_yaml(stream, name, wants_text=wants_text, as_type=as_type, head=start)
    return or_nothing(items, name)


def _is_plain(source: Source, stream: BinaryIO) -> bool:
    """Return whether it is read to its end at once: gzip may be damaged there, after events."""
    return source.is_regular and not isinstance(stream, GzipFile)


def or_nothing(items: Iterable[Item], name: str) -> Iterator[Item]:
    """Pass items on; without any, yield one that says that the source holds no event."""
    is_empty = True
    for item in items:
        is_empty = False
        yield item
    if is_empty:
        yield no_events_in(name)


def _first_line(stream: BinaryIO) -> list[bytes]:
    """Read up to the first line that isn't blank."""
    lines = []
    while line := stream.readline(MAX_LINE):
        lines.append(line)
        if line.removeprefix(BOM).strip():
            break
    return lines


def _sniff(line: bytes) -> str:
    """Return the syntax by the first line: JSON if it begins an object and doesn't close it."""
    text = line.removeprefix(BOM).decode("utf-8", "replace").strip(" \t\r\n")
    if text.startswith(("[", "//", "/*")):
        return "json"
    if not text.startswith("{"):
        return "yaml"
    try:
        _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        return "json" if error.pos >= len(text) else "ndjson"
    except RecursionError:
        pass
    return "ndjson"
