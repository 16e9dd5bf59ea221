"""Publish: make messages of the events that are read."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha1
from typing import Any
from uuid import UUID

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item, MadeItem
from medtrack_cli.core.messages import PLAIN_PROPERTIES, Message, Outcome, Receipt
from medtrack_cli.core.ports import Note
from medtrack_cli.core.publishing.job import SKIPPED, Make, Pass
from medtrack_cli.core.publishing.judged import Judged
from medtrack_cli.core.validating.examine import (
    NOTHING_TO_ADD,
    Completion,
    Examined,
    compact,
    examine,
)
from medtrack_cli.events.check import Judge
from medtrack_cli.plural import counted

Read = Callable[[Callable[[bytes, int], bool] | None], Iterable[Item]]
"""Reads an input from its start, making no item for the lines that its argument accepts."""

Noted = Callable[[Iterable[Item]], Iterable[Item]]
"""Passes items on, and records what they contain."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How messages are made of the input. `run` determines the message ids: same run, same ids.

    `headers`, `properties` and `message_id` are the same for all, if the user gives them. Without
    `validates`, whatever names its event type is sent as it is.
    """

    run: UUID
    completion: Completion = NOTHING_TO_ADD
    keep_going: bool = False
    headers: Mapping[str, str] | None = None
    message_id: str | None = None
    validates: bool = True
    properties: Mapping[str, Any] | None = None


def messages(
    items: Iterable[Item], plan: Plan, note: Note | None = None, judge: Judge | None = None
) -> Iterator[Message | Receipt]:
    """Make a message of each event, or the receipt that says it is invalid.

    Ends after the first invalid one unless `keep_going`. `note` is told what was filled in: where
    first, and at the end in how many events. `judge` as in `examine`.
    """
    identify, typed, headers = message_ids(plan.run), plan.properties or None, plan.headers
    is_plain = not (typed or headers or plan.message_id)
    filled_in: Counter[str] = Counter()
    examined = examine(items, plan.completion, publishing=True, judge=judge)
    for position, event in enumerate(examined, 1):
        item, body, event_type, findings, filled = event
        # An invalid event is sent only if it names its type, for the key.
        if body is None or not (
            event.is_valid or (not plan.validates and named_type(body) is not None)
        ):
            yield _invalid(position, event)
            if not plan.keep_going:
                break
            continue
        if note and filled:
            filled_in[what := ", ".join(filled)] += 1
            if filled_in[what] == 1:
                note(f"{item.file}:{item.line}: filled in {what}")
        key = event_type or named_type(body) or ""
        name = plan.message_id or identify(position)
        own: Mapping[str, Any] | None = typed and {**PLAIN_PROPERTIES, **typed}
        if item.recorded is not None:
            body, own = _as_it_came(item, body, own)
        # By position: by name it would take as long as the id.
        yield Message(
            position,
            item.file,
            item.line,
            event_type,
            key,
            name,
            body,
            own,
            headers,
            findings,
            is_checked=is_plain and own is None and not findings and event_type is not None,
        )
    for what, events in filled_in.items():
        if note and events > 1:
            note(f"filled in {what} in {counted(events, 'event')}")


def _as_it_came(
    item: Item, body: bytes, own: Mapping[str, Any] | None
) -> tuple[bytes, Mapping[str, Any] | None]:
    """Give body and properties: a compressed recorded event is sent compressed."""
    recorded = item.recorded
    if not isinstance(recorded, Delivery) or body is not item.body or body is recorded.body:
        return body, own
    encoding = recorded.properties["content_encoding"]
    return recorded.body, {**PLAIN_PROPERTIES, "content_encoding": encoding, **(own or {})}


def named_type(body: bytes | None) -> str | None:
    """Read the type that a body names, valid or not."""
    try:
        name = json.loads((body or b"").decode("utf-8-sig"))["event_type"]
        name.encode()  # half a surrogate pair names nothing
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return name or None


def _invalid(index: int, event: Examined) -> Receipt:
    errors = sum(finding.is_error for finding in event.findings)
    reason = counted(errors, "finding")
    item = event.item
    return Receipt(
        index, item.file, item.line, event.event_type, None, Outcome.INVALID, reason, event.findings
    )


def message_ids(run: UUID) -> Callable[[int], str]:
    """Make the message id of each position in a run: its UUIDv5, by RFC 9562."""
    prefix = sha1(run.bytes, usedforsecurity=False)

    def identify(index: int) -> str:
        digest = prefix.copy()
        digest.update(b"%d" % index)
        text = digest.hexdigest()
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"

    return identify


def making(read: Read, plan: Plan, noted: Noted = iter, note: Note | None = None) -> Make:
    """Make the function that makes an input's messages; `noted` passes on their items."""
    tell = note
    judged = Judged(plan.completion.registry)

    def make(purpose: Pass, omitted: Counter[str]) -> Iterator[Message | Receipt]:
        nonlocal tell
        match purpose:
            case Pass.CHECK:
                return messages(read(_skipping(plan, omitted, judged)), plan)
            case Pass.ACCOUNT:
                return messages(read(None), replace(plan, keep_going=True))
        told, tell = tell, None  # once, though what was kept may be too much
        return messages(noted(read(None)), plan, told, judged.again())

    return make


def _skipping(
    plan: Plan, omitted: Counter[str], judged: Judged
) -> Callable[[bytes, int], bool] | None:
    """Count valid lines that are sent unchanged, for which no item is made."""
    if plan.completion.event_type is not None or plan.completion.settings:
        return None
    judge = judged.first()

    def skip(line: bytes, _number: int) -> bool:
        if judge(line):
            omitted[SKIPPED] += 1
            return True
        return False

    return skip


def generated_items(events: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """Give generated events as an input."""
    for number, event in enumerate(events, 1):
        yield MadeItem("<generated>", number, compact(event))
