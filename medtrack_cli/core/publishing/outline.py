"""What a replay would do, counted while its events are checked: the plan shown beforehand."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from medtrack_cli.core.bounded import BoundedCounts
from medtrack_cli.core.dead_letters import Deaths
from medtrack_cli.core.delivery import content_of
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.statistics.counts import Count, Names, most_frequent
from medtrack_cli.core.statistics.reading import parsers
from medtrack_cli.core.times import rfc3339

if TYPE_CHECKING:
    from medtrack_cli.core.delivery import Delivery

MOST_NAMES = 100  # the most keys, types, services and queues counted apart
MOST_SHOWN = 20  # the most of the first events listed
_LONGEST_NAME = 200  # characters of a name that are kept

_names = partial(BoundedCounts[str | None, Count], MOST_NAMES, Count)


@dataclass(slots=True)
class Outline:
    """Counts what is to be sent to a target.

    `due` gives when a recorded delivery is sent, in seconds from the start, where a pace is kept.
    `reach` gives the queues that would get a message; None: unknown.
    """

    run: str
    target: Origin
    due: "Callable[[Delivery], float] | None" = None
    rate: float | None = None
    reach: Callable[[Message], list[str] | None] = lambda _message: None
    left_out: Mapping[str, int] = field(default_factory=Counter)  # by condition
    events: int = 0
    invalid: int = 0  # of them: invalid events, sent as they were
    mismatched: int = 0  # their key is not their type
    unreached: int = 0  # no queue would get them
    unknown: int = 0  # it is unknown whether one would
    seconds: float = 0.0  # from the first to the last
    first: datetime | None = None  # when they were recorded
    last: datetime | None = None
    origins: set[Origin] = field(default_factory=set)
    deaths: Deaths | None = None  # of all that a queue holds
    keys: Names = field(default_factory=_names)
    types: Names = field(default_factory=_names)
    services: Names = field(default_factory=_names)
    queues: Names = field(default_factory=_names)
    firsts: list[Message] = field(default_factory=list)
    _known: dict[tuple[str | None, ...], tuple[Count, ...]] = field(default_factory=dict)

    def add(self, each: Message | Receipt) -> None:
        """Count one, in the order of sending."""
        if isinstance(each, Receipt):
            return  # it has its verdict already
        self.events += 1
        self.invalid += not each.is_valid
        is_other = each.event_type not in {None, each.routing_key}
        self.mismatched += is_other and not each.is_to_queue
        for count in self._counts_of(each):
            count.events += 1
            count.invalid += not each.is_valid
        if len(self.firsts) < MOST_SHOWN:
            self.firsts.append(each._replace(body=b""))
        self._reach(each)
        self._time(each)

    def _counts_of(self, message: Message) -> tuple[Count, ...]:
        """Give the counts of its key, type and service: most messages share all three."""
        names = (message.routing_key, message.event_type, _service(message))
        counts = self._known.get(names)
        if counts is None:
            tables = (self.keys, self.types, self.services)
            counts = tuple(map(_count, tables, names))
            if len(self._known) < MOST_NAMES:
                self._known[names] = counts
        return counts

    def _reach(self, message: Message) -> None:
        reached = self.reach(message)
        self.unknown += reached is None
        self.unreached += reached == []
        for queue in reached or ():
            count = _count(self.queues, queue)
            count.events += 1
            count.invalid += not message.is_valid

    def _time(self, message: Message) -> None:
        due, recorded = self.seconds, message.paced_by
        if self.rate and self.events > 1:
            due += 1 / self.rate
        if recorded is not None:
            moment = recorded.received_at
            if self.first is None or moment < self.first:
                self.first = moment
            if self.last is None or moment > self.last:
                self.last = moment
            if recorded.origin is not None and len(self.origins) < MOST_NAMES:
                self.origins.add(recorded.origin)
            if self.due is not None:
                due = max(due, self.due(recorded))
        self.seconds = due

    def to_json(self) -> dict[str, Any]:
        """Give it in the form of docs/json-output.md, also for a run's journal."""
        is_paced = self.due is not None or self.rate is not None
        deaths = {"deaths": self.deaths.to_json()} if self.deaths else {}
        return {
            "run": self.run,
            "broker": self.target.broker,
            "vhost": self.target.vhost,
            "exchange": self.target.exchange,
            "events": self.events,
            "invalid": self.invalid,
            "left_out": {
                name: count
                for name, count in self.left_out.items()
                if count and name != "left_out"  # the sum of those with its name as a prefix
            },
            "first": self.first and rfc3339(self.first),
            "last": self.last and rfc3339(self.last),
            "seconds": round(self.seconds, 3) if is_paced else None,
            "routing_keys": _listed(self.keys),
            "event_types": _listed(self.types),
            "services": _listed(self.services),
            "mismatched": self.mismatched,
            "queues": None if self.unknown else _listed(self.queues),
            "unreached": None if self.unknown else self.unreached,
            **deaths,
            "first_events": [_first(each) for each in self.firsts],
        }


def _count(names: Names, name: str | None) -> Count:
    return names.of(name and name[:_LONGEST_NAME])


def _listed(names: Names) -> dict[str, Any]:
    return {
        "names": [
            {"name": name, "events": count.events, "invalid": count.invalid}
            for name, count in most_frequent(names)
        ],
        "others": {"events": names.others.events, "invalid": names.others.invalid},
    }


def _first(message: Message) -> dict[str, Any]:
    recorded = message.paced_by
    return {
        "index": message.position,
        "received_at": recorded and rfc3339(recorded.received_at),
        "routing_key": message.routing_key,
        "event_type": message.event_type,
        "message_id": message.message_id,
        "valid": message.is_valid,
    }


def _service(message: Message) -> str | None:
    body = message.body
    if message.properties and message.paced_by and "content_encoding" in message.properties:
        body = content_of(message.paced_by).body
    try:
        service: str = parsers().named(body)["service"]
    except ValueError:
        return None
    return service
