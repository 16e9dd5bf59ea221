"""Validate sources in their order, in this process or in several."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from io import BufferedReader
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from medtrack_cli.core.validating.examine import Completion
from medtrack_cli.core.validating.totals import Validated
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.files.known import known
from medtrack_cli.files.reading.input import Input
from medtrack_cli.files.reading.json_reader import Skip
from medtrack_cli.files.reading.source_lines import FileLines, StreamLines
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.reading.streams import open_source
from medtrack_cli.files.validating.worker import Part, Task, begin, work

if TYPE_CHECKING:
    from medtrack_cli.core.items import Item

CHUNK = 4 * 1024 * 1024  # bytes of NDJSON a worker takes at once
BATCH = 64  # small files a worker takes at once
MANY = 4_096  # files from which several processes are worth their start
LARGE = 24 * 1024 * 1024  # bytes from which several processes are worth their start

_LINE_SUFFIXES = (".ndjson", ".jsonl")

Lines = Callable[[int], str | None]


class Piece(NamedTuple):
    """A file, or the next part of one, with its findings as they are found.

    Exhausting `findings` counts them, and raises InputMissing where the file can't be read any
    more.
    """

    source: Source
    begins: bool
    findings: Iterator[Finding]
    lines: Lines


def default_jobs(source: Input) -> int:
    """Choose one process for small inputs, one a processor for large ones."""
    size = sum(each.fingerprint[0] for each in source.sources if each.fingerprint)
    return _processors() if size >= LARGE or len(source.sources) >= MANY else 1


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def validate(
    source: Input, completion: Completion, validated: Validated, jobs: int
) -> Iterator[Piece | InputMissing]:
    """Check what the paths name, in order, with the same result for any number of processes."""
    if jobs > 1:
        yield from _in_parallel(source, completion, validated, jobs)
        return
    for found in source.found:
        yield (
            found
            if isinstance(found, InputMissing)
            else _piece(source, found, completion, validated)
        )


def _piece(source: Input, found: Source, completion: Completion, validated: Validated) -> Piece:
    validated.files += 1
    opened = ExitStack()
    if found.is_regular:
        lines: Lines = opened.enter_context(closing(FileLines(found)))
        items = source.read(found, validated.counts_valid(completion))
    else:
        lines, items = _read_once(source, found, opened, validated.counts_valid(completion))
    findings = _closing_after(opened, validated.findings(items, completion))
    return Piece(found, True, findings, lines)  # noqa: FBT003


def _closing_after(opened: ExitStack, findings: Iterator[Finding]) -> Iterator[Finding]:
    with opened:
        yield from findings


def _read_once(
    source: Input, found: Source, opened: ExitStack, skip: Skip | None
) -> tuple[Lines, "Iterator[Item]"]:
    """Read standard input or a pipe, and keep its last lines."""
    lines = StreamLines()

    def open_kept() -> BinaryIO:
        stream = opened.enter_context(open_source(found, source.open_stdin))
        return opened.enter_context(lines.keeping(stream))

    return lines, replace(source, open_stdin=open_kept).read(Source(found.name), skip)


def _in_parallel(
    source: Input, completion: Completion, validated: Validated, jobs: int
) -> Iterator[Piece | InputMissing]:
    from medtrack_cli.files.validating.pool import (
        in_processes,  # a run in one process saves these 8 ms
    )

    plan = list(_plan(source.found))
    tasks = [each for each in plan if isinstance(each, Task)]
    do = partial(work, as_type=completion.event_type, allows_empty=source.allows_empty)
    start = partial(begin, completion.registry.documents)
    read_here = partial(_piece, source, completion=completion, validated=validated)
    lines_before = 0  # lines of the same file in the parts before
    is_broken = False  # one of these parts couldn't be read
    with closing(in_processes(do, tasks, jobs, start, attrgetter("rest"))) as results:
        for each in plan:
            if isinstance(each, InputMissing):
                yield each
                continue
            if isinstance(each, Source):
                yield read_here(each)
                continue
            left: Task | None = each
            while left is not None:
                if left.start == 0:
                    lines_before, is_broken = 0, False
                done = next(results)
                if not is_broken:
                    yield from _pieces(left, done.parts, read_here, validated, lines_before)
                lines_before += done.parts[-1].lines
                is_broken = is_broken or done.parts[-1].error is not None
                left = done.rest


def _plan(found: Iterable[Source | InputMissing]) -> Iterator[Task | Source | InputMissing]:
    """Divide the input into tasks, in order; the parent keeps what can be read only once."""
    batch: list[Source] = []
    for each in found:
        is_regular = isinstance(each, Source) and each.fingerprint is not None
        size = each.fingerprint[0] if isinstance(each, Source) and each.fingerprint else 0
        if isinstance(each, Source) and is_regular and size <= CHUNK:
            batch.append(each)
            if len(batch) < BATCH:
                continue
        if batch:
            yield Task(tuple(batch))
            batch = []
        if isinstance(each, InputMissing) or not is_regular:
            yield each
        elif size > CHUNK:
            yield from _cut(each)
    if batch:
        yield Task(tuple(batch))


def _cut(source: Source) -> Iterator[Task]:
    """Cut a large NDJSON file at line ends; a file with a line of over 16 MiB stays whole."""
    if source.path is None or not source.name.lower().endswith(_LINE_SUFFIXES):
        yield Task((source,))
        return
    size = source.fingerprint[0] if source.fingerprint else 0
    ends = _line_ends(source.path, size)
    if ends is None:
        yield Task((source,))
        return
    for start, end in zip([0, *ends], ends, strict=False):
        yield Task((source,), start, end)


def _line_ends(path: Path, size: int) -> list[int] | None:
    """Find after each CHUNK where a line begins an object; None if that is far.

    Also None for a file whose parts need its beginning: one that begins with nothing may hold no
    event at all.
    """
    ends: list[int] = []
    try:
        with path.open("rb") as stream:
            head = stream.read(CHUNK)
            if not head.strip() or head.lstrip()[:1] == b"[" or known(head):
                return None
            while (start := ends[-1] if ends else 0) < size:
                stream.seek(min(start + CHUNK, size))
                if not _seek_object(stream, 4 * CHUNK):
                    return None
                ends.append(stream.tell())
    except OSError:
        return None  # a worker will report it
    return ends


def _seek_object(stream: BufferedReader, most: int) -> bool:
    """Move to a line that begins with a brace, or to the end; False beyond a number of bytes."""
    while most > 0:
        most -= len(stream.readline(most))
        if stream.peek(1)[:1] in {b"", b"{"}:
            return most > 0
    return False


def _pieces(
    task: Task,
    parts: list[Part],
    read_here: Callable[[Source], Piece],
    validated: Validated,
    lines_before: int,
) -> Iterator[Piece]:
    for found, part in zip(task.sources, parts, strict=False):
        if part.findings is None:
            yield read_here(found)
            continue
        begins = task.start == 0
        validated.files += begins
        opened = ExitStack()
        lines = opened.enter_context(closing(FileLines(found, task.start, lines_before)))
        findings = _closing_after(opened, _counted(part, part.findings, validated, lines_before))
        yield Piece(found, begins, findings, lines)


def _counted(
    part: Part, findings: list[Finding], validated: Validated, lines_before: int
) -> Iterator[Finding]:
    validated.events += part.events
    validated.invalid += part.invalid
    for finding in findings:
        validated.add(finding)
        span = finding.span
        yield (
            replace(finding, span=replace(span, line=span.line + lines_before))
            if lines_before
            else finding
        )
    if part.error is not None:
        raise part.error
