"""Publish a valid event with one call."""

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.simulating.patterns import place_of
from medtrack_cli.core.times import rfc3339
from medtrack_cli.core.validating.examine import compact
from medtrack_cli.errors import UsageError
from medtrack_cli.events.generate import generated
from medtrack_cli.testing.broker import Broker
from medtrack_cli.testing.event import Event, event_of
from medtrack_cli.testing.telling import understood
from medtrack_cli.wiring.inputs import example

if TYPE_CHECKING:
    from collections.abc import Iterator

__tracebackhide__ = True  # pytest shows the test's line


class Publish:
    """Publishes events that are made up, but for the fields that are given."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._made: dict[str, Iterator[dict[str, Any]]] = {}

    def __call__(self, event_type: str, /, **fields: Any) -> Event:  # noqa: ANN401 -- JSON
        """Publish an event, and give it once the broker has confirmed that a queue has it.

        `fields` are the payload's, or the envelope's `service`, `timestamp` and `version`.
        Raises ValueError for a type or field that there isn't, AssertionError where the event is
        invalid, no queue wants it, or no answer comes.
        """
        event = understood(lambda: self._event(event_type, fields))
        made = examine(self._delivery(event_type, event), self._broker.registry)
        published = event_of(made)
        if not made.is_valid:
            found = "".join(f"\n  {each}" for each in published.findings)
            raise AssertionError(f"{event_type} was not published, it is invalid:{found}")
        name = published.message_id or ""
        message = Message(1, "<test>", 1, event_type, event_type, name, made.body)
        receipt = self._broker.send(message)
        if receipt.outcome is not Outcome.CONFIRMED:
            raise AssertionError(f"{event_type} is {receipt.outcome}{_hint(receipt.outcome)}")
        return published

    def _event(self, event_type: str, fields: dict[str, Any]) -> dict[str, Any]:
        if event_type not in self._made:
            known = self._broker.registry.find(event_type)
            sample = example(self._broker.runtime, known)
            if sample is None:
                hint = "add `examples` to its schema: a list of payloads"
                raise UsageError("no example to make events of", event_type, hint=hint)
            seed = random.SystemRandom().randrange(2**32)  # other persons in each test
            self._made[event_type] = generated(known, sample, seed)
        event = next(self._made[event_type])
        event["timestamp"] = rfc3339(datetime.now(UTC))
        for field, value in fields.items():
            path = place_of(field, event_type, self._broker.registry)
            (event["payload"] if path[0] == "payload" else event)[path[-1]] = value
        return event

    def _delivery(self, event_type: str, event: dict[str, Any]) -> Delivery:
        return Delivery(
            datetime.now(UTC),
            self._broker.exchange,
            event_type,
            redelivered=False,
            body=compact(event),
            properties={"message_id": str(uuid4())},
        )


def _hint(outcome: Outcome) -> str:
    if outcome is Outcome.UNROUTABLE:
        return ": no queue is bound to it; start your consumer first, or ask for medtrack_tap"
    return ""
