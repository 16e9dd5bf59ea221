"""The meaning of each code that is shown, its cause and its remedy: the one text for all uses."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from medtrack_cli.core.explanations.checks import CHECKS
from medtrack_cli.core.explanations.codes import EXIT_CODES, REPLY_CODES
from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.core.explanations.outcomes import COUNTERS, OUTCOMES
from medtrack_cli.core.explanations.rules import RULES
from medtrack_cli.core.explanations.topology_rules import TOPOLOGY_RULES
from medtrack_cli.core.topology.lint_rules import TopologyRule
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import AnyRule, Rule


class Group(StrEnum):
    """The kinds of codes."""

    RULE = "rule"
    OUTCOME = "outcome"
    COUNTER = "counter"
    EXIT_CODE = "exit_code"
    REPLY_CODE = "reply_code"
    CHECK = "check"
    TOPOLOGY_RULE = "topology_rule"


class Explained(NamedTuple):
    """A code with its explanation."""

    group: Group
    code: str
    about: Explanation

    @property
    def severity(self) -> str | None:
        rules = _RULES.get(self.group)
        return rules(self.code).severity if rules else None


_RULES: Mapping[Group, type[AnyRule]] = {Group.RULE: Rule, Group.TOPOLOGY_RULE: TopologyRule}
_ABOUT: Mapping[Group, Mapping[Any, Explanation]] = {
    Group.RULE: RULES,
    Group.OUTCOME: OUTCOMES,
    Group.COUNTER: COUNTERS,
    Group.EXIT_CODE: EXIT_CODES,
    Group.REPLY_CODE: REPLY_CODES,
    Group.CHECK: CHECKS,
    Group.TOPOLOGY_RULE: TOPOLOGY_RULES,
}
EXPLAINED = tuple(
    Explained(group, str(code), about)
    for group, abouts in _ABOUT.items()
    for code, about in abouts.items()
)
"""All of them, group by group; no two have the same code."""


def rules_of(command: str) -> Mapping[Any, Explanation]:
    """Explain the rules of a command that finds something: of validate, or of topology lint."""
    return RULES if command == "validate" else TOPOLOGY_RULES


def find(code: str) -> Explained | None:
    """Find a code; an `error` object's code stands for its exit code."""
    known = {each.code: each for each in EXPLAINED}
    exit_codes = {each.code: str(int(each.exit_code)) for each in _errors()}
    return known.get(code) or known.get(exit_codes.get(code, ""))


def _errors() -> list[type[MedtrackError]]:
    families = MedtrackError.__subclasses__()
    return [each for family in families for each in (family, *family.__subclasses__())]
