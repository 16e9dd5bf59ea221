"""Statistics of recordings: counts, times and sizes of the events, in flat memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from operator import itemgetter
from typing import NamedTuple

from medtrack_cli.core.timeline import Timeline
from medtrack_cli.errors import ExitCode
from medtrack_cli.events.findings import Rule

MOST_NAMES = 1_000
"""So many types, services and routing keys are counted apart, the others together."""

MOST_NAME = 200
"""Characters of a name that are kept."""

MOST_IDS = 2_000_000
"""So many message ids are remembered; beyond them a duplicate can go unseen. About 130 MB."""

_AT_ONCE = 1_000
_RULES = frozenset(Rule)


class Kind(NamedTuple):
    """What an event is counted under. Names are as they stand in it, None where it has none."""

    event_type: str | None
    service: str | None
    routing_key: str | None
    is_valid: bool


class Waiting(NamedTuple):
    """Events that are yet to be counted, member by member: lists of atoms cost the least."""

    kinds: list[tuple[str | None, str | None, str | None, bool]]
    sizes: list[int]
    moments: list[float | None]
    message_ids: list[str | None]


class Count(NamedTuple):
    """How many events, and how many of them invalid."""

    events: int = 0
    invalid: int = 0


class Names:
    """Events by a name of theirs: the first MOST_NAMES names apart, the others together."""

    def __init__(self) -> None:
        self._counts: dict[str | None, Count] = {}
        self.others = Count()

    def add(self, name: str | None, more: Count) -> None:
        """Count events of a name; a long one is cut."""
        name = name[:MOST_NAME] if name else name
        if name in self._counts or len(self._counts) < MOST_NAMES:
            self._counts[name] = _sum(self._counts.get(name, Count()), more)
        else:
            self.others = _sum(self.others, more)

    @property
    def most_frequent(self) -> list[tuple[str | None, Count]]:
        """List the names, the most frequent first."""
        return sorted(self._counts.items(), key=lambda each: (-each[1].events, each[0] or ""))


def _sum(one: Count, other: Count) -> Count:
    return Count(one.events + other.events, one.invalid + other.invalid)


@dataclass(slots=True)
class Duplicates:
    """Events whose message id came before, known by 64 bits of its hash.

    Two ids of two million share them once in ten million recordings.
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
        """Take the message ids of some events."""
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
    types: Names = field(default_factory=Names)
    services: Names = field(default_factory=Names)
    routing_keys: Names = field(default_factory=Names)
    rules: Counter[Rule] = field(default_factory=Counter)  # findings, not events
    duplicates: Duplicates = field(default_factory=Duplicates)
    timeline: Timeline = field(default_factory=Timeline)
    foreign: int = 0  # places that hold neither a recorded delivery nor an event
    first_foreign: str = ""  # where the first of them is
    unreadable: int = 0  # paths
    exit_code: ExitCode = ExitCode.DONE
    _sizes: Counter[int] = field(default_factory=Counter)
    _waiting: Waiting = field(default_factory=lambda: Waiting([], [], [], []))

    @property
    def sizes(self) -> Sizes:
        total = sum(size * count for size, count in self._sizes.items())
        left = ceil(self.events / 2)
        for size in sorted(self._sizes):
            left -= self._sizes[size]
            if left <= 0:
                return Sizes(total, size, max(self._sizes))
        return Sizes()

    def add(
        self,
        kind: tuple[str | None, str | None, str | None, bool],
        size: int,
        moment: float | None,
        message_id: str | None,
    ) -> None:
        """Take an event of so many bytes; it is counted with the next ones: that is cheaper.

        `kind` has the members of Kind, `moment` is in seconds since 1970.
        """
        kinds, sizes, moments, message_ids = self._waiting
        kinds.append(kind)
        sizes.append(size)
        moments.append(moment)
        message_ids.append(message_id)
        if len(kinds) >= _AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Count what has been taken."""
        kinds, sizes, moments, message_ids = self._waiting
        self.events += len(kinds)
        self._sizes.update(sizes)
        self.duplicates.add(message_ids)
        self.untimed += moments.count(None)
        self.timeline.add(zip(moments, map(itemgetter(3), kinds), strict=True))
        for kind, count in Counter(kinds).items():
            self._add_kind(Kind(*kind), count)
        for each in self._waiting:
            each.clear()

    def add_rules(self, rules: Iterable[str]) -> None:
        """Count findings; what a newer version may have recorded is passed over."""
        self.rules.update(Rule(rule) for rule in rules if rule in _RULES)

    def add_foreign(self, place: str) -> None:
        """Count what is neither a recorded delivery nor an event."""
        self.foreign += 1
        self.first_foreign = self.first_foreign or place
        self._fail(ExitCode.DATA_ERROR)

    def add_unreadable(self, code: ExitCode) -> None:
        """Count a path that can't be read, and why."""
        self.unreadable += 1
        self._fail(code)

    def _fail(self, code: ExitCode) -> None:
        if self.exit_code is ExitCode.DONE:
            self.exit_code = code

    def _add_kind(self, kind: Kind, count: int) -> None:
        more = Count(count, 0 if kind.is_valid else count)
        self.invalid += more.invalid
        self.types.add(kind.event_type, more)
        self.services.add(kind.service, more)
        self.routing_keys.add(kind.routing_key, more)
