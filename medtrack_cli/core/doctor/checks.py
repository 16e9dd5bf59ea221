"""The table of checks, and how they are run."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from medtrack_cli.core.doctor import connecting, health, rights
from medtrack_cli.core.doctor.facts import Facts, NotSaid
from medtrack_cli.core.doctor.ports import Blocked
from medtrack_cli.core.doctor.results import Check, Result, Seen, Status, failed, unknown
from medtrack_cli.core.explanations.checks import CHECKS
from medtrack_cli.errors import MedtrackError, UsageError
from medtrack_cli.suggestions import did_you_mean


class Step(NamedTuple):
    """A check with what it needs. When it fails, all checks that need it are skipped."""

    id: Check
    needs: tuple[Check, ...]
    look: Callable[[Facts], Seen]


_TLS = (Check.PROTOCOL, Check.TLS_CHAIN, Check.TLS_NAME, Check.TLS_EXPIRY)
STEPS = (
    Step(Check.CONFIG, (), connecting.config),
    Step(Check.PROFILE, (Check.CONFIG,), connecting.profile),
    Step(Check.PASSWORD_SOURCE, (Check.PROFILE,), connecting.password_source),
    Step(Check.DNS, (Check.PASSWORD_SOURCE,), connecting.dns),
    Step(Check.TCP, (Check.DNS,), connecting.tcp),
    Step(Check.PROTOCOL, (Check.TCP,), connecting.protocol),
    Step(Check.TLS_CHAIN, (Check.PROTOCOL,), connecting.tls_chain),
    Step(Check.TLS_NAME, (Check.TLS_CHAIN,), connecting.tls_name),
    Step(Check.TLS_EXPIRY, (Check.TLS_CHAIN,), connecting.tls_expiry),
    Step(Check.AMQP, _TLS, connecting.amqp),
    Step(Check.LOGIN, (Check.AMQP,), connecting.login),
    Step(Check.VHOST, (Check.LOGIN,), connecting.vhost),
    Step(Check.EXCHANGE, (Check.VHOST,), rights.exchange),
    Step(Check.PUBLISH_RIGHT, (Check.EXCHANGE,), rights.publish_right),
    Step(Check.TAP_RIGHT, (Check.EXCHANGE,), rights.tap_right),
    Step(Check.READ_RIGHT, (Check.TAP_RIGHT,), rights.read_right),
    Step(Check.ROUND_TRIP, (Check.READ_RIGHT,), rights.round_trip),
    Step(Check.MANAGEMENT, (Check.LOGIN,), health.management),
    Step(Check.ALARMS, (Check.LOGIN,), health.alarms),
    Step(Check.BROKER_VERSION, (Check.AMQP,), health.broker_version),
    Step(Check.QUEUES_UNCONSUMED, (Check.MANAGEMENT, Check.VHOST), health.queues_unconsumed),
    Step(Check.BACKLOG, (Check.MANAGEMENT, Check.VHOST), health.backlog),
    Step(
        Check.UNROUTABLE_TYPES,
        (Check.MANAGEMENT, Check.VHOST, Check.EXCHANGE),
        health.unroutable_types,
    ),
    Step(Check.DEPRECATED_FEATURES, (Check.MANAGEMENT, Check.VHOST), health.deprecated_features),
    Step(Check.CLOCK, (Check.MANAGEMENT,), health.clock),
    Step(Check.PAYLOAD, (Check.CONFIG,), health.payload),
)

# What an answering management API may not tell this user, or not in time, is no failure.
_BY_MANAGEMENT = {
    *(Check.ALARMS, Check.QUEUES_UNCONSUMED, Check.BACKLOG, Check.UNROUTABLE_TYPES),
    *(Check.DEPRECATED_FEATURES, Check.CLOCK),
}


def chosen(only: Collection[str], skip: Collection[str], *, has_file: bool) -> Sequence[Step]:
    """Choose the checks by name; the payload's only with a file. Raises UsageError."""
    for name in (*only, *skip):
        if name not in list(Check):
            hint = did_you_mean(name, list(Check)) or "medtrack doctor --list"
            raise UsageError("no such check", name, hint=hint)
    wanted = only or {each.id for each in STEPS if has_file or each.id is not Check.PAYLOAD}
    steps = [each for each in STEPS if each.id in wanted and each.id not in skip]
    if not steps:
        raise UsageError("no check is left", hint="medtrack doctor --list")
    return steps


def examine(
    steps: Sequence[Step], facts: Facts, begins: Callable[[Check], None] = lambda _check: None
) -> Iterator[Result]:
    """Run the checks in order, until asked to stop."""
    for step in steps:
        begins(step.id)
        started = facts.clock.monotonic()
        cause = next((each for each in Check if each in facts.broken & _needed(step.id)), None)
        seen = _look(step, facts) if cause is None else unknown(f"{cause} failed")
        if facts.stop.is_requested:
            return  # the last answer may itself be caused by the stop
        if seen.status is Status.FAILED:
            facts.broken.add(step.id)
        fix = seen.fix
        if not fix and seen.status in {Status.WARNING, Status.FAILED}:
            fix = CHECKS[step.id].do
        ms = round(1000 * (facts.clock.monotonic() - started))
        lines = (" ".join(facts.hide(each).split("\n")) for each in (seen.text, *seen.table))
        shown = "\n".join(lines), facts.hide(fix)
        yield Result(step.id, seen.status, *shown, ms, seen.exit_code, cause)


@cache
def _needed(check: Check) -> frozenset[Check]:
    """List all that a check needs, directly or indirectly."""
    (needs,) = (each.needs for each in STEPS if each.id is check)
    return frozenset(needs).union(*map(_needed, needs))


def _look(step: Step, facts: Facts) -> Seen:
    try:
        return step.look(facts)
    except NotSaid as why:
        return unknown(str(why))
    except Blocked as alarm:
        facts.blocked = str(alarm)
        return unknown(f"the broker takes nothing from publishers now ({alarm}): see alarms")
    except MedtrackError as error:
        if step.id in _BY_MANAGEMENT and facts.has_management:
            return unknown(error.message, error.hint)
        return failed(error.message, error.hint, error.exit_code)
