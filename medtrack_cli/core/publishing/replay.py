"""Replay: make messages of recorded deliveries, byte for byte, marked as replayed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from uuid import UUID

from medtrack_cli.core.checked import REPLAY_HEADER, CheckedDelivery, examine
from medtrack_cli.core.dead_letters import Astray, is_astray, way
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Invalid
from medtrack_cli.core.publishing.deliver import why
from medtrack_cli.core.publishing.job import Make, Pass
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.persons import refuse_persons
from medtrack_cli.core.publishing.plan import message_ids
from medtrack_cli.core.publishing.pseudonyms import NOT_PSEUDONYMIZED
from medtrack_cli.core.publishing.recorded import Recorded, recorded
from medtrack_cli.core.publishing.rewrite import AS_IT_WAS, Rewrite, Unfit
from medtrack_cli.core.publishing.selection import EVERYTHING, LeftOut, Selection
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import NotARecording
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
        if purpose in {Pass.CHECK, Pass.ACCOUNT}:
            chosen = replace(chosen, note=None)
        corrupt = omitted if skips_corrupt else None
        is_part = any(replay.selection.window)

        def passed() -> None:
            _leave_out(LeftOut.TIME, omitted)

        found = recorded(read(passed), start, replay.registry, corrupt, is_part=is_part)
        made = messages(found, chosen, omitted)
        is_check = purpose in {Pass.CHECK, Pass.KEEP}
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
    for each in recording:
        if (seen := _wanted(each.delivery, replay, index, omitted)) is None:
            continue
        fails = not seen.is_valid and replay.selection.invalid is Invalid.FAIL
        if not fails and (seen := replay.rewrite.with_fakes(seen)) is None:
            omitted[NOT_PSEUDONYMIZED] += 1
            continue
        index += 1
        if replay.note:
            replay.note(index, each)
        found = each._replace(delivery=seen.delivery)
        try:
            made = _made(index, found, seen, replay, identify)
        except Exception as error:  # noqa: BLE001 -- raised when all is accounted for
            failure = _joined(failure, error)
            made = _unmade(index, found, seen.event_type, error)
        if isinstance(made, Receipt):
            yield made
            if not replay.keep_going:
                break
            continue
        yield made
        if replay.ends_at_limit and index == replay.selection.limit:
            break
    if failure is not None:
        raise failure


def _made(
    index: int, recorded: Recorded, seen: CheckedDelivery, replay: Replay, identify: Identify
) -> Message | Receipt:
    if replay.rewrite.to_queue is None and is_astray(recorded.delivery, replay.rewrite.to):
        raise Astray(1, f"{recorded.file}:{recorded.line}", replay.command)
    if replay.target is not None:
        refuse_persons(seen, replay.target, replay.registry or built_in())
    try:
        return _message(index, recorded, _changed(seen, replay), replay, identify)
    except Unfit as error:
        name = recorded.delivery.message_id or identify(index)
        return Receipt(
            *(index, recorded.file, recorded.line, seen.event_type, name),
            *(Outcome.INVALID, str(error)),
            routing_key=recorded.delivery.routing_key,
            was_valid=seen.is_valid,
        )


def _changed(seen: CheckedDelivery, replay: Replay) -> CheckedDelivery:
    if not seen.is_valid and replay.selection.invalid is Invalid.FAIL:
        raise Unfit(f"{seen.problems[0].rule}: {seen.problems[0].message}")
    return replay.rewrite.changed(seen, replay.registry)


def _joined(failure: Exception | None, error: Exception) -> Exception:
    """Keep the first failure; for dead letters, with their number."""
    if isinstance(failure, Astray) and isinstance(error, Astray):
        return failure.one_more()
    return failure or error


def _unmade(index: int, recorded: Recorded, event_type: str | None, error: Exception) -> Receipt:
    message_id = recorded.delivery.message_id
    return Receipt(
        index, recorded.file, recorded.line, event_type, message_id, Outcome.UNSENT, why(error)
    )


def _wanted(
    delivery: Delivery, replay: Replay, wanted: int, omitted: Counter[str]
) -> CheckedDelivery | None:
    """Check a delivery; None, and counted, when it isn't to be sent.

    `wanted` is how many were.
    """
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
    return Message(
        position=index,
        file=recorded.file,
        line=recorded.line,
        event_type=seen.event_type,
        routing_key=routing_key,
        message_id=identify(index) if message_id is None else message_id,
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
