"""A delivery and the check's result, shared by all that handle deliveries."""

from dataclasses import dataclass, field, replace

from medtrack_cli.core.delivery import Delivery, content_of, key_problem
from medtrack_cli.events.check import check
from medtrack_cli.events.explain import IS_IT_BARE
from medtrack_cli.events.findings import WARNINGS, Problem
from medtrack_cli.events.foreign import seems_to_be
from medtrack_cli.events.registry import Registry

REPLAY_HEADER = "x-medtrack-replay"


@dataclass(slots=True)
class CheckedDelivery:
    """A delivery and the check's result. `body` is the delivery's, decompressed."""

    delivery: Delivery
    event_type: str | None
    problems: tuple[Problem, ...]
    is_valid: bool
    body: bytes
    line: str = field(default="", compare=False)  # its record, once it was needed


def examine(delivery: Delivery, registry: Registry | None = None) -> CheckedDelivery:
    """Check a delivery's body, and that its routing key is its event type."""
    body, unread = delivery.body, None
    if "content_encoding" in delivery.properties:
        body, unread = content_of(delivery)
    if unread is not None and unread.rule not in WARNINGS:
        return CheckedDelivery(delivery, None, (unread,), is_valid=False, body=body)
    event_type, problems = verdict = check(body, registry)
    if not problems and unread is None and event_type == delivery.routing_key:
        return CheckedDelivery(delivery, event_type, (), is_valid=True, body=body)  # as most are
    problems = tuple(_told_to_listeners(each, delivery) for each in problems)
    is_valid = verdict.is_valid
    if unread is not None:
        problems = (unread, *problems)
    if problem := key_problem(delivery, event_type):
        problems, is_valid = (*problems, problem), False
    return CheckedDelivery(delivery, event_type, problems, is_valid, body)


def _told_to_listeners(problem: Problem, delivery: Delivery) -> Problem:
    """Say what a foreign message seems to be, not how to send it."""
    if problem.suggestion != IS_IT_BARE:
        return problem
    what = seems_to_be(delivery.headers)
    return replace(problem, suggestion=f"it seems to be {what}" if what else "")


def is_replayed(delivery: Delivery) -> bool:
    """Return whether a delivery was sent by `medtrack replay`."""
    return REPLAY_HEADER in delivery.headers
