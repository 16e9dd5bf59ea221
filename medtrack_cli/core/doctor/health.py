"""The checks of the broker's health, most of them by its management API, and of the events."""

import re
from collections.abc import Iterable
from itertools import islice

from medtrack_cli.core.doctor.facts import Facts, NotSaid
from medtrack_cli.core.doctor.results import Check, Seen, failed, ok, unknown, warning
from medtrack_cli.core.explanations.checks import CHECKS
from medtrack_cli.core.routing import queues_reached
from medtrack_cli.errors import AccessRefused, ExitCode, MedtrackError, TimedOut
from medtrack_cli.plural import counted

MANY = 1_000
"""Messages waiting in one queue."""

OLDEST, NEWEST = (3, 10), (4, 99)
"""The versions of RabbitMQ that medtrack is tested with."""

DOUBTFUL_SECONDS, WRONG_SECONDS = 5, 60
_SHOWN = 5
_OTHER_LOGIN = "; AMQP takes the same login: is management_url that of another broker?"


def management(facts: Facts) -> Seen:
    """Ask the management API for its overview."""
    try:
        overview, _ = facts.overview
    except NotSaid as why:
        return unknown(str(why), CHECKS[Check.MANAGEMENT].do)
    except MedtrackError as error:
        other = _OTHER_LOGIN if isinstance(error, AccessRefused) else ""
        return failed(error.message, error.hint + other, error.exit_code)
    return ok(f"{facts.settings.management_url} answers, RabbitMQ {overview.version}")


def alarms(facts: Facts) -> Seen:
    """Find what blocks publishers; if we were blocked, without the management API."""
    try:
        raised = list(facts.management.alarms(facts.seconds()))
    except (NotSaid, MedtrackError):
        if facts.blocked is None and Check.MANAGEMENT in facts.broken:
            return unknown(f"{Check.MANAGEMENT} failed")
        if facts.blocked is None:
            raise
        raised = []
    if raised or facts.blocked:
        what = f"publishers are held back: {', '.join(raised) or facts.blocked}"
        return failed(what, exit_code=ExitCode.TIMED_OUT)
    return ok("none")


def broker_version(facts: Facts) -> Seen:
    """Compare the broker's version with those that medtrack is tested with."""
    product, version = facts.attempt.product, facts.attempt.version
    told = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", version)
    if product != "RabbitMQ" or told is None:
        return warning(f"{product or 'the broker'} {version} is no RabbitMQ that is known")
    number = (int(told[1]), int(told[2]))
    if OLDEST <= number <= NEWEST:
        return ok(f"{product} {version}")
    return warning(f"{product} {version}; medtrack is tested with 3.10 to 4")


def queues_unconsumed(facts: Facts) -> Seen:
    """Find queues that get events but have no consumer."""
    queues = facts.bound_queues
    if unread := [each.name for each in queues if each.consumers == 0]:
        return warning(f"nobody reads {_some(unread)}")
    if untold := [each.name for each in queues if each.consumers is None]:
        return unknown(f"the management API can't tell yet who reads {_some(untold)}")
    if not queues:
        return ok(f"no queue is bound to {facts.settings.exchange}")
    return ok(f"{counted(len(queues), 'queue')}, all are read")


def backlog(facts: Facts) -> Seen:
    """Find queues with a large backlog."""
    ready = {each.name: each.ready for each in facts.bound_queues}
    known = {name: count for name, count in ready.items() if count is not None}
    many = [f"{name} ({count:,})" for name, count in known.items() if count >= MANY]
    if many:
        return warning(f"much waits in {_some(many)}")
    if untold := ready.keys() - known.keys():
        return unknown(f"the management API can't tell yet what waits in {_some(sorted(untold))}")
    waits = counted(sum(known.values()), "message")
    return ok(f"{waits} in {counted(len(known), 'queue')}")


def unroutable_types(facts: Facts) -> Seen:
    """Find the event types that reach no queue."""
    keys = facts.keys
    name, topology = facts.settings.exchange, facts.topology
    reached = {key: queues_reached(topology, name, key, {}) for key in keys}
    nobody = [key for key, queues in reached.items() if queues == []]
    if nobody:
        return warning(f"no queue wants {_some(nobody)}")
    if None in reached.values():
        return unknown(f"where {name} leads can't be foretold: not all its exchanges are known")
    return ok(f"each of {counted(len(keys), 'event type')} reaches a queue")


def deprecated_features(facts: Facts) -> Seen:
    """Find features that newer RabbitMQ versions remove."""
    used = facts.management.deprecated(facts.seconds())
    if used:
        return warning(f"in use: {_some(used)}")
    if used is None:  # before RabbitMQ 3.13: seen in the queues
        queues = facts.topology.queues.values()
        if mirrored := [each.name for each in queues if each.value("ha-mode")]:
            return warning(f"mirrored queues, which RabbitMQ 4 hasn't: {_some(mirrored)}")
        if transient := [
            each.name for each in queues if not (each.is_durable or each.is_exclusive)
        ]:
            what = "transient queues that aren't exclusive, which RabbitMQ 4 deprecates"
            return warning(f"{what}: {_some(transient)}")
    return ok("none in use")


def clock(facts: Facts) -> Seen:
    """Compare the broker's clock with ours: events carry their publisher's time."""
    overview, seconds = facts.overview
    if overview.told_at is None:
        return unknown("the management API tells no time")
    way = "ahead of" if seconds > 0 else "behind"
    off = f"this machine's clock is {abs(seconds):,.0f} s {way} the broker's"
    if abs(seconds) > WRONG_SECONDS:
        return failed(off)
    return warning(off) if abs(seconds) > DOUBTFUL_SECONDS else ok("as the broker's")


def payload(facts: Facts) -> Seen:
    """Check the events of --file."""
    try:
        found = facts.payload
    except TimedOut as late:
        return unknown(late.message, late.hint)
    if found is None:
        return unknown("no --file was named")
    if found.invalid:
        events = counted(found.total, "event")
        return failed(f"{found.invalid:,} of {events} invalid: {found.wrong}")
    return ok(f"{counted(found.total, 'event')}, all valid")


def _some(names: Iterable[str]) -> str:
    """List the first few."""
    every = list(names)
    more = f" and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else ""
    return f"{', '.join(islice(every, _SHOWN))}{more}"
