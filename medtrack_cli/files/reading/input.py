"""The input of a command: the sources named by its paths, in order."""

import io
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple, Self

from medtrack_cli.core.items import Item, NoEventsHere, without_empty
from medtrack_cli.core.ports import Note
from medtrack_cli.core.times import TimeRange
from medtrack_cli.errors import EmptyInput, InputMissing, UsageError
from medtrack_cli.events.registry import Registry, built_in
from medtrack_cli.files.reading.json_reader import Skip, read_document
from medtrack_cli.files.reading.sources import Source, expand
from medtrack_cli.files.reading.streams import is_packed
from medtrack_cli.files.reading.syntax import or_nothing, read
from medtrack_cli.files.recordings.checksums import HEADER, KIND, is_damaged
from medtrack_cli.files.recordings.reader import unwrap
from medtrack_cli.files.written import NOTHING_WRITTEN, OUR_OWN, Held, Written, held

TYPED = "<data>"


class Beginning(NamedTuple):
    """Where reading begins: the source's number, and the line of its first event."""

    source: int
    line: int


FROM_THE_START = Beginning(0, 1)


class Span(NamedTuple):
    """The time range wanted of recordings.

    `passed` is called for each delivery outside of it, except where only a part of a recording is
    read: the number before that is unknown.
    """

    window: TimeRange
    passed: Callable[[], None]


@dataclass(frozen=True)
class Input:
    """What the paths name, in order. `typed` is JSON from the command line.

    With `allows_empty` it may hold no event, and sources without any are no warning.
    """

    found: tuple[Source | InputMissing, ...]
    open_stdin: Callable[[], BinaryIO]
    as_type: str | None = None
    typed: tuple[str, ...] = field(default=(), repr=False)
    registry: Registry = field(default_factory=built_in, repr=False)
    allows_empty: bool = False
    warn: Note = lambda _text: None
    _warned: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    gone: ClassVar[None] = None  # nothing of it goes while it is read

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(each for each in self.found if isinstance(each, Source))

    @property
    def can_be_read_again(self) -> bool:
        return all(source.is_regular for source in self.sources)

    @property
    def size(self) -> int | None:
        """How many bytes there are to read; None if unknown."""
        sizes = [each.fingerprint[0] for each in self.sources if each.fingerprint is not None]
        is_known = len(sizes) == len(self.sources)
        return sum(sizes) if is_known and not any(map(is_packed, self.sources)) else None

    def files(self) -> Iterator[Path | int]:
        """Name what is read; standard input by its descriptor."""
        for source in self.sources:
            if source.path is not None:
                yield source.path
            else:
                with suppress(OSError, ValueError):
                    yield self.open_stdin().fileno()

    def in_memory(self) -> Self | None:
        """Read files of lines whole, to be read from memory; None where some are of another kind.

        What we have recorded is one: reading it takes longer than keeping what is read.
        """
        found = [each.in_memory for each in self.sources if each.has_lines]
        texts = [each.content for each in found]
        if len(found) != len(self.found) or any(
            text is None or text.startswith(KIND) for text in texts
        ):
            return None
        return replace(self, found=tuple(found))

    def require(self) -> None:
        """Refuse input for which not every event could get a verdict.

        Raises InputMissing for a path that can't be read, UsageError for a pipe among files: what
        comes after a failure in it could not be counted.
        """
        for each in self.found:
            if isinstance(each, InputMissing):
                raise each
        if len(self.sources) > 1 and not self.can_be_read_again:
            stream = next(source.name for source in self.sources if not source.is_regular)
            hint = "give it to a command of its own"
            raise UsageError("a pipe can't be mixed with other inputs", stream, hint=hint)

    def refuse_changes(self) -> None:
        """Raise InputMissing when a file has changed since it was found."""
        for source in self.sources:
            refuse_change(source)

    def missing_parts(self) -> Iterator[str]:
        """Name the missing files of a recording of which several parts are given."""
        if len(self.sources) > 1:
            from medtrack_cli.files.recordings.rotation import missing_parts

            yield from missing_parts(self.sources)

    def items(
        self,
        skip: Skip | None = None,
        span: Span | None = None,
        beginning: Beginning = FROM_THE_START,
    ) -> Iterator[Item]:
        """Read every source lazily. Raises InputMissing when one can't be read or has changed.

        Raises EmptyInput at the end if all are empty; one empty source among others is warned
        about, once. Deliveries of a recording outside of the span may be passed over.
        """
        reads = [*map(_read_typed, self.typed)]
        for number, each in enumerate(self.sources[beginning.source :]):
            reads.append(self.read(each, skip, span, 1 if number else beginning.line))
        empty = 0
        for item in chain.from_iterable(reads):
            if isinstance(item, NoEventsHere):
                empty += 1
                if len(reads) > 1 and item.file not in self._warned:
                    self._warned.add(item.file)
                    self.warn(f"{item.file}: {item.findings[0].message}")
            else:
                yield item
        if empty == len(reads) and not self.allows_empty:
            raise self.no_event()

    def no_event(self) -> EmptyInput:
        """Say that the whole input holds no event."""
        names = [*(TYPED for _ in self.typed), *(each.name for each in self.sources)]
        more = len(names) - 1
        what = f"no event in this input, nor in {more:,} more" if more else "no event in this input"
        return EmptyInput(what, names[0], hint="--allow-empty lets that pass")

    def read(
        self,
        source: Source,
        skip: Skip | None = None,
        span: Span | None = None,
        line: int = 1,
    ) -> Iterator[Item]:
        """Read one source lazily; a file that changed since it was found is an error.

        One whose content is in memory can't change meanwhile. Damaged lines are never skipped,
        except those before `line`, where the first wanted event is. A span replaces `skip`.
        """
        is_held = source.content is not None
        if not is_held:
            refuse_change(source)
        part, origin = source, None
        if span is not None:
            from medtrack_cli.files.recordings.time_index import narrowed, origin_above, outside

            part = narrowed(source, span.window)
            origin = origin_above(part)
            is_whole = part is source
            skip = outside(span.window, span.passed if is_whole else lambda: None)
        items = unwrap(
            read(
                part,
                wants_text=self.registry.wants_text,
                as_type=self.as_type,
                open_stdin=self.open_stdin,
                skip=_before(line, skip and _only_whole(skip)),
            ),
            origin,
        )
        if line > 1:
            items = (item for item in items if item.line >= line)
        yield from without_empty(items) if self.allows_empty else items
        if not is_held:
            refuse_change(source)


