"""What each code that is shown means, why it came, and what to do: one text for all who tell it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from medtrack_cli.core.explanations.checks import CHECKS
from medtrack_cli.core.explanations.exit_codes import EXIT_CODES
from medtrack_cli.core.explanations.explanation import Explanation
from medtrack_cli.core.explanations.outcomes import OUTCOMES
from medtrack_cli.core.explanations.reply_codes import REPLY_CODES
from medtrack_cli.core.explanations.rules import RULES
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import WARNINGS, Rule


class Group(StrEnum):
    """What a code is one of."""

    RULE = "rule"
    OUTCOME = "outcome"
    EXIT_CODE = "exit_code"
    REPLY_CODE = "reply_code"
    CHECK = "check"


class Explained(NamedTuple):
    """A code with its explanation."""

    group: Group
    code: str
    about: Explanation

    @property
    def severity(self) -> str | None:
        """A rule's severity."""
        if self.group is not Group.RULE:
            return None
        return "warning" if Rule(self.code) in WARNINGS else "error"


_ABOUT: Mapping[Group, Mapping[Any, Explanation]] = {
    Group.RULE: RULES,
    Group.OUTCOME: OUTCOMES,
    Group.EXIT_CODE: EXIT_CODES,
    Group.REPLY_CODE: REPLY_CODES,
    Group.CHECK: CHECKS,
}
EXPLAINED = tuple(
    Explained(group, str(code), about)
    for group, abouts in _ABOUT.items()
    for code, about in abouts.items()
)
"""All there are, group by group; no two have the same code."""


def find(code: str) -> Explained | None:
    """Find a code; that of an `error` object stands for its exit code."""
    known = {each.code: each for each in EXPLAINED}
    exit_codes = {each.code: str(int(each.exit_code)) for each in _errors()}
    return known.get(code) or known.get(exit_codes.get(code, ""))


def _errors() -> list[type[MedtrackError]]:
    families = MedtrackError.__subclasses__()
    return [each for family in families for each in (family, *family.__subclasses__())]
