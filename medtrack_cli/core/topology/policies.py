"""Which policy applies to a name, and a queue's settings from its policies and arguments."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from medtrack_cli.core.topology.model import Headers, Policy, Setting

EXCHANGES = frozenset({"all", "exchanges"})
_LEAST = frozenset({"message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit"})


class Undecided(Exception):
    """A policy's pattern isn't valid in Python: whether it matches is unknown."""


def queues_of(queue_type: str | None) -> frozenset[str]:
    """Name what policies for queues of a type may apply to."""
    own = "streams" if queue_type == "stream" else f"{queue_type}_queues"
    return frozenset({"all", "queues", own})


def in_force(policies: Iterable[Policy], name: str, kinds: frozenset[str]) -> Policy | None:
    """Find the policy that applies: of equal priorities the first in the broker's order.

    Raises Undecided.
    """
    fitting = (each for each in policies if each.applies_to in kinds)
    for policy in sorted(fitting, key=lambda each: -each.priority):
        if matches(policy, name):
            return policy
    return None


def matches(policy: Policy, name: str) -> bool:
    """Return whether a policy's pattern matches in a name. Raises Undecided."""
    return _compiled(policy.pattern).search(name.encode("utf-8", "surrogatepass")) is not None


_NESTED = re.compile(r"[+*}][^()]*\)+[+*{]")


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    """Compile it for bytes, as the broker does: only ASCII letters are letters.

    A pattern with nested repetitions may take Python for ever, and can't be interrupted.
    """
    if _NESTED.search(pattern):
        raise Undecided(pattern)
    try:
        return re.compile(pattern.encode("utf-8", "surrogatepass"))
    except (re.error, OverflowError, RecursionError):
        raise Undecided(pattern) from None


def settings(
    arguments: Headers, policies: Sequence[tuple[str, Mapping[str, Any]]]
) -> dict[str, Setting]:
    """Merge what policies and arguments set, by their labels; arguments override policies.

    Of limits the lowest counts. An operator's policy comes after the user's.
    """
    found: dict[str, Setting] = {}
    own = {name[2:]: value for name, value in arguments.items() if name.startswith("x-")}
    for label, values in (*policies, ("argument", own)):
        for name, value in values.items():
            before = found.get(name)
            if before and name in _LEAST and _is_less(before.value, value):
                continue
            found[name] = Setting(value, label)
    return found


def _is_less(one: object, other: object) -> bool:
    return isinstance(one, int) and isinstance(other, int) and one < other