def _read_typed(text: str) -> Iterator[Item]:
    stream = io.BytesIO(text.encode("utf-8", "surrogateescape"))
    return or_nothing(read_document(stream, TYPED), TYPED)


def _only_whole(skip: Skip) -> Skip:
    return lambda line, number: (
        not (line.startswith(KIND) and is_damaged(line.rstrip(b"\r\n"))) and skip(line, number)
    )


def _before(line: int, skip: Skip | None) -> Skip | None:
    """Also skip the lines before a given one; only headers there are read."""
    if line == 1:
        return skip

    def is_skipped(text: bytes, number: int) -> bool:
        if number < line:
            return not text.startswith(HEADER)
        return skip is not None and skip(text, number)

    return is_skipped


def gather(  # noqa: PLR0913 -- one parameter a decision of the caller
    paths: Sequence[str],
    open_stdin: Callable[[], BinaryIO],
    *,
    registry: Registry,
    as_type: str | None = None,
    typed: Sequence[str] = (),
    written: Written = NOTHING_WRITTEN,
    note: Note = lambda _text: None,
    warn: Note = lambda _text: None,
    allows_empty: bool = False,
) -> Input:
    """Find what the paths name, without reading an event.

    In folders and globs, files that such runs write, and this one will, are passed over with a
    note. With `allows_empty` a folder or glob without event files counts as nothing. Raises
    UsageError for a file's name in place of JSON; CannotCreate when `written` would change an
    input, or replace another file's events.
    """
    for text in typed:
        if text.startswith("@") or os.path.isfile(text):
            name = text.removeprefix("@")
            raise UsageError("--data is JSON, and no file", text, hint=f"-f {shlex.quote(name)}")

    def is_ours(name: str) -> bool:
        found = held(name)
        if found in OUR_OWN or (found is Held.NOTHING and written.holds(name)):
            note(f"left out: {name} ({'is written now' if written.holds(name) else found})")
            return True
        return False

    found = tuple(
        each
        for each in expand(paths, is_ours)
        if not (allows_empty and isinstance(each, EmptyInput))
    )
    source = Input(found, open_stdin, as_type, tuple(typed), registry, allows_empty, warn)
    written.refuse(chain((each for each in paths if each != "-"), source.files()))
    return source


def refuse_change(source: Source) -> None:
    """Raise InputMissing when a file has changed since it was found."""
    if source.has_changed():
        hint = "run the command again when nobody writes to it"
        raise InputMissing("file changed while it was being read", source.name, hint=hint)
