"""The deliveries of an input: those of a recording, and one for each plain event."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Corrupt, Item
from medtrack_cli.core.messages import PLAIN_PROPERTIES
from medtrack_cli.core.times import time_of
from medtrack_cli.errors import NotARecording
from medtrack_cli.events.check import check
from medtrack_cli.events.findings import Rule
from medtrack_cli.events.json_text import value_of
from medtrack_cli.events.registry import Registry

OLDEST_YEAR, LATEST_YEAR = 2000, 9000  # beyond these is what programs write for no time


class Recorded(NamedTuple):
    """A delivery in its recording."""

    file: str
    line: int
    delivery: Delivery
    is_timed: bool = True  # else no pace is kept for it


def recorded(
    items: Iterable[Item],
    start: datetime,
    registry: Registry | None = None,
    corrupt: Counter[str] | None = None,
    *,
    is_part: bool = False,
) -> Iterator[Recorded]:
    """Give the deliveries of an input; a plain event counts as delivered at its timestamp.

    One without a timestamp has the time of the delivery before it; the first one `start`. A time
    far from ours, which programs write for no time, has no pace. Raises NotARecording for what is
    neither; with a counter it is only counted, as long as there is something else, or only a part
    was read.
    """
    is_recording = is_timed = False
    error: NotARecording | None = None
    moment = start
    for item in items:
        delivery = _delivery(item, moment, registry)
        if delivery is not None:
            is_recording = True
            is_of_our_age = OLDEST_YEAR <= delivery.received_at.year <= LATEST_YEAR
            is_odd = delivery is not item.recorded and not is_of_our_age
            if not is_odd:
                moment = delivery.received_at
                is_timed = is_timed or moment != start
            yield Recorded(item.file, item.line, delivery, is_timed and not is_odd)
        else:
            error = error or _not_recorded(item, registry, is_skipped=corrupt is not None)
            if corrupt is None:
                raise error
            corrupt["corrupt"] += 1
    if error and not (is_recording or is_part):
        raise error


def _delivery(item: Item, before: datetime, registry: Registry | None) -> Delivery | None:
    if isinstance(item.recorded, Delivery):
        return item.recorded
    if not item.body or (event_type := check(item.body, registry).event_type) is None:
        return None
    moment = time_of(value_of(item.body)) or before
    return Delivery(moment, "", event_type, False, item.body, PLAIN_PROPERTIES)  # noqa: FBT003


def _not_recorded(item: Item, registry: Registry | None, *, is_skipped: bool) -> NotARecording:
    place = f"{item.file}:{item.line}"
    if isinstance(item.recorded, Corrupt):
        hint = "no line of it can be read" if is_skipped else "--skip-corrupt sends the others"
        return NotARecording(f"corrupt record ({item.recorded.reason})", place, hint=hint)
    problems = check(item.body, registry).problems if item.body else item.findings
    decisive = [each for each in problems if each.rule is Rule.UNKNOWN_EVENT_TYPE] or problems
    message, hint = next(((each.message, each.suggestion) for each in decisive), ("", ""))
    what = "neither a recorded delivery nor an event" + (f" ({message})" if message else "")
    return NotARecording(what, place, hint=hint or "medtrack validate says what is wrong")
