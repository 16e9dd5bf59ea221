"""A worker's share of a validation: whole files, or a part of a large one."""

import errno
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from medtrack_cli.core.items import NoEventsHere
from medtrack_cli.core.validating.examine import Completion
from medtrack_cli.core.validating.totals import Validated
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import Finding
from medtrack_cli.events.registry import Registry, built_in, extended
from medtrack_cli.files.reading.input import Input, refuse_change
from medtrack_cli.files.reading.json_reader import read_lines
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.recordings.reader import unwrap

if TYPE_CHECKING:
    from medtrack_cli.core.items import Item

MANY = 10_000
"""Findings that end a task early: each byte of a file can cause one, which takes a kilobyte."""


class Task(NamedTuple):
    """What a worker gets at once: whole files, or the bytes from `start` to `end` of one."""

    sources: tuple[Source, ...]
    start: int = 0
    end: int | None = None


class Part(NamedTuple):
    """What a worker has found in a file or in a part of one.

    `findings` is None when a whole file has too many: the parent reads it again as they are needed.
    `end` is where in a part the worker has stopped early.
    """

    findings: list[Finding] | None
    events: int = 0
    invalid: int = 0
    lines: int = 0  # how many it holds; counted in parts only
    end: int | None = None
    error: InputMissing | None = None


class Done(NamedTuple):
    """A task's result, and what is left of it."""

    parts: list[Part]
    rest: Task | None = None


class _Worker:
    """What a worker process keeps between tasks: models and validators can't be pickled."""

    registry: Registry


def begin(documents: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Create the registry in this process."""
    _Worker.registry = extended(documents) if documents else built_in()


def work(task: Task, as_type: str | None, *, allows_empty: bool = False) -> Done:
    """Work on a task until it is done or there are many findings."""
    completion = Completion(as_type, registry=_Worker.registry)
    if task.end is not None:
        (source,) = task.sources
        part = _part(source, task.start, task.end, completion)
        return Done([part], None if part.end is None else task._replace(start=part.end))
    parts: list[Part] = []
    count = 0
    for number, source in enumerate(task.sources, 1):
        parts.append(_whole(source, completion, allows_empty=allows_empty))
        count += len(parts[-1].findings or ())
        if count >= MANY and number < len(task.sources):
            return Done(parts, Task(task.sources[number:]))
    return Done(parts)


def _whole(source: Source, completion: Completion, *, allows_empty: bool) -> Part:
    validated = Validated()
    findings: list[Finding] = []
    error: InputMissing | None = None
    whole = Input(
        *((source,), _no_stdin, completion.event_type),
        registry=completion.registry,
        allows_empty=allows_empty,
    )
    try:
        items = whole.read(source, validated.counts_valid(completion))
        for finding in validated.findings(items, completion):
            if len(findings) == MANY:
                return Part(None)
            findings.append(finding)
    except InputMissing as missing:
        error = missing
    return Part(findings, validated.events, validated.invalid, error=error)


def _part(source: Source, start: int, end: int, completion: Completion) -> Part:
    validated = Validated()
    findings: list[Finding] = []
    error: InputMissing | None = None
    lines, stopped = 0, None
    try:
        data = _bytes(source, start, end)
        stream = BytesIO(data)
        skip = validated.counts_valid(completion)
        head: deque[bytes] = deque()
        read = read_lines(stream, source.name, head, skip=skip)
        items = _until_many(unwrap(read), findings)
        for finding in validated.findings(items, completion):
            findings.append(finding)  # noqa: PERF402 -- its length is asked meanwhile
        refuse_change(source)
        taken = stream.tell() - sum(map(len, head))
        lines = data.count(b"\n", 0, taken)
        stopped = start + taken if taken < len(data) else None
    except InputMissing as missing:
        error = missing
    return Part(findings, validated.events, validated.invalid, lines, stopped, error)


def _until_many(items: Iterator["Item"], findings: list[Finding]) -> Iterator["Item"]:
    for item in items:
        if not isinstance(item, NoEventsHere):  # other parts have some
            yield item
        if len(findings) >= MANY:
            return


def _bytes(source: Source, start: int, end: int) -> bytes:
    assert source.path is not None  # noqa: S101 -- only files are cut
    try:
        with source.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(end - start)
    except OSError as error:
        hint = "is it yours to read?"
        what = f"can't be read ({error.strerror})"
        raise InputMissing(what, str(source.path), hint=hint) from None


def _no_stdin() -> BinaryIO:
    raise OSError(errno.EBADF, "standard input is read by the parent")
