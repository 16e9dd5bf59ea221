"""medtrack explain, and the explanations of `validate`."""

from typing import TYPE_CHECKING

from medtrack_cli.commands.options import Panel, argument, command
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.output.shown.shown import Rows
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.explanations import Group

EXAMPLES = (
    "medtrack explain",
    "medtrack explain unroutable",
    "medtrack explain 69",
    "medtrack explain bad_format -o json",
)


@command("explain", *EXAMPLES, effect="read", panel=Panel.SET_UP)
def explain(
    runtime: Runtime,
    code: str | None = argument("CODE", "What was printed [all].", default=None),
) -> int:
    """Say what a code means, and what to do.

    CODE is a finding's rule, a receipt's outcome, what a replay counts, an exit code, the code of
    an error with -o json, or the reply code of a broker. Without it, all are listed.
    """
    if code is not None:
        return _explain(runtime, code)
    from medtrack_cli.core.explanations import EXPLAINED

    rows = [(each.group, each.code, each.about.summary) for each in EXPLAINED]
    runtime.printer.show(Rows(Kind.EXPLANATION, ("group", "code", "summary"), rows))
    return ExitCode.DONE


def rules(runtime: Runtime, name: str | None, command: str = "validate") -> int:
    """List the rules of a command's findings, or explain one."""
    from medtrack_cli.core.explanations import Group, rules_of

    if name is not None:
        return _explain(runtime, name, Group.RULE)
    rows = [(rule, rule.severity, about.summary) for rule, about in rules_of(command).items()]
    runtime.printer.show(Rows(Kind.EXPLANATION, ("code", "severity", "summary"), rows))
    return ExitCode.DONE


def _explain(runtime: Runtime, code: str, group: "Group | None" = None) -> int:
    """Explain a code, of one group if that is given."""
    from medtrack_cli.core.explanations import EXPLAINED, find
    from medtrack_cli.output.shown.explanations import ShownExplanation
    from medtrack_cli.suggestions import did_you_mean

    found = find(code)
    if found is None or group not in {None, found.group}:
        known = [each.code for each in EXPLAINED if group in {None, each.group}]
        listing = "medtrack explain lists them all"
        hint = "" if code.isdecimal() else did_you_mean(code, known)
        raise UsageError(f"no such {group or 'code'}", code, hint=hint or listing)
    runtime.printer.show(ShownExplanation(found))
    return ExitCode.DONE
