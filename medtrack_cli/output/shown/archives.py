"""Archives: what a new one keeps, and the existing ones."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import NamedTuple

from medtrack_cli.core.archive import Archive, Edge, Fate, Fates, with_fate
from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.queues import NewQueue, in_units
from medtrack_cli.core.times import time_named
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet

_TITLES = ("archive", "messages", "offsets", "first", "last", "bound by")
_LEFT_OUT_FIRST = ("offsets", "bound by", "first", "last", "messages")
_UNITS = (("GB", 10**9), ("MB", 10**6), ("KB", 10**3))
_UNKNOWN = "unknown"
_WORDS = {
    Fate.CHANGED: "kept as another type",
    Fate.DROPPED: "dropped without a word",
    Fate.REFUSED: "refused, with their messages",
    Fate.CLOSES: "the broker closes the publisher's connection",
}


class ShownNewArchive(NamedTuple):
    """A requested archive, and what happens to headers in it."""

    stream: NewQueue
    patterns: tuple[str, ...]
    fates: Fates
    is_bound: bool

    def records(self) -> Iterator[Record]:
        stream = self.stream
        yield {
            "kind": Kind.ARCHIVE,
            "name": stream.name,
            "max_age": None if stream.max_age is None else in_units(stream.max_age),
            "max_bytes": stream.max_bytes,
            "bindings": list(self.patterns),
            "bound": self.is_bound,
            "headers": {each: with_fate(self.fates, each) for each in Fate},
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        stream = self.stream
        if self.is_bound:
            bounds = _bounds(in_units(stream.max_age or 0), stream.max_bytes)
            bound = " ".join(self.patterns)
            yield from sheet.sentence(f"archive {stream.name} is there, bound by {bound}; {bounds}")
        for each, words in _WORDS.items():
            if types := with_fate(self.fates, each):
                yield from sheet.sentence(f"headers of type {', '.join(types)}: {words}")


class ShownArchives(NamedTuple):
    """Existing streams, in a table."""

    archives: Sequence[Archive]

    def records(self) -> Iterator[Record]:
        return map(_record, self.archives)

    def lines(self, sheet: Sheet) -> Iterator[str]:
        rows = map(_row, self.archives)
        return sheet.table(_TITLES, rows, _LEFT_OUT_FIRST, ("bound by",))


class ShownArchive(NamedTuple):
    """One stream in detail."""

    archive: Archive

    def records(self) -> Iterator[Record]:
        yield _record(self.archive)

    def lines(self, sheet: Sheet) -> Iterator[str]:
        one = self.archive
        replicas = _UNKNOWN
        if one.replicas is not None:
            away = set(one.replicas) - set(one.online or one.replicas)
            named = (f"{each} (away)" if each in away else each for each in one.replicas)
            replicas = " ".join(sorted(named))
        rows = (
            ("archive", one.name),
            ("messages", f"about {one.messages:,}" if one.messages else _none(one)),
            ("first", _edge(one.first)),
            ("last", _edge(one.last)),
            ("bounds", _UNKNOWN if one.leader is None else _bounds(one.max_age, one.max_bytes)),
            ("bound by", _UNKNOWN if one.bindings is None else " ".join(one.bindings) or "-"),
            ("leader", one.leader or _UNKNOWN),
            ("replicas", replicas),
        )
        return sheet.aligned([(name, safe_text(value)) for name, value in rows])


def _record(archive: Archive) -> Record:
    first, last = (edge and edge._asdict() for edge in (archive.first, archive.last))
    return {"kind": Kind.ARCHIVE, **archive._asdict(), "first": first, "last": last}


def _row(archive: Archive) -> tuple[str, ...]:
    first, last = archive.first, archive.last
    return (
        safe_text(archive.name),
        f"{archive.messages:,}" if archive.messages else _none(archive),
        f"{first.offset} to {last.offset}" if first and last else "-",
        *map(_moment, (first, last)),
        _UNKNOWN if archive.bindings is None else safe_text(" ".join(archive.bindings)) or "-",
    )


def _moment(edge: Edge | None) -> str:
    """Say an event's time to the second; what it says itself may be anything, and long."""
    if edge is None or edge.timestamp is None:
        return "-"
    moment = time_named(edge.timestamp)
    return "no time" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _none(archive: Archive) -> str:
    """Explain a missing count: RabbitMQ hasn't counted yet, or there are no messages."""
    if archive.last:
        return "not counted yet"
    return "0" if archive.messages == 0 else _UNKNOWN


def _edge(edge: Edge | None) -> str:
    if edge is None:
        return "-"
    moment = edge.timestamp or ""
    is_time = time_named(moment) is not None
    return f"offset {edge.offset}, {moment if is_time else 'an event without a time'}"


def _bounds(max_age: str | None, max_bytes: int | None) -> str:
    """Say what a stream keeps; it drops the oldest only when it has written some more."""
    age = max_age and max_age.replace("D", "d")  # as --max-age takes it
    bounds = [each for each in (age, max_bytes and _size(max_bytes)) if each]
    if not bounds:
        return "keeps all, without any bound"
    return f"keeps {' and '.join(bounds)}; the oldest segments go as new ones begin"


def _size(count: int) -> str:
    unit, size = next((each for each in _UNITS if not count % each[1]), ("bytes", 1))
    return f"{count // size:,} {unit}"
