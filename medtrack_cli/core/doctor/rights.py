"""The checks of the exchange, and of the user's permissions on it."""

from collections.abc import Sequence

from medtrack_cli.core.doctor.facts import Facts, NotSaid
from medtrack_cli.core.doctor.results import Check, Seen, failed, ok, unknown, warning
from medtrack_cli.core.explanations.checks import CHECKS
from medtrack_cli.core.routing import queues_reached
from medtrack_cli.errors import AccessRefused, ExitCode, MedtrackError

EVERYTHING = "#"


def exchange(facts: Facts) -> Seen:
    """Find the exchange; its type and durability where the management API gives them."""
    name, host = facts.settings.exchange, facts.host
    try:
        facts.broker.find_exchange(host, facts.seconds())
    except AccessRefused as error:
        return unknown(f"whether {name} exists isn't told to this user ({error.what})")
    try:
        kind, is_durable = facts.management.exchange(facts.seconds())
    except (NotSaid, MedtrackError) as why:
        fix = getattr(why, "hint", "") or CHECKS[Check.MANAGEMENT].do
        return warning(f"{name} is there; its type and durability aren't known: {why}", fix)
    if kind != "topic":
        what = f"{name} is a {kind} exchange, and no topic exchange"
        hint = "name a topic exchange with --exchange: an exchange never changes its type"
        return failed(what, hint, ExitCode.TOPOLOGY)
    if not is_durable:
        return warning(f"{name} is there, a topic exchange that is gone when the broker restarts")
    return ok(f"{name} is there, a durable topic exchange")


def publish_right(facts: Facts) -> Seen:
    """Publish with every key, in a transaction that is rolled back: nobody gets anything."""
    keys, host = facts.keys, facts.host
    if not keys:
        return unknown("no event names a routing key to try")
    try:
        facts.broker.may_publish(host, keys, facts.seconds())
    except AccessRefused as error:
        if facts.has_payload or len(keys) == 1:
            raise
        return _refused_keys(facts, keys, error)
    return ok(f"{facts.settings.username} may publish {_named(keys)}")


def _refused_keys(facts: Facts, keys: Sequence[str], first: AccessRefused) -> Seen:
    """Distinguish a user who may write some keys from one who may write none."""
    errors = {}
    for key in keys:
        try:
            facts.broker.may_publish(facts.host, [key], facts.seconds())
        except AccessRefused as error:
            errors[key] = error
    if len(errors) == len(keys):
        raise first
    return warning(f"{facts.settings.username} may not publish {_named(list(errors))}", first.hint)


def _named(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 3:,} more types" if len(keys) > 3 else ""
    return f"{', '.join(keys[:3])}{more}"


def tap_right(facts: Facts) -> Seen:
    """Declare a tap, an exclusive queue of ours, and bind it.

    The key is one that nobody publishes with: it receives no event, and no unroutable event counts
    as routed for it. Only where the keys of listeners are restricted, the pattern of `listen` is
    tried.
    """
    try:
        facts.broker.may_tap(facts.host, facts.unused_key, facts.seconds())
    except AccessRefused as error:
        if facts.unused_key not in error.what:
            raise
        facts.broker.may_tap(facts.host, EVERYTHING, facts.seconds())
    return ok(f"{facts.settings.username} may declare a tap and bind it")


def read_right(facts: Facts) -> Seen:
    """Consume from a tap."""
    facts.broker.may_read(facts.host, facts.seconds())
    return ok(f"{facts.settings.username} may read a tap")


def round_trip(facts: Facts) -> Seen:
    """Send a message to ourselves.

    With --round-trip through the event exchange, if nobody else would get it.
    """
    key = None
    if facts.asks_exchange:
        key = facts.unused_key
        others = _others(facts, key)
        if others:
            return unknown(f"not sent through {facts.settings.exchange}: it would reach {others}")
    via = "the default exchange" if key is None else facts.settings.exchange
    try:
        seconds = facts.broker.round_trip(facts.host, key, facts.seconds())
    except AccessRefused as error:
        needed = "; only `replay --to queue` needs that" if key is None else ""
        return unknown(f"{error.what}{needed}")
    if seconds is None:
        return failed(f"a message through {via} to our own queue came back")
    return ok(f"{1000 * seconds:,.1f} ms through {via} to a queue of our own")


def _others(facts: Facts, key: str) -> str:
    """Name other queues that a message with this key would reach."""
    reached = queues_reached(facts.topology, facts.settings.exchange, key, {})
    if reached is None:
        return "queues that can't be foretold"
    return ", ".join(reached)
