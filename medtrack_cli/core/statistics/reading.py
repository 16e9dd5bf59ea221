"""Statistics: from lines and items of an input to their counts."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any, NamedTuple

from medtrack_cli.core import checked
from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item
from medtrack_cli.core.statistics.counts import Stats
from medtrack_cli.core.times import TimeRange, from_rfc3339, time_of
from medtrack_cli.core.validating.examine import Completion, examine
from medtrack_cli.events.check import quick_check
from medtrack_cli.events.json_text import value_of
from medtrack_cli.events.registry import Registry
from medtrack_cli.interrupts import postponed

EVENT_LINE = b'{"kind":"event",'  # how a line that `listen` wrote begins
_DEAD = b'"x-first-death-queue"'
LONG_LINE = 64 * 1024
"""Bytes of a line after which all waiting events are counted, so that memory stays constant."""
_ENVELOPE = frozenset({"event_type", "payload"})  # an object with one of them is an event


Parse = Callable[[bytes], dict[str, Any]]
"""Reads a line; raises ValueError when it isn't one of its kind."""


class Parsers(NamedTuple):
    """Strict parsers of what tables need; other members are ignored."""

    named_line: Parse  # a recorded line with an event that has names
    any_line: Parse  # a recorded line
    timed: Parse  # an event
    named: Parse  # an event's names


@cache
def parsers() -> Parsers:
    """Make them; they cache no strings: values are hardly ever repeated in a row."""
    from pydantic_core import CoreConfig, SchemaValidator, core_schema

    def members(*optional: str, **kinds: Any) -> Any:  # noqa: ANN401 -- a schema
        needed = {
            name: core_schema.typed_dict_field(kind, required=name not in optional)
            for name, kind in kinds.items()
        }
        return core_schema.typed_dict_schema(needed)

    text, flag = core_schema.str_schema(), core_schema.bool_schema()
    names = {"event_type": text, "service": text}
    delivered = {
        "received_at": text,
        "routing_key": text,
        "redelivered": flag,
        "properties": members("message_id", message_id=text),
        "valid": flag,
        "findings": core_schema.list_schema(members(rule=text, pointer=text)),
    }
    texts = {"body_text": text, "body_base64": text}
    kinds = (
        members(**delivered, body=members(**names), body_text=text),
        members(*texts, **delivered, **texts, body=core_schema.any_schema()),
        members(**names, timestamp=text),
        members(**names),
    )
    cached = CoreConfig(cache_strings="keys")
    with postponed():  # a signal meanwhile would be lost
        validators = [SchemaValidator(kind, cached).validate_json for kind in kinds]
    return Parsers(*(partial(each, strict=True) for each in validators))


_read_time = datetime.fromisoformat


class StatsReader:
    """Counts lines as they are where possible, and all other events as items.

    A recorded line keeps the verdict that is written in it; anything else is checked here.
    """

    def __init__(self, stats: Stats, registry: Registry) -> None:
        self._stats = stats
        self._registry = registry
        self._file = ""
        self._named, self._any, self._timed, _ = parsers()
        self._has_no_problem = quick_check(registry)

    def begin(self, file: str) -> None:
        self._file = file
        self._stats.files += 1

    def count(self, line: bytes, number: int) -> bool:
        """Count an NDJSON line; False, without counting, when an item must be made of it.

        A whole recording goes through here: it is one function because calls are expensive.
        """
        try:
            if not line.startswith(EVENT_LINE):
                return self._count_plain(line)
            try:
                record = self._named(line)
            except ValueError:
                record = self._any(line)
                event_type, service = _names(record["body"])
                size = _size(record)
            else:
                event_type, service = record["body"]["event_type"], record["body"]["service"]
                text = record["body_text"]
                size = len(text) if text.isascii() else len(text.encode())
            received_at = _read_time(record["received_at"])
        except ValueError:
            return False
        if received_at.tzinfo is None or (not record["valid"] and _DEAD in line):
            return False  # the verdict may be that of the dead letter's key
        moment = received_at.timestamp()
        kind = (event_type, service, record["routing_key"], record["valid"])
        self._stats.add(kind, size, moment, record["properties"].get("message_id"))
        if record["redelivered"]:
            self._stats.redelivered += 1
        for each in record["findings"]:
            self._stats.add_finding(each["rule"], each["pointer"], kind, moment, self._file, number)
        if len(line) > LONG_LINE:
            self._stats.finish()
        return True

    def add(self, item: Item) -> None:
        if isinstance(item.recorded, Delivery):
            seen = checked.examine(item.recorded, self._registry)
            moment = item.recorded.received_at.timestamp()
            self._add_seen(seen, value_of(seen.body), moment, (item.file, item.line))
            return
        value = value_of(item.body) if item.body else None
        if not item.body or not isinstance(value, dict) or value.keys().isdisjoint(_ENVELOPE):
            self._stats.add_foreign(f"{item.file}:{item.line}")
            return
        for examined in examine([item], Completion(registry=self._registry)):
            kind = (*_names(value), None, examined.is_valid)
            when = time_of(value)
            named = when.timestamp() if when else None
            self._stats.add(kind, len(item.body), named, None)
            self._stats.finish()
            for each in examined.findings:
                place = (each.file, each.span.line)
                self._stats.add_finding(each.rule, each.pointer, kind, named, *place)

    def _count_plain(self, line: bytes) -> bool:
        if not self._has_no_problem(line):
            return False
        event = self._timed(line)
        moment = from_rfc3339(event["timestamp"]).timestamp()
        kind = (event["event_type"], event["service"], None, True)
        self._stats.add(kind, len(line.rstrip()), moment, None)
        return True

    def add_read(self, delivery: Delivery, window: TimeRange, name: str) -> None:
        """Count what was read from the stream of this name, by the event's own time.

        With a window only what is in it; events without a time are outside, and counted apart.
        """
        seen = checked.examine(delivery, self._registry)
        event = value_of(seen.body)
        moment = time_of(event)
        if not any(window) or (moment and window.holds(moment)):
            place = (name, delivery.offset)
            self._add_seen(seen, event, moment.timestamp() if moment else None, place)
        else:
            self._stats.left_out += 1
            self._stats.undated += moment is None

    def _add_seen(
        self, seen: CheckedDelivery, event: object, moment: float | None, place: tuple[str, int]
    ) -> None:
        delivery = seen.delivery
        kind = (*_names(event), delivery.routing_key, seen.is_valid)
        self._stats.add(kind, len(delivery.body), moment, delivery.message_id)
        if len(delivery.body) > LONG_LINE:
            self._stats.finish()
        self._stats.redelivered += delivery.redelivered
        for each in seen.problems:
            self._stats.add_finding(each.rule, each.pointer, kind, moment, *place)


def _size(record: dict[str, Any]) -> int:
    """Give the size of a body in bytes; ValueError without a body."""
    if "body_text" in record:
        return len(record["body_text"].encode())
    if "body_base64" in record:
        return len(b64decode(record["body_base64"], validate=True))
    raise ValueError("no body")


def _names(value: object) -> tuple[str | None, str | None]:
    """Give an event's type and service, if it has them."""
    if not isinstance(value, Mapping):
        return None, None
    event_type, service = value.get("event_type"), value.get("service")
    return (
        event_type if isinstance(event_type, str) else None,
        service if isinstance(service, str) else None,
    )
