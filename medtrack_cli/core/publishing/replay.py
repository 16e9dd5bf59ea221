"""Replay: make messages of recorded deliveries, byte for byte, marked as replayed."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from typing import NamedTuple
from uuid import UUID

from medtrack_cli.core.checked import REPLAY_HEADER, CheckedDelivery, examine
from medtrack_cli.core.conditions import Answer, Condition, judge
from medtrack_cli.core.dead_letters import Astray, is_astray, way
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.filters import EVER, Window, key_matches
from medtrack_cli.core.inputs import Corrupt, Item
from medtrack_cli.core.messages import PLAIN_PROPERTIES, Message, Outcome, Receipt
from medtrack_cli.core.ports import Invalid, To
from medtrack_cli.core.publishing.deliver import why
from medtrack_cli.core.publishing.job import Make, Pass
from medtrack_cli.core.publishing.plan import message_ids
from medtrack_cli.core.times import from_rfc3339, rfc3339
from medtrack_cli.errors import NotARecording
from medtrack_cli.events.check import check
from medtrack_cli.events.registry import Registry

SEQUENCE_HEADER = "x-medtrack-replay-seq"
ORIGINAL_TIME_HEADER = "x-medtrack-original-time"

# user_id must be the sender's login or the broker refuses; reply_to and expiration belong to
# the past.
STRIPPED_PROPERTIES = frozenset({"user_id", "reply_to", "expiration", "message_id"})

OLDEST_YEAR, LATEST_YEAR = 2000, 9000  # beyond them is what programs write for no time


class Recorded(NamedTuple):
    """A delivery in its recording."""

    file: str
    line: int
    delivery: Delivery
    is_timed: bool = True  # else no pace is kept for it


@dataclass(frozen=True, slots=True)
class Replay:
    """What to send of a recording, and how it is marked."""

    name: str
    run: UUID
    keys: tuple[str, ...] = ()  # topic patterns; none: every key
    window: Window = EVER  # what was received at other times counts as not there
    invalid: Invalid = Invalid.SEND
    registry: Registry | None = None
    condition: Condition | None = None
    keep_going: bool = False  # behind one that isn't sent, so that each event gets its receipt
    to: To | None = None  # where dead letters go
    command: str = "medtrack replay"  # that was given, without its options


def run_name(moment: datetime) -> str:
    """Name a run by when it began and something random: replay-20250115T100000-3f9a."""
    return f"replay-{moment:%Y%m%dT%H%M%S}-{token_hex(2)}"


def recorded(
    items: Iterable[Item],
    start: datetime,
    registry: Registry | None = None,
    corrupt: Counter[str] | None = None,
    *,
    is_part: bool = False,
) -> Iterator[Recorded]:
    """Take the deliveries out of an input; a plain event counts as delivered at its timestamp.

    One without a timestamp goes with the delivery before it; the first of all, with `start`. For
    one out of this age, which programs write for no time, no pace is kept. Raises NotARecording
    for what is neither; with a counter it is only counted, as long as something else is there, or
    only a part was read.
    """
    is_recording = is_timed = False
    error: NotARecording | None = None
    moment = start
    for item in items:
        delivery = _delivery(item, moment, registry)
        if delivery is not None:
            is_recording = True
            is_odd = delivery is not item.recorded and not _is_of_this_age(delivery.received_at)
            if not is_odd:
                moment = delivery.received_at
                is_timed = is_timed or moment != start
            yield Recorded(item.file, item.line, delivery, is_timed and not is_odd)
        else:
            error = error or _not_recorded(item, is_skipped=corrupt is not None)
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
    moment = _timestamp(item.body) or before
    return Delivery(moment, "", event_type, False, item.body, PLAIN_PROPERTIES)  # noqa: FBT003


def _not_recorded(item: Item, *, is_skipped: bool) -> NotARecording:
    place = f"{item.file}:{item.line}"
    if isinstance(item.recorded, Corrupt):
        hint = "no line of it can be read" if is_skipped else "--skip-corrupt sends the others"
        return NotARecording(f"corrupt record ({item.recorded.reason})", place, hint=hint)
    what, hint = "neither a recorded delivery nor an event", "medtrack validate says what is wrong"
    if item.body is None and item.findings:  # such as another encoding: it has its own sentence
        first = item.findings[0]
        what, hint = f"{what} ({first.message})", first.suggestion or hint
    return NotARecording(what, place, hint=hint)


def _timestamp(body: bytes) -> datetime | None:
    try:
        return from_rfc3339(json.loads(body)["timestamp"])
    except (ValueError, KeyError, TypeError):
        return None


def _is_of_this_age(moment: datetime) -> bool:
    return OLDEST_YEAR <= moment.year <= LATEST_YEAR


def making(
    read: Callable[[], Iterable[Item]],
    replay: Replay,
    start: datetime,
    why_unsendable: Callable[[Message], str | None],
    *,
    skips_corrupt: bool,
) -> Make:
    """Make what makes a recording's messages; each check refuses those that can't be sent."""

    def make(purpose: Pass, aside: Counter[str]) -> Iterator[Message | Receipt]:
        chosen = replay if purpose is Pass.SEND else replace(replay, keep_going=True)
        corrupt = aside if skips_corrupt else None
        is_part = any(replay.window)
        found = recorded(read(), start, replay.registry, corrupt, is_part=is_part)
        made = messages(found, chosen, aside)
        is_check = purpose in {Pass.CHECK, Pass.KEEP}
        return refuse_unsendable(made, why_unsendable) if is_check else made

    return make


def messages(
    recording: Iterable[Recorded], replay: Replay, aside: Counter[str]
) -> Iterator[Message | Receipt]:
    """Make a message of each wanted delivery; count the others aside.

    One that isn't sent gets its receipt, and ends the run unless `keep_going`: an invalid one
    with Invalid.FAIL; a dead letter that nobody has said where to send, or a delivery of which a
    bug keeps a message from being made. Of these two an error is raised at the end.
    """
    identify = message_ids(replay.run)
    index = 0
    failure: Exception | None = None
    for recorded in recording:
        if (seen := _wanted(recorded.delivery, replay, aside)) is None:
            continue
        index += 1
        try:
            made = _made(index, recorded, seen, replay, identify(index))
        except Exception as error:  # noqa: BLE001 -- raised when all is accounted for
            failure = _joined(failure, error)
            made = _unmade(index, recorded, seen.event_type, error)
        if isinstance(made, Receipt):
            yield made
            if not replay.keep_going:
                break
            continue
        yield made
    if failure is not None:
        raise failure


def _made(
    index: int, recorded: Recorded, seen: CheckedDelivery, replay: Replay, message_id: str
) -> Message | Receipt:
    if is_astray(recorded.delivery, replay.to):
        raise Astray(1, f"{recorded.file}:{recorded.line}", replay.command)
    message = _message(index, recorded, seen, replay, message_id)
    if seen.is_valid or replay.invalid is not Invalid.FAIL:
        return message
    first = seen.problems[0]
    return message.receipt(Outcome.INVALID, f"{first.rule}: {first.message}")


def _joined(failure: Exception | None, error: Exception) -> Exception:
    """Keep the first failure; of dead letters, with how many there are."""
    if isinstance(failure, Astray) and isinstance(error, Astray):
        return failure.one_more()
    return failure or error


def _unmade(index: int, recorded: Recorded, event_type: str | None, error: Exception) -> Receipt:
    message_id = recorded.delivery.message_id
    return Receipt(
        index, recorded.file, recorded.line, event_type, message_id, Outcome.UNSENT, why(error)
    )


def _wanted(delivery: Delivery, replay: Replay, aside: Counter[str]) -> CheckedDelivery | None:
    """Look at a delivery; None, and counted aside, when it isn't to be sent."""
    if not replay.window.holds(delivery.received_at):
        return None
    if replay.keys and not any(key_matches(p, delivery.published_key) for p in replay.keys):
        aside["left_out"] += 1
        return None
    seen = examine(delivery, replay.registry)
    answer = judge(seen, replay.condition)
    if answer is not Answer.YES:
        aside["left_out"] += 1
        if answer is Answer.UNEVALUABLE:
            aside["unevaluable"] += 1
        return None
    if not seen.is_valid and replay.invalid is Invalid.SKIP:
        aside["invalid_skipped"] += 1
        return None
    return seen


