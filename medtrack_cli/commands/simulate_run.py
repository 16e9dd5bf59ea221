"""medtrack simulate run."""

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import part, seconds, whole
from medtrack_cli.commands.options import argument, option
from medtrack_cli.commands.simulate_assert import AssertOptions
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medtrack_cli.commands.simulate_assert import Watch
    from medtrack_cli.core.ports import Stop
    from medtrack_cli.core.simulating.reactions import Summary
    from medtrack_cli.core.simulating.trouble import Trouble
    from medtrack_cli.wiring.simulating import Happened

Yes = Annotated[
    bool, option(Panel.HOW, "--yes", "Don't ask beyond this machine, nor on a protected profile.")
]


@dataclass(frozen=True)
class TroubleOptions:
    """Trouble made on purpose."""

    fail_rate: Annotated[
        float,
        option(
            Panel.HOW,
            "--fail-rate PART",
            "Let this part of the tries fail, 0 to 1: the event comes again.",
            parser=part,
        ),
    ] = 0.0
    delay: Annotated[
        float, option(Panel.HOW, "--delay SECONDS", "Take so long for each event.", parser=seconds)
    ] = 0.0
    crash_after: Annotated[
        int | None,
        option(
            Panel.HOW,
            "--crash-after N",
            "Be killed (SIGKILL) after N events: stored, not acknowledged.",
            parser=whole(1),
        ),
    ] = None
    seed: Annotated[
        int | None,
        option(Panel.HOW, "--seed N", "Let the same tries fail each time.", parser=whole(0)),
    ] = None

    def made(self) -> "Trouble":
        """Give the trouble."""
        from medtrack_cli.core.simulating.trouble import Trouble
        from medtrack_cli.wiring.simulating import kill_ourselves

        return Trouble(self.fail_rate, self.delay, self.crash_after, self.seed, kill_ourselves)


def run(
    runtime: Runtime,
    services: Annotated[
        list[str] | None, argument("SERVICE…", "comm, auth, core, profile or eval [all].")
    ] = None,
    *,
    emit: Annotated[
        bool,
        option(
            Panel.WHAT,
            "--emit",
            "Send stage.completed for stages that end, and what `simulate complete` couldn't.",
        ),
    ] = False,
    stage_ends_after: Annotated[
        float | None,
        option(
            Panel.WHAT,
            "--stage-ends-after SECONDS",
            "With --emit: a stage ends so long after its first event.",
            parser=seconds,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        option(
            Panel.END, "--timeout SECONDS", "End after so long: 30, 500ms, 5m, 1h.", parser=seconds
        ),
    ] = None,
    idle_timeout: Annotated[
        float | None,
        option(
            Panel.END,
            "--idle-timeout SECONDS",
            "End when nothing came for so long.",
            parser=seconds,
        ),
    ] = None,
    trouble: TroubleOptions,
    expected: AssertOptions,
    yes: Yes = False,
) -> int:
    """Stand in for services; show what they do.

    Each has a durable queue of its own, medtrack.simulated.comm and so on, bound to the events it
    reacts to. What it does is kept in a file, once for each event id, before the event is
    acknowledged. Invalid events become dead letters in medtrack.simulated.dead-letters, with the
    rules they break. A service stands in once at a time on a broker.
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.core.simulating.services import named
    from medtrack_cli.output.shown.reactions import ShownSimulated
    from medtrack_cli.wiring.simulating import simulate

    meant = named(services or ())
    if stage_ends_after is not None and not emit:
        raise UsageError("--stage-ends-after goes with --emit", hint="add --emit")
    if emit:
        refuse_protected(runtime, "--emit")
    told = {"services": ", ".join(meant)}
    confirm(runtime, "simulate run", told.items, yes=yes, beyond=True)
    with runtime.world.stop_on_signals() as stop, expected.watching(runtime, stop) as watch:
        happenings = simulate(
            *(runtime, meant, trouble.made(), stop),
            emits=emit,
            ends_after=stage_ends_after,
            watches=watch is not None,
        )
        with closing(happenings):
            summary = _Showing(runtime, stop, timeout, idle_timeout, watch).all_of(happenings)
        if watch:
            summary.exit_code = watch.end()
    runtime.printer.tell(ShownSimulated(summary))
    return summary.exit_code


class _Showing:
    """Shows what happens until it is time to end."""

    def __init__(
        self,
        runtime: Runtime,
        stop: "Stop",
        timeout: float | None,
        idle_timeout: float | None,
        watch: "Watch | None",
    ) -> None:
        from medtrack_cli.core.simulating.reactions import Summary

        self._runtime, self._stop, self._watch = runtime, stop, watch
        self._limits = {"time is up": timeout, "nothing more came": idle_timeout}
        self._now = runtime.world.clock.monotonic
        self._since: dict[str, float] = {}  # the ready line, and the last event
        self._away = 0
        self.summary = Summary()
        stop.when(lambda: self._why_over() is not None)

    def all_of(self, happenings: "Iterator[Happened]") -> "Summary":
        """Show all, and sum up."""
        summary, began = self.summary, self._now()
        for each in happenings:
            self._show(each)
            if self._watch:
                self._watch.see(each)
        summary.seconds = self._now() - self._since.get("time is up", began)
        summary.exit_code = self._stop.exit_code or ExitCode.DONE
        summary.ended = "stopped" if self._stop.exit_code else self._why_over() or "stopped"
        return summary

    def _why_over(self) -> str | None:
        if self._watch and (why := self._watch.why_over):
            return why
        for why, limit in self._limits.items():
            if limit is not None and why in self._since and self._now() - self._since[why] >= limit:
                return why
        return None

    def _show(self, happened: "Happened") -> None:
        from medtrack_cli.core.ports import Interrupted, Resumed
        from medtrack_cli.core.simulating.reactions import Handled
        from medtrack_cli.output.shown.listening import ShownHappening
        from medtrack_cli.output.shown.reactions import ShownCompletion, ShownHandled, ShownReady
        from medtrack_cli.wiring.simulating import Emitted, Ready

        printer = self._runtime.printer
        match happened:
            case Ready(services):
                self._since = dict.fromkeys(self._limits, self._now())
                printer.tell(ShownReady(services))
            case Handled():
                self._since["nothing more came"] = self._now()
                self.summary.add(happened)
                printer.show(ShownHandled(happened))
                self._runtime.world.stdout.flush()
            case Emitted():
                self.summary.emitted += happened.made.sent_at is not None
                printer.show(ShownCompletion(happened.made, str(happened)))
                self._runtime.world.stdout.flush()
            case Interrupted():
                self.summary.interruptions += not self._away
                self._away += 1
                if self._away == 1:
                    printer.tell(ShownHappening(happened))
            case Resumed():
                self._away -= 1
                if self._away == 0:
                    printer.tell(ShownHappening(happened))


def refuse_protected(runtime: Runtime, action: str) -> None:
    """Raise UsageError where a made-up event could be taken for a real one."""
    if runtime.config.protector is not None:
        what = f"{action} is refused on a protected profile: the real services emit there"
        raise UsageError(what, runtime.config.protector, hint="use another broker")
