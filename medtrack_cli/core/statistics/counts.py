"""Statistics of recordings: counts, times and sizes of the events, in constant memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import NamedTuple

from medtrack_cli.core.bounded import BoundedCounts
from medtrack_cli.core.statistics.timeline import Timeline
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.findings import Rule

MOST_NAMES = 1_000
"""The most types, services, routing keys and groups of findings that are counted apart."""

MOST_NAME = 200  # characters kept of a name
MOST_PLACES = 3  # the most places kept for a group of findings
MOST_IDS = 2_000_000
"""The most message ids remembered; beyond that a duplicate can be missed. They take about 130 MB.
"""

_AT_ONCE = 1_000
_RULES = frozenset(Rule)

Kind = tuple[str | None, str | None, str | None, bool]
"""What an event is counted by: type, service, routing key, as they are in it and None if missing;
and whether it is valid.
"""


@dataclass(slots=True)
class Count:
    """The number of events, and of invalid ones among them."""

    events: int = 0
    invalid: int = 0


class Group(NamedTuple):
    """What findings are counted by; `field` is a JSON pointer with `*` for an index."""

    rule: Rule
    event_type: str | None
    field: str
    service: str | None


@dataclass(slots=True)
class Found:
    """The number of findings, the times of their first and last event, and some places."""

    findings: int = 0
    first: float | None = None
    last: float | None = None
    places: list[tuple[str, int]] = field(default_factory=list)  # a file and its line

    def add(self, moment: float | None, place: tuple[str, int]) -> None:
        self.findings += 1
        if moment is not None:
            self.first = moment if self.first is None else min(self.first, moment)
            self.last = moment if self.last is None else max(self.last, moment)
        if len(self.places) < MOST_PLACES and place not in self.places:
            self.places.append(place)


Names = BoundedCounts[str | None, Count]
"""Events by one of their names."""

_names = partial(BoundedCounts[str | None, Count], MOST_NAMES, Count)


def most_frequent(names: Names) -> list[tuple[str | None, Count]]:
    """List the names that are counted apart, the most frequent first."""
    return sorted(names.apart.items(), key=lambda each: (-each[1].events, each[0] or ""))


def most_common(findings: BoundedCounts[Group, Found]) -> list[tuple[Group, Found]]:
    """List the groups of findings that are counted apart, the largest first."""
    return sorted(findings.apart.items(), key=lambda each: -each[1].findings)


@dataclass(slots=True)
class Duplicates:
    """Events with a message id seen before, known by 64 bits of its hash.

    Among two million ids two share them once in ten million recordings.
    """

    most: int = MOST_IDS  # remembered
    found: int = 0
    without_id: int = 0
    _seen: set[int] = field(default_factory=set)

    @property
    def is_least(self) -> bool:
        """Whether there were more ids than are remembered."""
        return len(self._seen) >= self.most

    def add(self, message_ids: Sequence[str | None]) -> None:
        known = [hash(each) for each in message_ids if each]
        self.without_id += len(message_ids) - len(known)
        if self.is_least:
            self.found += sum(each in self._seen for each in known)
            return
        before = len(self._seen)
        self._seen.update(known)
        self.found += len(known) - (len(self._seen) - before)


class Sizes(NamedTuple):
    """Bytes of the events' bodies."""

    total: int = 0
    median: int = 0
    largest: int = 0


@dataclass(slots=True)
class Stats:
    """What is in the input so far."""

    files: int = 0
    events: int = 0
    invalid: int = 0
    redelivered: int = 0
    untimed: int = 0
    left_out: int = 0  # of a stream, by the event's own time
    undated: int = 0  # of those, the ones without a time
    types: Names = field(default_factory=_names)
    services: Names = field(default_factory=_names)
    routing_keys: Names = field(default_factory=_names)
    rules: Counter[Rule] = field(default_factory=Counter)  # findings, not events
    findings: BoundedCounts[Group, Found] = field(
        default_factory=lambda: BoundedCounts(MOST_NAMES, Found)
    )
    duplicates: Duplicates = field(default_factory=Duplicates)
    timeline: Timeline = field(default_factory=Timeline)
    foreign: int = 0  # places that hold neither a recorded delivery nor an event
    first_foreign: str = ""  # the place of the first of them
    unreadable: int = 0  # paths
    exit_code: ExitCode = ExitCode.DONE
    _sizes: Counter[int] = field(default_factory=Counter)
    _waiting: list[tuple[Kind, int, float | None, str | None]] = field(default_factory=list)

    @property
    def sizes(self) -> Sizes:
        total = sum(size * count for size, count in self._sizes.items())
        left = ceil(self.events / 2)
        for size in sorted(self._sizes):
            left -= self._sizes[size]
            if left <= 0:
                return Sizes(total, size, max(self._sizes))
        return Sizes()

    def add(self, kind: Kind, size: int, moment: float | None, message_id: str | None) -> None:
        """Add an event and its size in bytes; it is counted with the next ones, which is cheaper.

        `moment` is in seconds since 1970.
        """
        self._waiting.append((kind, size, moment, message_id))
        if len(self._waiting) >= _AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Count what was added."""
        if not self._waiting:
            return
        kinds, sizes, moments, message_ids = zip(*self._waiting, strict=True)
        self.events += len(kinds)
        self._sizes.update(sizes)
        self.duplicates.add(message_ids)
        self.untimed += moments.count(None)
        counted = Counter(kinds)
        in_time = {each: self.timeline.kind(_cut(each[0]), is_valid=each[3]) for each in counted}
        self.timeline.add(zip(moments, map(in_time.__getitem__, kinds), strict=True))
        for kind, events in counted.items():
            self._add_kind(kind, events)
        self._waiting.clear()

    def add_finding(  # noqa: PLR0913, PLR0917 -- what a finding is counted under
        self, rule: str, pointer: str, kind: Kind, moment: float | None, file: str, line: int
    ) -> None:
        """Count a finding of an event; rules of newer versions are ignored."""
        if rule in _RULES:
            known = Rule(rule)
            self.rules[known] += 1
            group = Group(known, _cut(kind[0]), _general(pointer), _cut(kind[1]))
            self.findings.of(group).add(moment, (file, line))

    def add_foreign(self, place: str) -> None:
        """Count what is neither a recorded delivery nor an event."""
        self.foreign += 1
        self.first_foreign = self.first_foreign or place
        self.fail(ExitCode.DATA_ERROR)

    def add_unreadable(self, code: ExitCode) -> None:
        """Count a path that can't be read, and keep the reason."""
        self.unreadable += 1
        self.fail(code)

    def fail(self, code: ExitCode) -> None:
        """Keep the reason why it isn't complete: the first counts."""
        if self.exit_code is ExitCode.DONE:
            self.exit_code = code

    def _add_kind(self, kind: Kind, events: int) -> None:
        *names, is_valid = kind
        invalid = 0 if is_valid else events
        self.invalid += invalid
        for counts, name in zip((self.types, self.services, self.routing_keys), names, strict=True):
            count = counts.of(_cut(name))
            count.events += events
            count.invalid += invalid


def _cut(name: str | None) -> str | None:
    return name and name[:MOST_NAME]


def _general(pointer: str) -> str:
    """Write a pointer, cut like names, with `*` for every index: items of a list are alike."""
    parts = pointer[:MOST_NAME].split("/")
    return "/".join("*" if part.isdecimal() else part for part in parts)
