"""Replay: make messages of recorded deliveries, byte for byte, marked as replayed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from secrets import token_hex
from uuid import UUID

from medtrack_cli.core.checked import REPLAY_HEADER, CheckedDelivery, examine
from medtrack_cli.core.choices import Invalid
from medtrack_cli.core.dead_letters import Astray, is_astray, way
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.publishing.job import Make, Pass, why
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.plan import message_ids
from medtrack_cli.core.publishing.pseudonyms import NOT_PSEUDONYMIZED
from medtrack_cli.core.publishing.recorded import Recorded, recorded
from medtrack_cli.core.publishing.rewrite import AS_IT_WAS, Rewrite, Unfit
from medtrack_cli.core.publishing.selection import EVERYTHING, LeftOut, Selection
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import NotARecording, UsageError
from medtrack_cli.events.personal import has_persons
from medtrack_cli.events.registry import Registry, built_in

SEQUENCE_HEADER = "x-medtrack-replay-seq"
ORIGINAL_TIME_HEADER = "x-medtrack-original-time"

Identify = Callable[[int], str]
"""Makes the message id of a position."""

# user_id must be the sender's login or the broker refuses; reply_to and expiration belong to
# the past.
STRIPPED_PROPERTIES = frozenset({"user_id", "reply_to", "expiration", "message_id"})


@dataclass(frozen=True, slots=True)
class Replay:
    """What to send of a recording, and how it is marked."""

    name: str
    run: UUID
    selection: Selection = EVERYTHING
    rewrite: Rewrite = AS_IT_WAS
    registry: Registry | None = None
    keep_going: bool = False  # after one that isn't sent, so that each event gets its receipt
    ends_at_limit: bool = False  # else what is left out by it is counted
    command: str = "medtrack replay"  # as given, without its options
    target: Origin | None = None  # where real persons may not go; None: they may
    before: int = 0  # how many come before what is read
    is_checked: bool = False  # no message is sent that AMQP can't carry
    note: Callable[[int, Recorded], None] | None = None  # called with each before it is sent


def run_name(moment: datetime) -> str:
    """Name a run by its start and a random part: replay-20250115T100000-3f9a61c0."""
    return f"replay-{moment:%Y%m%dT%H%M%S}-{token_hex(4)}"


def making(
    read: Callable[[Callable[[], None]], Iterable[Item]],
    replay: Replay,
    start: datetime,
    why_unsendable: Callable[[Message], str | None],
    *,
    skips_corrupt: bool,
) -> Make:
    """Make the function that makes a recording's messages; a check refuses unsendable ones.

    `read` calls its argument for each delivery of another time that it passes over.
    """

    def make(purpose: Pass, omitted: Counter[str]) -> Iterator[Message | Receipt]:
        chosen = replay if purpose is Pass.SEND else replace(replay, keep_going=True)
        is_check = purpose in {Pass.CHECK, Pass.KEEP}
        if purpose in {Pass.CHECK, Pass.ACCOUNT}:
            chosen = replace(chosen, note=None)
        corrupt = omitted if skips_corrupt else None
        is_part = any(replay.selection.window)
        items = read(partial(_leave_out, LeftOut.TIME, omitted))
        found = recorded(items, start, replay.registry, corrupt, is_part=is_part)
        made = messages(found, replace(chosen, is_checked=is_check), omitted)
        return refuse_unsendable(made, why_unsendable) if is_check else made

    return make


def messages(
    recording: Iterable[Recorded], replay: Replay, omitted: Counter[str]
) -> Iterator[Message | Receipt]:
    """Make a message of each wanted delivery; count the others.

    One that isn't sent gets its receipt, and ends the run unless `keep_going`: an invalid one with
    Invalid.FAIL; a dead letter without a stated target, or a delivery for which a bug prevents a
    message. For these two an error is raised at the end.
    """
    identify = message_ids(replay.run)
    index = replay.before
    failure: Exception | None = None
    astray = 0
    wants_all = replay.selection == EVERYTHING
    for each in recording:
        seen = (
            examine(each.delivery, replay.registry)
            if wants_all
            else _wanted(each.delivery, replay, index, omitted)
        )
        if seen is None:
            continue
        fails = not seen.is_valid and replay.selection.invalid is Invalid.FAIL
        if not fails and (seen := replay.rewrite.with_fakes(seen)) is None:
            omitted[NOT_PSEUDONYMIZED] += 1
            continue
        index += 1
        if replay.note:
            replay.note(index, each)
        try:
            made = _made(index, each, seen, replay, identify)
        except Exception as error:  # noqa: BLE001 -- raised when all is accounted for
            failure, astray = failure or error, astray + isinstance(error, Astray)
            name = seen.delivery.message_id
            made = Receipt(
                *(index, each.file, each.line, seen.event_type, name), Outcome.UNSENT, why(error)
            )
        yield made
        is_last = replay.ends_at_limit and index == replay.selection.limit
        if isinstance(made, Receipt):
            is_last = not replay.keep_going
        if is_last:
            break
    if failure is not None:
        raise failure.times(astray) if isinstance(failure, Astray) else failure


def _made(
    index: int, recorded: Recorded, seen: CheckedDelivery, replay: Replay, identify: Identify
) -> Message | Receipt:
    rewrite, delivery = replay.rewrite, seen.delivery
    if rewrite.to_queue is None and is_astray(delivery, rewrite.to):
        raise Astray(1, f"{recorded.file}:{recorded.line}", replay.command)
    if replay.target is not None:
        refuse_persons(seen, replay.target, replay.registry or built_in())
    try:
        if not seen.is_valid and replay.selection.invalid is Invalid.FAIL:
            what = f"{seen.problems[0].rule}: {seen.problems[0].message}"
            raise Unfit(what)  # noqa: TRY301 -- as what can't be changed
        changed = rewrite.changed(seen, replay.registry)
        return _message(index, recorded, changed, replay, identify)
    except Unfit as error:
        return Receipt(
            *(index, recorded.file, recorded.line, seen.event_type),
            *(delivery.message_id or identify(index), Outcome.INVALID, str(error)),
            routing_key=delivery.routing_key,
            was_valid=seen.is_valid,
        )


def _wanted(
    delivery: Delivery, replay: Replay, wanted: int, omitted: Counter[str]
) -> CheckedDelivery | None:
    """Check a delivery; None, and counted, when it isn't to be sent. `wanted` is how many were."""
    selection = replay.selection
    seen: CheckedDelivery | None = None
    why_not = selection.refuses_unread(delivery)
    if why_not is None:
        seen = examine(delivery, replay.registry)
        why_not = selection.refuses(seen)
    if why_not is None and selection.limit is not None and wanted >= selection.limit:
        why_not = LeftOut.LIMIT
    if why_not is None:
        return seen
    _leave_out(why_not, omitted)
    return None


