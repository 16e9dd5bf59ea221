"""Simulate: do what a service does about its events, once for each, and bury what is invalid."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from medtrack_cli.core.checked import CheckedDelivery, examine
from medtrack_cli.core.dead_letters import DEFAULT_EXCHANGE, SENDERS_COPIES, STRIPPED_HEADERS
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Clock, Stop
from medtrack_cli.core.record import body_value
from medtrack_cli.core.simulating.reactions import Handled, Result, reactions_of
from medtrack_cli.core.simulating.services import DEAD_LETTERS, ServiceQueue
from medtrack_cli.core.simulating.trouble import Trouble
from medtrack_cli.core.times import rfc3339
from medtrack_cli.events.registry import Registry

FINDINGS_HEADER = "x-medtrack-findings"
SERVICE_HEADER = "x-medtrack-service"

_NOT_COPIED = frozenset({"user_id", "message_id", "expiration"})  # a letter doesn't expire


class State(Protocol):
    """What services have done; it outlives the process."""

    def handle(
        self,
        service: str,
        cause: str,
        event_type: str,
        at: str,
        rows: Sequence[tuple[str, Mapping[str, Any]]],
    ) -> Sequence[bool] | None:
        """Keep all of an event's effects or none: rows, each with its table.

        Tells of each whether it was stored; None, and nothing is, where this service has handled
        that event before.
        """


@dataclass
class Simulation:
    """The services at work on what their queues deliver.

    `bury` sends messages and gives their receipts. After each batch `done` has the tokens of what
    is to be acknowledged, `back` those of what is given back.
    """

    state: State
    clock: Clock
    stop: Stop
    trouble: Trouble
    bury: Callable[[Sequence[Message]], Iterable[Receipt]]
    registry: Registry | None = None
    done: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)

    def handle(self, service: str, batch: Sequence[Delivery]) -> Iterator[Handled]:
        """Yield what comes of each event, once its effects are stored."""
        self.done, self.back = [], []
        refused: list[CheckedDelivery] = []
        for delivery in batch:
            self.trouble.wait(self.clock, self.stop, redelivered=delivery.redelivered)
            if self.stop.is_requested:
                self.back.append(delivery.token)
                continue
            seen = examine(delivery, self.registry)
            if self.trouble.fails(service):
                self.back.append(delivery.token)
                yield Handled(service, seen, Result.FAILED, cause_of(delivery))
            elif seen.is_valid:
                yield from self._react(service, seen)
            else:
                refused.append(seen)
        yield from self._refuse(service, refused)

    def _react(self, service: str, seen: CheckedDelivery) -> Iterator[Handled]:
        cause, payload = cause_of(seen.delivery), body_value(seen)["payload"]
        reactions = reactions_of(service, seen.event_type)
        rows = [(each.table, each.row(payload, cause)) for each in reactions]
        at = rfc3339(self.clock.now())
        stored = self.state.handle(service, cause, seen.event_type or "", at, rows)
        self.done.append(seen.delivery.token)
        if stored is None:
            yield Handled(service, seen, Result.REPEATED, cause)
            return
        for reaction, is_new in zip(reactions, stored, strict=True):
            result = Result.DONE if is_new else Result.EXISTS
            yield Handled(service, seen, result, cause, reaction, str(payload.get(reaction.to, "")))
        self.trouble.stored()

    def _refuse(self, service: str, refused: Sequence[CheckedDelivery]) -> Iterator[Handled]:
        """Make dead letters; what didn't arrive there comes again."""
        now = self.clock.now()
        letters = [
            dead_letter(position, service, each, now) for position, each in enumerate(refused)
        ]
        buried = {
            receipt.position
            for receipt in (self.bury(letters) if letters else ())
            if receipt.outcome is Outcome.CONFIRMED
        }
        for position, each in enumerate(refused):
            if position in buried:
                self.done.append(each.delivery.token)
                yield Handled(service, each, Result.REFUSED, cause_of(each.delivery))
            else:
                self.back.append(each.delivery.token)


def cause_of(delivery: Delivery) -> str:
    """Give an event's id; where it has none, a digest of its key and body stands for it."""
    if delivery.message_id:
        return delivery.message_id
    return sha256(delivery.published_key.encode() + b"\n" + delivery.body).hexdigest()


def dead_letter(position: int, service: str, seen: CheckedDelivery, now: datetime) -> Message:
    """Make the dead letter of an invalid event, with the headers that a broker writes, too.

    A broker can't add the findings, so it isn't asked to reject.
    """
    delivery, queue = seen.delivery, ServiceQueue(service).name
    death = {
        "count": 1,
        "reason": "rejected",
        "queue": queue,
        "time": now.replace(microsecond=0),
        "exchange": delivery.exchange,
        "routing-keys": [delivery.published_key],
    }
    headers = {
        name: value
        for name, value in delivery.headers.items()
        if not name.startswith(STRIPPED_HEADERS) and name not in SENDERS_COPIES
    }
    return Message(
        position,
        *(queue, position, seen.event_type, DEAD_LETTERS, delivery.message_id or ""),
        body=delivery.body,
        properties={
            name: value for name, value in delivery.properties.items() if name not in _NOT_COPIED
        },
        headers={
            **headers,
            "x-death": [death],
            "x-first-death-queue": queue,
            "x-first-death-reason": "rejected",
            "x-first-death-exchange": delivery.exchange,
            SERVICE_HEADER: service,
            FINDINGS_HEADER: [str(each.rule) for each in seen.problems],
        },
        exchange=DEFAULT_EXCHANGE,
        is_valid=False,
    )
