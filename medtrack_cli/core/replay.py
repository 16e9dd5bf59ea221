"""Replay: make messages of recorded deliveries, byte for byte, marked as replayed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.filters import key_matches
from medtrack_cli.core.listen import REPLAY_HEADER, examine
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.pacing import Pace
from medtrack_cli.core.publish import message_ids
from medtrack_cli.core.times import rfc3339

SEQUENCE_HEADER = "x-medtrack-replay-seq"
ORIGINAL_TIME_HEADER = "x-medtrack-original-time"

# user_id must be the sender's login or the broker refuses; reply_to and expiration belong to
# the past; x-death is interpreted on publish by RabbitMQ 3 (its release notes for 4.0.1).
STRIPPED_PROPERTIES = frozenset({"user_id", "reply_to", "expiration", "message_id"})
STRIPPED_HEADERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")


class Invalid(StrEnum):
    """What to do with a recorded delivery that is no valid event."""

    SEND = "send"
    SKIP = "skip"
    FAIL = "fail"


class Recorded(NamedTuple):
    """A delivery in its recording."""

    file: str
    line: int
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Replay:
    """What to send of a recording, and how it is marked."""

    name: str
    run: UUID
    keys: tuple[str, ...] = ()  # topic patterns; none: every key
    invalid: Invalid = Invalid.SEND


@dataclass(slots=True)
class Skipped:
    """How many deliveries were left out, and how many invalid ones were met."""

    by_key: int = 0
    invalid: int = 0
    skipped_invalid: int = 0


def messages(
    recording: Iterable[Recorded], replay: Replay, skipped: Skipped, pace: Pace | None = None
) -> Iterator[Message | Receipt]:
    """Make a message of each wanted delivery, when its time has come.

    With Invalid.FAIL, an invalid one gets its receipt and ends the run.
    """
    identify = message_ids(replay.run)
    index = 0
    for recorded in recording:
        delivery = recorded.delivery
        if replay.keys and not any(key_matches(p, delivery.routing_key) for p in replay.keys):
            skipped.by_key += 1
            continue
        seen = examine(delivery)
        skipped.invalid += not seen.is_valid
        if not seen.is_valid and replay.invalid is Invalid.SKIP:
            skipped.skipped_invalid += 1
            continue
        index += 1
        message = _message(index, recorded, seen.event_type, replay, identify(index))
        if not seen.is_valid and replay.invalid is Invalid.FAIL:
            first = seen.problems[0]
            yield message.receipt(Outcome.INVALID, f"{first.rule}: {first.message}")
            return
        if pace is not None:
            pace.hold(delivery.received_at)
        yield message


def _message(
    index: int, recorded: Recorded, event_type: str | None, replay: Replay, message_id: str
) -> Message:
    delivery = recorded.delivery
    headers = {
        name: value
        for name, value in delivery.headers.items()
        if not name.startswith(STRIPPED_HEADERS)
    }
    return Message(
        index=index,
        file=recorded.file,
        line=recorded.line,
        event_type=event_type,
        routing_key=delivery.routing_key,
        message_id=delivery.message_id or message_id,
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
    )
