"""Which policy holds for a name, and what a queue's policies and arguments come to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from medtrack_cli.core.topology.model import Headers, Policy, Setting

EXCHANGES = frozenset({"all", "exchanges"})
_LEAST = frozenset({"message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit"})


class Undecided(Exception):
    """A policy's pattern is one that Python doesn't read: whether it holds isn't known."""


def queues_of(queue_type: str | None) -> frozenset[str]:
    """Name what policies for queues of a type may apply to."""
    own = "streams" if queue_type == "stream" else f"{queue_type}_queues"
    return frozenset({"all", "queues", own})


def in_force(policies: Iterable[Policy], name: str, kinds: frozenset[str]) -> Policy | None:
    """Find the policy that holds: of equal priorities the first, as the broker lists them.

    Raises Undecided.
    """
    fitting = (each for each in policies if each.applies_to in kinds)
    for policy in sorted(fitting, key=lambda each: -each.priority):
        if matches(policy, name):
            return policy
    return None


def matches(policy: Policy, name: str) -> bool:
    """Return whether a policy's pattern is found in a name. Raises Undecided."""
    return _compiled(policy.pattern).search(name.encode("utf-8", "surrogatepass")) is not None


_NESTED = re.compile(r"[+*}][^()]*\)+[+*{]")


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    """Compile it for bytes, as the broker does: to it only ASCII has letters.

    One whose repetitions are in each other may take Python for ever, and nothing ends that.
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
    """Merge what policies and arguments set, by their labels; the latter's word counts.

    Of limits the least counts. An operator's policy comes after the user's.
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
