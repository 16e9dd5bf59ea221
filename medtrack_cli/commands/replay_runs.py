"""medtrack replay --runs, --show, --cancel: the outcome of runs, and how to end one."""

from typing import TYPE_CHECKING

from medtrack_cli.commands.replay_job import name_of
from medtrack_cli.commands.replay_options import Running
from medtrack_cli.core.publishing.runs import Run, State
from medtrack_cli.errors import ExitCode, TimedOut, UsageError
from medtrack_cli.output.shown.runs import ShownRun, ShownRuns
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.wiring.runs import Replays

PATIENCE = 5.0
"""Seconds for a run to end after it was asked to."""


def told(runtime: Runtime, running: Running) -> int:
    """Do what one of these options asks for."""
    from medtrack_cli.wiring.runs import replays

    runs = replays(runtime)
    if running.show:
        runtime.printer.show(ShownRun(runs.read(name_of(running.show, "--show") or "")))
        return ExitCode.DONE
    if running.cancel:
        return _cancelled(runtime, runs, name_of(running.cancel, "--cancel") or "")
    found = [*runs.all()]
    for each in found:
        if not isinstance(each, Run):
            runtime.printer.warning(each.message)
    if known := [each for each in found if isinstance(each, Run)]:
        runtime.printer.show(ShownRuns(known))
    else:
        runtime.printer.note("no replay is known")
    return ExitCode.DONE


def _cancelled(runtime: Runtime, runs: "Replays", name: str) -> int:
    """End a run: a running one ends itself; for another it is recorded."""
    run, clock = runs.read(name), runtime.world.clock
    if run.state in {State.COMPLETED, State.CANCELLED}:
        raise UsageError(f"the run is {run.state}", name, hint=f"medtrack replay --show {name}")
    if run.state is State.RUNNING:
        runs.ask_to_end(name)
        until = clock.monotonic() + PATIENCE
        while runs.read(name).state is State.RUNNING and clock.monotonic() < until:
            clock.sleep(0.05)
        run = runs.read(name)
    if run.state in {State.INTERRUPTED, State.FAILED}:  # also for a queue or a pipe
        with runs.reopened(name) as journal:
            journal.ended(State.CANCELLED, "by --cancel")
        run = runs.read(name)
    runtime.printer.show(ShownRun(run))
    if run.state is State.RUNNING:
        what = "the run has not ended yet: it ends after its question, or at its next check"
        raise TimedOut(what, name, hint=f"medtrack replay --show {name}")
    return ExitCode.DONE