def _leave_out(why: LeftOut, omitted: Counter[str]) -> None:
    omitted[why] += 1
    if why is not LeftOut.INVALID:
        omitted["left_out"] += 1


def refuse_unsendable(
    outgoing: Iterable[Message | Receipt], why_not: Callable[[Message], str | None]
) -> Iterator[Message | Receipt]:
    """Pass on what would be sent; NotARecording for a message that can't be."""
    for each in outgoing:
        if isinstance(each, Message) and (reason := why_not(each)):
            raise NotARecording(reason, f"{each.file}:{each.line}", hint="nothing was sent")
        yield each


def _message(
    index: int, recorded: Recorded, seen: CheckedDelivery, replay: Replay, identify: Identify
) -> Message:
    delivery, rewrite = seen.delivery, replay.rewrite
    exchange, routing_key, headers = rewrite.led(way(delivery, rewrite.to, rewrite.to_queue))
    message_id = None if rewrite.new_ids else delivery.message_id
    properties = {
        name: value
        for name, value in delivery.properties.items()
        if name not in STRIPPED_PROPERTIES
    }
    headers[REPLAY_HEADER] = replay.name
    headers[SEQUENCE_HEADER] = index
    headers[ORIGINAL_TIME_HEADER] = rfc3339(delivery.received_at)
    # By position: by name it would take twice as long.
    return Message(
        index,
        recorded.file,
        recorded.line,
        seen.event_type,
        routing_key,
        identify(index) if message_id is None else message_id,
        delivery.body,
        properties,
        headers,
        (),
        exchange,
        delivery if recorded.is_timed else None,
        seen.is_valid,
        replay.is_checked,
    )


class RealPersons(UsageError):
    """Events with persons that would leave the protected broker they were recorded from."""

    def __init__(self, origin: Origin, target: Origin) -> None:
        what = "real persons, recorded from a protected broker, would go to another one"
        hint = "--pseudonymize makes others of them, --real-persons sends them as they are"
        super().__init__(what, f"{_named(origin)} to {_named(target)}", hint=hint)


def refuse_persons(seen: CheckedDelivery, target: Origin, registry: Registry) -> None:
    """Raise RealPersons if an event may contain a person and would leave its broker.

    What is no event, or of an unknown type, may contain anybody's data.
    """
    origin = seen.delivery.origin
    if origin is None or not origin.is_protected or origin.is_pseudonymized:
        return
    is_of_persons = seen.event_type is None or has_persons(registry, seen.event_type)
    if is_of_persons and not origin.is_same_place(target):
        raise RealPersons(origin, target)


def _named(place: Origin) -> str:
    return f"{place.broker}, vhost {place.vhost}, exchange {place.exchange}"