def refuse_unsendable(
    outgoing: Iterable[Message | Receipt], why_not: Callable[[Message], str | None]
) -> Iterator[Message | Receipt]:
    """Pass on what would be sent, message by message; NotARecording for one that can't be."""
    for each in outgoing:
        if isinstance(each, Message) and (reason := why_not(each)):
            raise NotARecording(reason, f"{each.file}:{each.line}", hint="nothing was sent")
        yield each


def _message(
    index: int, recorded: Recorded, seen: CheckedDelivery, replay: Replay, message_id: str
) -> Message:
    delivery = recorded.delivery
    exchange, routing_key, headers = way(delivery, replay.to)
    return Message(
        position=index,
        file=recorded.file,
        line=recorded.line,
        event_type=seen.event_type,
        routing_key=routing_key,
        message_id=message_id if delivery.message_id is None else delivery.message_id,
        body=delivery.body,
        properties={
            name: value
            for name, value in delivery.properties.items()
            if name not in STRIPPED_PROPERTIES
        },
        headers={
            **headers,
            REPLAY_HEADER: replay.name,
            SEQUENCE_HEADER: index,
            ORIGINAL_TIME_HEADER: rfc3339(delivery.received_at),
        },
        exchange=exchange,
        paced_by=delivery if recorded.is_timed else None,
        is_valid=seen.is_valid,
    )
