"""medtrack doctor."""

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.commands.completing import check_names
from medtrack_cli.commands.options import Panel, command, flag, option
from medtrack_cli.commands.shared_options import STRICT
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode, MedtrackError
from medtrack_cli.output.shown.shown import Rows
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medtrack_cli.core.doctor.facts import Facts
    from medtrack_cli.core.doctor.results import Check

EXAMPLES = (
    "medtrack doctor",
    "medtrack doctor --file sample-events/student.created.json",
    "medtrack doctor --only tls_expiry --strict",
    "medtrack doctor --skip management -o json",
    "medtrack doctor --bundle report.txt",
)


@command("doctor", *EXAMPLES, effect="read", panel=Panel.BROKER, connects=True)
def doctor(
    runtime: Runtime,
    *,
    file: str | None = option(Panel.WHAT, "--file, -f FILE", "Check the events of this file, too."),
    only: list[str] | None = option(
        Panel.WHAT,
        "--only ID",
        "Run only this check of --list; repeatable.",
        autocompletion=check_names,
    ),
    skip: list[str] | None = option(
        Panel.WHAT, "--skip ID", "Leave this check out; repeatable.", autocompletion=check_names
    ),
    list_: bool = flag(Panel.OUTPUT, "--list", "List the checks; run none."),
    strict: bool = STRICT,
    round_trip: bool = flag(
        Panel.HOW,
        "--round-trip",
        "Send a message through the event exchange, if nobody else would get it.",
    ),
    bundle: Path | None = option(Panel.OUTPUT, "--bundle FILE", "Write a report without secrets."),
) -> int:
    """Say why publishing fails, and how to fix it.

    Connection, credentials, exchange, payload: one check after the other, each with its fix; checks
    that need a failed one are skipped. No event is sent; the one queue that is declared is deleted
    at once. Takes at most 20 s. Exit code 0: nothing failed, warnings aside; else the code with
    which publishing would end.
    """
    from medtrack_cli.core.doctor.checks import chosen, examine
    from medtrack_cli.core.doctor.results import Diagnosis
    from medtrack_cli.output.shown.checks import ShownCheck, ShownDiagnosis
    from medtrack_cli.wiring import doctor as wiring

    steps = chosen(only or (), skip or (), has_file=file is not None or list_)
    if list_:
        return _list(runtime, [each.id for each in steps])
    if bundle:
        wiring.refuse_place(bundle)
    clock = runtime.world.clock
    started, diagnosis = clock.monotonic(), Diagnosis(strict)
    facts = wiring.facts(runtime, file, asks_exchange=round_trip)
    with _Watched(runtime, facts) as watched:
        for result in examine(steps, facts, watched.begins):
            diagnosis.results.append(result)
            runtime.printer.show(ShownCheck(result))
        diagnosis.stopped = facts.stop.exit_code
        diagnosis.seconds = clock.monotonic() - started
    runtime.printer.show(ShownDiagnosis(diagnosis, wiring.target(runtime)))
    if bundle:
        wiring.write_report(runtime, bundle, diagnosis)
    return diagnosis.exit_code


class _Watched(ExitStack):
    """During requests to the network: shows a sign of life, and ends cleanly on a signal.

    Before that a password may be typed, and Ctrl-C ends all at once.
    """

    def __init__(self, runtime: Runtime, facts: "Facts") -> None:
        super().__init__()
        self._runtime, self._facts = runtime, facts
        self._now = ""

    def begins(self, check: "Check") -> None:
        from medtrack_cli.core.doctor.results import OF_THIS_MACHINE

        if check in OF_THIS_MACHINE:
            return
        if not self._now:
            with suppress(MedtrackError):  # reported by the check that needs it
                self._facts.settings  # noqa: B018 -- a person may be asked for the password
            self._facts.stop = self.enter_context(self._runtime.world.stop_on_signals())
            self.enter_context(self._runtime.printer.progress(lambda: f"checking {self._now}"))
        self._now = check


def _list(runtime: Runtime, checks: "Sequence[Check]") -> int:
    from medtrack_cli.core.explanations.checks import CHECKS

    rows = [("check", each, CHECKS[each].summary) for each in checks]
    runtime.printer.show(Rows(Kind.EXPLANATION, ("group", "code", "summary"), rows))
    return ExitCode.DONE
